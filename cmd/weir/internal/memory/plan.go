// Package memory keeps the process under its memory cap.
//
// The cap is what the user allows the process to have resident (RSS). A Plan
// divides it: what the program and the Go runtime take whatever happens, what
// every stream costs, a reserve for what no count covers, and the rest for the
// arenas that hold data. A Watchdog compares the plan with what the system
// counts while data flows, and gives free memory back before the cap is met.
package memory

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/size"
	"github.com/weirflow/weir/observe"
)

// The equation's terms, in bytes. The tests of the program hold them against
// the peak that the kernel saw.
const (
	// Default is the cap when the user gives none.
	Default = 64 * size.MiB

	programMin  = 12 * size.MiB  // code and data that are touched sooner or later
	programGrow = 4 * size.MiB   // what is touched after the start
	heap        = 4 * size.MiB   // Go's heap: 2 MiB at the lowest GC goal, its bookkeeping, garbage
	perProc     = 160 * size.KiB // caches and a system stack of each processor in use
	perStream   = 16 * size.KiB  // an open stream with its first write: stacks, bookkeeping
	perWrite    = 6 * size.KiB   // each further write that a stream may have in flight
	writesShare = 16             // unless asked, they take no more than this part of the cap
	reserveMin  = 2 * size.MiB   // what no count covers: rounding, kernel, a late page
	arenasMin   = 2 * size.MiB   // below this nothing useful flows
	batchMin    = 4 * size.KiB   // the engine's least
	capPerProc  = 4 * size.MiB   // a processor is used for each of these in the cap
	recordShare = 6              // a record of more than this part of the cap is a large one
	batchBeside = 128 * size.KiB // beside such records
	procsBeside = 2              // and as many processors

	// plainBatch leaves room in a processor's second cache, which often has 1 MiB: what
	// was read is still there when it is written. Measured with files of 2 GiB in the
	// page cache, beside cp: 1.4 times as fast with this and with 1 MiB, 1.3 with
	// 512 KiB.
	plainBatch = 768 * size.KiB

	gcPercent = 50
)

// Ask is what the user wants.
type Ask struct {
	Cap      int64 // --memory; 0: Default, or less where the machine's limit is lower
	Streams  int   // open side by side
	InFlight int   // --in-flight: writes of one stream; 0: as many as there is room for
	Batch    int64 // --batch; 0: derived from the arenas

	// Weight is what a batch costs in all, in bytes of arenas per byte of it: more
	// than one when it is transformed. 0: 1.
	Weight float64
	// Static is what is held beside batches for the whole run, in bytes.
	Static int64
	// Plain says that bytes pass as they are: nothing but what is read has to stay in a
	// processor's cache until it is written.
	Plain bool
	// Letters is what sending dead letters takes, in bytes.
	Letters int64
	// Record is the largest record that is transformed, in bytes; 0: no larger than
	// usual. Where one may need most of the arenas, batches are small and processors
	// few (see On), which leaves it as much as there can be.
	Record int64
}

// On returns the machine as it is used for what is asked.
func (a Ask) On(m Machine) Machine {
	if a.large(m) {
		m.Procs = min(m.Procs, procsBeside)
	}
	return m
}

// large reports whether a record may need most of the arenas.
func (a Ask) large(m Machine) bool {
	limit, err := capFor(a, m)
	return err == nil && a.Record > limit/recordShare
}

// Machine is what the process finds around it.
type Machine struct {
	RSS     int64         // resident at the start
	Procs   int           // processors that may be used
	Limit   observe.Limit // of the control group
	Limited bool          // whether there is a Limit
}

// ThisMachine reads what is around this process. What starting it has touched of the
// program leaves its memory first: that says nothing of what running takes.
func ThisMachine() Machine {
	_ = observe.ReleaseProgram() // where it cannot be done, it stays resident
	m := Machine{Procs: runtime.GOMAXPROCS(0)}
	if rss, err := observe.OpenMemory(); err == nil { // else the least that the program takes counts
		m.RSS, _ = rss.RSS()
		_ = rss.Close() // it was only read
	}
	m.Limit, m.Limited = observe.MemoryLimit()
	return m
}

