package codec

import (
	"context"
	"errors"
	"sync"

	"github.com/weirflow/weir"
)

// A recordWriter writes records in another form. It is used by one call at a time.
type recordWriter interface {
	// begin prepares for the records of in, and says on out what stands above
	// what is made of them. An error of it is final.
	begin(in, out *weir.Batch) error

	// put writes the record src[i:end] to the beginning of dst, without what
	// divides records, and returns its length. src may go on behind end, and
	// what stands behind the record in dst is garbage. The error is
	// weir.ErrBatchFull if dst has no room; any other one says what is wrong with
	// the record.
	put(dst, src []byte, i, end int) (int, error)
}

// errNoRecords is the error of a batch of bytes where records are needed.
var errNoRecords = errors.New("the batch has no records: the format of what is read must be known")

// A conversion is a Step that turns each record into one of another form.
type conversion struct {
	name    string
	payload func(record []byte) []byte
	lines   bool // records end with an LF
	framing framing
	bad     weir.BadPolicy
	expand  float64
	memory  int64 // of a writer
	lead    bool  // the first batch of a stream decides about the others
	writer  func() recordWriter
	writers writerPool
}

// step returns the conversion as a step.
func (c *conversion) step(o ConvertOptions) weir.Step {
	if o.Expand > 0 {
		c.expand = o.Expand
	}
	return weir.Step{Name: c.name, Do: c.do, Lead: c.lead, Expand: c.expand, PerWorker: c.memory}
}

func (c *conversion) do(ctx context.Context, in, out *weir.Batch) error {
	if in.Records() == 0 {
		return &weir.Error{Kind: weir.Invalid, Err: errNoRecords}
	}
	w := c.writers.take(c.writer)
	defer c.writers.give(w)
	if err := w.begin(in, out); err != nil {
		return err
	}
	src, start := in.Bytes(), 0
	for i := range in.Records() {
		rec := in.Record(i)
		inner := c.inside(rec)
		at := start + cap(rec) - cap(inner) // inner is a part of rec
		start += len(rec)
		err := c.framing.write(out, w, src, at, at+len(inner))
		switch {
		case err == nil:
		case errors.Is(err, weir.ErrBatchFull):
			return err
		default:
			if err := c.refuse(ctx, in, out, i, at, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// inside returns what is inside a record.
func (c *conversion) inside(rec []byte) []byte {
	if n := len(rec); c.lines && n > 1 && rec[0] > '\r' && rec[n-2] > '\r' && rec[n-1] == '\n' {
		return rec[:n-1]
	}
	return c.payload(rec)
}

// refuse lets the policy decide about record i, what is inside of which begins at
// at.
func (c *conversion) refuse(ctx context.Context, in, out *weir.Batch, i, at int, reason error) error {
	bad := in.Bad(i, c.name, reason)
	_, bad.Line = in.Where(at)
	bad.Whole = c.inside(bad.Whole)
	bad.Excerpt = bad.Whole[:min(len(bad.Whole), weir.MaxExcerpt)]
	return c.bad.Decide(ctx, bad, out)
}

// A writerPool keeps the writers that are not in use. There are as many as there
// were calls at once.
type writerPool struct {
	mu   sync.Mutex
	idle []recordWriter
}

// take returns an idle writer, or a new one.
func (p *writerPool) take(create func() recordWriter) recordWriter {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return create()
	}
	w := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return w
}

func (p *writerPool) give(w recordWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, w)
}
