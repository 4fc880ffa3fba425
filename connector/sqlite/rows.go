package sqlite

import (
	"context"
	"errors"

	"github.com/weirflow/weir"
)

// rows stores the records of batches in a table.
type rows struct {
	c       *conn
	o       *SinkOptions
	stream  weir.StreamInfo
	inserts inserts
	record  *record
	binder  *binder
	group   [groupRows]int // the records of the group that is bound
}

// newRows returns what stores records in t, once SQLite has agreed to the
// statement.
func newRows(c *conn, t *table, o *SinkOptions, stream weir.StreamInfo) (*rows, error) {
	if err := t.check(o); err != nil {
		return nil, err
	}
	p := newPlan(t, o)
	w := &rows{c: c, o: o, stream: stream, inserts: inserts{c: c, p: p, key: o.Key}, record: newRecord(p, o)}
	var err error
	if w.binder, err = newBinder(c.tls); err == nil {
		err = w.inserts.whole()
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *rows) close() {
	w.inserts.close()
	w.binder.close()
}

// write stores all records of b.
func (w *rows) write(ctx context.Context, b *weir.Batch) error {
	for i := 0; i < b.Records(); {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		next, err := w.some(ctx, b, i)
		if err != nil {
			return err
		}
		i = next
	}
	return nil
}

// some stores record i of b and, if it can, some behind it in one statement. It
// returns the first record that is not stored.
func (w *rows) some(ctx context.Context, b *weir.Batch, i int) (next int, err error) {
	if ok, err := w.look(ctx, b, i); !ok {
		return i + 1, err
	}
	ins, err := w.inserts.choose(w.record)
	if err != nil {
		return i, err
	}
	if ins.rows < 2 || len(ins.cols) == 0 || b.Records()-i < ins.rows || !w.inserts.p.table.plain || w.record.need()*ins.rows > textSize {
		return i + 1, w.store(ctx, b, i, ins)
	}
	many, err := w.inserts.group(ins)
	if err != nil {
		return i, err
	}
	defer w.binder.release()
	n := 0
	for next = i; next < b.Records() && n < ins.rows; next++ {
		if next > i {
			ok, err := w.look(ctx, b, next)
			if err != nil {
				return next, err
			}
			if !ok {
				continue
			}
			if !ins.suits(w.record) {
				break
			}
		}
		if err := w.binder.row(many, w.record, ins.cols, int32(n*len(ins.cols)+1)); err != nil {
			break // it is looked at alone
		}
		w.group[n] = next
		n++
	}
	if n == ins.rows {
		_, err := many.step()
		if err == nil {
			return next, nil
		}
		if e, ok := dataError(err); !ok || !e.undoes() || !w.c.inTransaction() {
			return next, err
		}
	}
	if n == 0 {
		return i + 1, w.alone(ctx, b, i)
	}
	for _, k := range w.group[:n] {
		if err := w.alone(ctx, b, k); err != nil {
			return next, err
		}
	}
	return next, nil
}

// look loads record i of b. It reports false when there is nothing to store of it.
func (w *rows) look(ctx context.Context, b *weir.Batch, i int) (bool, error) {
	err := w.record.load(b.Record(i))
	switch {
	case err == nil:
		return true, nil
	case err == errBlank:
		b.Note(weir.Filtered, 1, int64(len(b.Record(i))))
		return false, nil
	}
	return false, w.giveUp(ctx, b, i, err)
}

// alone stores record i of b, which was looked at before, in a statement of its
// own.
func (w *rows) alone(ctx context.Context, b *weir.Batch, i int) error {
	if err := w.record.load(b.Record(i)); err != nil {
		return err
	}
	ins, err := w.inserts.choose(w.record)
	if err != nil {
		return err
	}
	return w.store(ctx, b, i, ins)
}

// store stores the record that was loaded last, which is record i of b.
func (w *rows) store(ctx context.Context, b *weir.Batch, i int, ins *insert) error {
	w.binder.release()
	defer w.binder.release()
	err := w.binder.row(ins.one, w.record, ins.cols, 1)
	if err == errRoom {
		err = w.binder.large(ins.one, w.record, ins.cols)
	}
	if err == nil {
		_, err = ins.one.step()
	}
	if err == nil {
		return nil
	}
	var own *badError
	if errors.As(err, &own) {
		return w.giveUp(ctx, b, i, own.reason)
	}
	if refused, ok := dataError(err); ok && w.c.inTransaction() {
		return w.giveUp(ctx, b, i, refused)
	}
	return err
}

// giveUp has the policy decide about record i of b.
func (w *rows) giveUp(ctx context.Context, b *weir.Batch, i int, reason error) error {
	var own *badError
	if errors.As(reason, &own) {
		reason = own.reason
	}
	r := b.Bad(i, "sqlite", reason)
	r.Stream = w.stream.Name
	return w.o.Bad.Decide(ctx, r, b)
}