// Plan says where each byte of the cap goes. The amounts add up to Cap.
type Plan struct {
	Cap     int64 `json:"cap_bytes"`
	Program int64 `json:"program_bytes"`
	Heap    int64 `json:"heap_bytes"`
	Procs   int64 `json:"processors_bytes"`
	Streams int64 `json:"streams_bytes"`
	Writes  int64 `json:"writes_bytes"`
	Letters int64 `json:"letters_bytes"`
	Reserve int64 `json:"reserve_bytes"`
	Arenas  int64 `json:"arenas_bytes"`
	Static  int64 `json:"static_bytes"` // of Arenas: held for the whole run

	Batch     int64 `json:"batch_bytes"`
	InFlight  int   `json:"in_flight"`  // the most writes that a stream may have in flight
	ReadAhead bool  `json:"read_ahead"` // whether a stream is read while it is written

	procs, streams int
	weight         float64
}

// NewPlan divides the cap. The error shows the sum when the cap is too small,
// and the figures when the machine's limit is too near.
func NewPlan(ask Ask, m Machine) (Plan, error) {
	capBytes, err := capFor(ask, m)
	if err != nil {
		return Plan{}, err
	}
	if ask.Batch != 0 && ask.Batch < batchMin {
		return Plan{}, fmt.Errorf("--batch %s is too small; the smallest is %s", size.Flag(ask.Batch), size.Flag(batchMin))
	}
	ask.Cap = capBytes
	p := divide(ask, m)
	if p.Arenas < arenasMin {
		return Plan{}, p.tooSmall(ask, m)
	}
	if p.Batch > p.Arenas {
		return Plan{}, fmt.Errorf("a batch of %s (--batch) does not fit the %s that --memory %s leaves for data:\n%s\nlower --batch or raise --memory",
			size.Flag(p.Batch), size.Format(p.Arenas), size.Flag(p.Cap), p)
	}
	if cost := int64(float64(p.Batch) * p.weight); cost+p.Static > p.Arenas {
		return Plan{}, fmt.Errorf("a batch of %s costs %s on its way through the transforms, beside %s that they hold, and --memory %s leaves %s for data:\n%s\nlower --batch or raise --memory",
			size.Flag(p.Batch), size.Format(cost), size.Format(p.Static), size.Flag(p.Cap), size.Format(p.Arenas), p)
	}
	p.ReadAhead = float64(p.Arenas-p.Static) >= 2*float64(p.Batch)*p.weight*float64(p.streams)
	return p, nil
}

// capFor returns the cap to use. It must leave a twentieth of the control
// group's limit, for the kernel's own memory that is charged to the group.
func capFor(ask Ask, m Machine) (int64, error) {
	most := m.Limit.Bytes / 20 * 19
	switch {
	case ask.Cap == 0 && m.Limited:
		return min(Default, most), nil
	case ask.Cap == 0:
		return Default, nil
	case m.Limited && ask.Cap > most:
		return 0, fmt.Errorf("--memory %s is more than 95 %% of the %s that this process's control group may use (%s); the kernel would kill it: give at most %s, or raise that limit",
			size.Flag(ask.Cap), size.Format(m.Limit.Bytes), m.Limit.File, size.Flag(most/size.MiB*size.MiB))
	}
	return ask.Cap, nil
}

