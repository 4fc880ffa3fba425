package weir

import "time"

// Count is an amount of data. Records is 0 where bytes are opaque.
type Count struct {
	Bytes   int64 `json:"bytes"`
	Records int64 `json:"records"`
}

func (c *Count) add(b *Batch) {
	c.Bytes += int64(b.Len())
	c.Records += int64(b.Records() + b.Packed())
}

func (c *Count) plus(o Count) {
	c.Bytes += o.Bytes
	c.Records += o.Records
}

// Stats says where a run stands: at any moment by Control.Stats, at the end in
// Result. All counts are of one run.
type Stats struct {
	Elapsed time.Duration `json:"elapsed_ns"`

	// Read is what the source delivered or gave up on. Written is what the
	// sink's Write accepted, after the steps. Acknowledged is what is durable in
	// the sink: at once if Footprint.Durable, otherwise when the stream was
	// committed.
	Read         Count `json:"read"`
	Written      Count `json:"written"`
	Acknowledged Count `json:"acknowledged"`

	// What became of the records that are not in Written, each counted where it
	// happened, and those that are in it without having been read:
	//
	//	Read + Added = Written + Filtered + Skipped + DeadLettered + Undelivered
	//
	// in records. Undelivered are those of streams that did not succeed and are
	// still on their way. A stream whose ledger does not balance fails instead of
	// being committed.
	Filtered     Count `json:"filtered"`
	Skipped      Count `json:"skipped"`
	DeadLettered Count `json:"dead_lettered"`
	Added        Count `json:"added"`
	Undelivered  Count `json:"undelivered"`

	// Resumed is what earlier runs have read of the streams that were opened so
	// far, up to the checkpoints where this one continued; it is not in Read.
	Resumed Count `json:"resumed"`
	// Guarantee is the weakest of the promises that the streams opened so far
	// were given; empty before the first.
	Guarantee Guarantee `json:"guarantee"`
	// Checkpoints is the number of checkpoints that were stored.
	Checkpoints int64 `json:"checkpoints"`

	// ReadTotal is the number of bytes that the streams opened so far will
	// deliver in all, UnknownSize if one of them does not know.
	ReadTotal int64 `json:"read_total"`
	// SourceEnded says that the source will give no more streams, so that
	// ReadTotal is final.
	SourceEnded bool `json:"source_ended"`

	Streams StreamCounts `json:"streams"`

	// InFlight is what is read and not yet accepted by the sink: memory
	// charged, in bytes, and batches. Peak values are of the whole run.
	InFlightBytes       int64 `json:"in_flight_bytes"`
	InFlightBatches     int64 `json:"in_flight_batches"`
	PeakInFlightBytes   int64 `json:"peak_in_flight_bytes"`
	PeakInFlightBatches int64 `json:"peak_in_flight_batches"`

	Source    Stage `json:"source"`
	Transform Stage `json:"transform"`
	Sink      Stage `json:"sink"`

	WriteLatency Latency    `json:"write_latency"`
	Bottleneck   Bottleneck `json:"bottleneck"`
}

// StreamCounts counts streams by how they stand.
type StreamCounts struct {
	Opened    int64 `json:"opened"`
	Active    int64 `json:"active"`
	Committed int64 `json:"committed"`
	Aborted   int64 `json:"aborted"` // cut short by a cancellation or a drain
	Failed    int64 `json:"failed"`
	Already   int64 `json:"already"` // of Committed, those that an earlier run had committed
}

// Stage holds the clocks of one stage. A worker of a stage is in exactly one
// state at any time, so the states add up to the time its workers existed: the
// source and each stream's place at the sink exist from the start of the run
// for one stream, and for the life of each further one.
type Stage struct {
	Name string `json:"name"`

	// Work is the time spent in the stage's own code and, for a source or
	// sink, in its peer.
	Work time.Duration `json:"work_ns"`
	// WaitInput is the time it had nothing to work on.
	WaitInput time.Duration `json:"wait_input_ns"`
	// WaitDownstream is the time its output had no place to go.
	WaitDownstream time.Duration `json:"wait_downstream_ns"`
	// WaitBudget is the time it waited for memory.
	WaitBudget time.Duration `json:"wait_budget_ns"`
	// WaitRate is the time it waited for Options.Rate.
	WaitRate time.Duration `json:"wait_rate_ns"`
}

// Total is the sum of the states.
func (s Stage) Total() time.Duration {
	return s.Work + s.WaitInput + s.WaitDownstream + s.WaitBudget + s.WaitRate
}

// Latency describes the durations of the calls of Write. P50 and P99 are
// accurate to 4 %.
type Latency struct {
	Count int64         `json:"count"`
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
}

// Status is how a run or a stream ended.
type Status uint8

const (
	// Succeeded says that every stream was read to its end and committed.
	Succeeded Status = iota
	// Aborted says that it was cancelled or drained before its end.
	Aborted
	// Failed says that the source, the sink or the transform failed.
	Failed
)

var statusText = [...]string{"succeeded", "aborted", "failed"}

// String returns the status in lower case.
func (s Status) String() string { return statusText[s] }

// MarshalText returns the status in lower case.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Result is how a run ended. The error that Ingest returns beside it holds the
// cause.
type Result struct {
	Status Status `json:"status"`
	Stats
	// Abandoned names the calls that ignored their cancellation.
	Abandoned []string `json:"abandoned,omitempty"`
}

// StreamResult is how one stream ended.
type StreamResult struct {
	Info     StreamInfo    `json:"-"`
	Name     string        `json:"name"`
	Status   Status        `json:"status"`
	Err      error         `json:"-"`
	Read     Count         `json:"read"`
	Written  Count         `json:"written"`
	Duration time.Duration `json:"duration_ns"`
	// Position is the low watermark: everything before it was accepted by the
	// sink. It is empty if nothing was, or the source gives no positions.
	Position Position `json:"position,omitempty"`
	// Resumed is what earlier runs had read, up to the checkpoint where this
	// one continued.
	Resumed Count `json:"resumed"`
	// Already says that the stream was whole at the sink before this run.
	Already bool `json:"already,omitempty"`
}
