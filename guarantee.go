package weir

// Label is what a route from a source into a sink promises when the process, the
// machine or the connection dies in the middle and the run is started again.
type Label string

// The labels.
const (
	// ExactlyOnce: every record is in the sink, once.
	ExactlyOnce Label = "exactly-once"
	// AtLeastOnce: every record is in the sink; some may be twice.
	AtLeastOnce Label = "at-least-once"
	// BestEffort: what was on its way is lost, or everything is twice.
	BestEffort Label = "best-effort"
)

// A Guarantee is a label and the reason for it.
type Guarantee struct {
	Label  Label  `json:"label"`
	Reason string `json:"reason"`
}

// weaker returns the weaker of two guarantees; an empty one is none.
func (g Guarantee) weaker(o Guarantee) Guarantee {
	rank := map[Label]int{"": 3, ExactlyOnce: 2, AtLeastOnce: 1, BestEffort: 0}
	if rank[o.Label] < rank[g.Label] {
		return o
	}
	return g
}

// GuaranteeOf works out what a route promises, from what its source and sink say
// of themselves; checkpoints says whether there is a store of them.
func GuaranteeOf(source StreamInfo, sink Footprint, checkpoints bool) Guarantee {
	from := "the source cannot be read again from the middle"
	if source.Resumable {
		from = "the source resumes at a position"
	}
	stored := source.Resumable && checkpoints
	switch {
	case stored && sink.Resumes == ResumesAtPosition:
		return Guarantee{ExactlyOnce, from + "; the sink stores the position in the same transaction as the data"}
	case stored && sink.Resumes == ResumesAtMark:
		return Guarantee{ExactlyOnce, from + "; the sink cuts off what came after the last checkpoint"}
	case source.Resumable && sink.Whole:
		return Guarantee{ExactlyOnce, from + "; a stream is at the sink whole or not at all, and one that was cut short is read again from its beginning"}
	case stored && sink.Idempotent:
		return Guarantee{AtLeastOnce, from + "; what came after the last checkpoint is written again, which this sink says does no harm"}
	case stored:
		return Guarantee{AtLeastOnce, from + "; what came after the last checkpoint is written again"}
	case sink.Whole:
		return Guarantee{BestEffort, from + "; a stream that is cut short leaves nothing at the sink, and what was read of it is gone"}
	case !source.Resumable:
		return Guarantee{BestEffort, from + "; what was on its way is gone"}
	}
	return Guarantee{BestEffort, "no checkpoints are kept; a run that is started again reads everything again"}
}
