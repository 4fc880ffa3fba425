package prove

import "time"

// Strategy is a way to join a source to a sink.
type Strategy string

// The strategies.
const (
	// Controlled is weir.Ingest.
	Controlled Strategy = "controlled"
	// Unbounded fires every write without waiting for it.
	Unbounded Strategy = "unbounded"
	// CountBounded puts a queue of QueueItems items between reading and writing.
	CountBounded Strategy = "count-bounded"
	// Unlimited is Unbounded with a sink that serves any number of writes at
	// once. There is no such sink.
	Unlimited Strategy = "unlimited-sink"
	// ReadAll reads everything before the first write.
	ReadAll Strategy = "read-all"
	// Idle does nothing: its heartbeat is what others are compared with.
	Idle Strategy = "idle"
	// Gated is Controlled with a sink that stops, and goes on when it is told.
	Gated Strategy = "gated"
)

// QueueItems is how many items the queue of CountBounded holds.
const QueueItems = 1000

// A Scenario is one run of one strategy. It is sent to the process that runs it.
type Scenario struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Strategy Strategy `json:"strategy"`

	// Source and Sink are addresses that the Subject opens. They may hold
	// secrets and are not shown.
	Source string `json:"source"`
	Sink   string `json:"sink"`
	// Chunk is the most that one write takes, in bytes. 0: the Subject's choice
	// for Controlled, 64 KiB for the others.
	Chunk int `json:"chunk"`
	// Cap is what resident memory may reach, in bytes.
	Cap int64 `json:"cap"`
	// Limit ends the run after this time. 0: at the source's end.
	Limit time.Duration `json:"limit"`
	// Overwrite lets the sink replace what an earlier scenario left.
	Overwrite bool `json:"overwrite"`
	// Again says that it repeats an earlier scenario, as the measure of noise.
	Again bool `json:"again"`
	// StopAfter is how many bytes the sink of Gated takes before it stops.
	StopAfter int64 `json:"stop_after"`
}

// Classic are the scenarios of the experiment over a file in chunks, into a sink
// that addresses give for a chunk: one that serves a limited number of writes at
// once, one with a quarter of the time for items of a quarter of the size, and
// one without limits.
func Classic(file string, chunk int, capBytes int64, sink, quarter, unlimited string) []Scenario {
	all := []Scenario{
		{ID: "A", Name: "controlled", Strategy: Controlled},
		{ID: "A2", Name: "controlled, again", Strategy: Controlled, Again: true},
		{ID: "B", Name: "unbounded", Strategy: Unbounded},
		{ID: "C", Name: "count-bounded", Strategy: CountBounded},
		{ID: "C4", Name: "items of a quarter", Strategy: CountBounded, Sink: quarter, Chunk: chunk / 4},
		{ID: "D", Name: "unlimited sink", Strategy: Unlimited, Sink: unlimited},
		{ID: "E", Name: "read all first", Strategy: ReadAll},
	}
	for i := range all {
		s := &all[i]
		s.Source, s.Cap = file, capBytes
		if s.Sink == "" {
			s.Sink, s.Chunk = sink, chunk
		}
	}
	return all
}

// Pipeline are the scenarios of somebody's own source and sink, in turn.
func Pipeline(source, sink string, chunk int, capBytes int64, limit time.Duration) []Scenario {
	s := Scenario{Source: source, Sink: sink, Chunk: chunk, Cap: capBytes, Limit: limit}
	a, again, b := s, s, s
	a.ID, a.Name, a.Strategy = "A", "controlled", Controlled
	again.ID, again.Name, again.Strategy = "A2", "controlled, again", Controlled
	b.ID, b.Name, b.Strategy = "B", "unbounded", Unbounded
	again.Again, again.Overwrite, b.Overwrite = true, true, true
	return []Scenario{a, again, b}
}
