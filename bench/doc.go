// Bench measures weir beside the limits of the machine it runs on.
//
// A figure of its own says more about the machine, and its neighbours, than about
// weir. So every figure here is a ratio to a limit that was measured in the same
// run: a system tool or a bare loop that does the same work without an engine.
// The contestants of a table take turns, in every other round in the opposite
// order; medians are compared. One contestant is the limit itself once more: what
// its ratio differs from 1 is the noise, and a difference that is not larger than
// that is none.
//
//	make bench                                      # all, a quarter of an hour; keeps the result
//	make bench BENCHFLAGS=--quick                   # some minutes, only to look at
//	make bench BENCHFLAGS='--only copy --size 2GiB'
//
// A run of everything is written to bench/results, with what the machine is and
// what else it was doing.
package main
