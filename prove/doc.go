// Package prove runs the experiment for which weir exists: does memory stay flat
// while a source is far faster than its sink?
//
// The same source and the same slow sink are joined in several ways: by
// weir.Ingest, by a loop that fires every write without waiting, by a queue that
// is bounded by count, by reading everything first. Each way is a [Scenario] and
// runs in a process of its own. An [Experiment] starts the processes and samples
// their resident memory from outside while data moves; the kernel's high-water
// mark gives the peak, so that none is missed. Inside, [Serve] runs the scenario
// and tells what was read, what the sink has finished, and how late a heartbeat
// was. The [Report] holds all figures, and a verdict that is computed from them.
//
// The loops that are not weir's stand here as counter-examples and nowhere else.
package prove