// divide is the equation. Arenas is negative when the cap is too small.
func divide(ask Ask, m Machine) Plan {
	p := Plan{
		Cap:     ask.Cap,
		Program: max(programMin, m.RSS+programGrow),
		Heap:    heap,
		Reserve: max(reserveMin, ask.Cap/20),
		Batch:   ask.Batch,
		procs:   min(max(m.Procs, 1), int(max(ask.Cap/capPerProc, 2))),
		streams: max(ask.Streams, 1),
		weight:  max(ask.Weight, 1),
		Static:  ask.Static,
		Letters: ask.Letters,
	}
	p.Procs = int64(p.procs) * perProc
	p.Streams = int64(p.streams) * perStream
	p.Arenas = p.Cap - p.Program - p.Heap - p.Procs - p.Streams - p.Letters - p.Reserve
	if p.Batch == 0 {
		p.Batch = batchFor(p.Arenas-p.Static, p.streams, p.weight)
		if ask.Plain {
			p.Batch = min(p.Batch, plainBatch)
		}
	}
	p.InFlight = ask.InFlight
	if p.InFlight == 0 {
		p.InFlight = int(p.Cap / writesShare / perWrite / int64(p.streams))
	}
	p.InFlight = int(max(1, min(int64(p.InFlight), int64(float64(p.Arenas)/p.weight)/p.Batch))) // a write needs a batch
	p.Writes = int64(p.streams) * int64(p.InFlight-1) * perWrite
	p.Arenas -= p.Writes
	if ask.Batch == 0 && ask.large(m) {
		p.Batch = min(p.Batch, batchBeside)
	}
	return p
}

// Smallest returns the smallest cap, in whole MiB, for what else is asked.
func Smallest(ask Ask, m Machine) int64 {
	const most = int(size.TiB / size.MiB * 1024)
	mib := sort.Search(most, func(mib int) bool {
		ask.Cap = int64(mib) * size.MiB
		return divide(ask, m).Arenas >= arenasMin
	})
	return int64(mib) * size.MiB
}

func (p Plan) tooSmall(ask Ask, m Machine) error {
	ask.Cap = Smallest(ask, m)
	fix := fmt.Sprintf("raise --memory, or lower --streams (%s each)", size.Format(perStream))
	if p.Cap < size.MiB {
		fix = "a number without a unit is bytes: write it with one, such as 64MiB"
	} else if ask.InFlight > 1 {
		fix += fmt.Sprintf(" or --in-flight (%s each, for every stream)", size.Format(perWrite))
	}
	return fmt.Errorf("--memory %s is too small; with %d streams the smallest is %s:\n%s\n%s",
		size.Flag(p.Cap), p.streams, size.Flag(ask.Cap), divide(ask, m), fix)
}

// batchFor returns a power of two that leaves two batches for each stream, and
// sixteen in all, as far as the engine's bounds allow.
func batchFor(arenas int64, streams int, weight float64) int64 {
	b := int64(weir.MaxBatch)
	for b > weir.MinBatch && float64(b)*weight*float64(max(16, 2*streams)) > float64(arenas) {
		b /= 2
	}
	return b
}

// String returns the sum, line by line.
func (p Plan) String() string {
	var b strings.Builder
	row := func(what string, n int64, how string) {
		fmt.Fprintf(&b, "  %12s  %-10s  %s\n", size.InMiB(n), what, how)
	}
	row("program", p.Program, "code and data of weir itself")
	row("heap", p.Heap, "Go's heap and its bookkeeping")
	row("processors", p.Procs, fmt.Sprintf("%d x %s", p.procs, size.Format(perProc)))
	row("streams", p.Streams, fmt.Sprintf("%d x %s (--streams)", p.streams, size.Format(perStream)))
	if p.Writes > 0 {
		row("writes", p.Writes, fmt.Sprintf("%d x %d x %s (--streams x --in-flight after the first)", p.streams, p.InFlight-1, size.Format(perWrite)))
	}
	if p.Letters > 0 {
		row("letters", p.Letters, "dead letters on their way (--dead-letters)")
	}
	row("reserve", p.Reserve, "5 %, at least "+size.Format(reserveMin))
	row("arenas", p.Arenas, "data in flight")
	if p.Static > 0 {
		row("of these", p.Static, "held by transforms")
	}
	row("cap", p.Cap, "--memory")
	return strings.TrimRight(b.String(), "\n")
}

// Apply tells the Go runtime about the plan.
func (p Plan) Apply() {
	runtime.GOMAXPROCS(p.procs)
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(p.goLimit(0))
}

// goLimit is the limit of Go's memory when held bytes of the arenas' share are on
// its heap. Without any it is a backstop, far above need.
func (p Plan) goLimit(held int64) int64 {
	if held <= 0 {
		return p.Cap - p.Arenas
	}
	return p.Cap - p.Program - p.Arenas + held
}
