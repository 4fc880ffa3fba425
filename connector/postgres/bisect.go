package postgres

import (
	"context"
	"errors"
	"math/bits"

	"github.com/weirflow/weir"
)

// place writes b and gives up on the records that the server refuses. It writes
// what is left of b at once; when the server refuses that, it goes back to the
// savepoint and writes less: up to the record that the server has named, or half.
// The record that is refused alone is given up on. The records keep their order. Its
// cost grows with the number of those that are refused, and not with its square.
func (l *lane) place(ctx context.Context, b *weir.Batch) error {
	total := b.Records()
	size, suspect, good := total, -1, 0
	for from := 0; from < total; {
		to := min(from+size, total)
		if from == suspect {
			to = from + 1
		}
		err := l.attempt(ctx, b, from, to)
		if err == nil {
			good += to - from
			size = max(2*size, 1)
			from = to
			continue
		}
		refused, ok := dataError(err)
		if !ok {
			return err
		}
		if isForm(refused.Code) && !l.allOdd {
			l.allOdd = true // what the server cannot read in binary it may in text
			continue
		}
		if to-from == 1 {
			if err := l.giveUp(ctx, b, from, refused); err != nil {
				return err
			}
			size, good = max(2*good, 1), 0 // as far as it was from the one before, and more
			from = to
			continue
		}
		var at *placeError
		if errors.As(err, &at) && at.record >= from && at.record < to {
			suspect = at.record
			size = max(suspect-from, 1)
			continue
		}
		size = (to - from) / 2
	}
	return nil
}

// attempt writes records [from,to) of b, all or none of them.
func (l *lane) attempt(ctx context.Context, b *weir.Batch, from, to int) error {
	l.mark = !l.clean
	err := l.run(ctx, b, from, to)
	if err == nil {
		return nil
	}
	if _, ok := dataError(err); !ok || l.c.broken.Load() {
		return err
	}
	if _, err := l.c.exec(ctx, "ROLLBACK TO SAVEPOINT weir"); err != nil {
		return err
	}
	l.clean = true
	return err
}

// isGone reports whether record i has no row.
func (l *lane) isGone(i int) bool { return l.gone[i/64]>>(i%64)&1 != 0 }

func (l *lane) setGone(i int) { l.gone[i/64] |= 1 << (i % 64) }

// rows returns how many of the records [from,to) of b have a row.
func (l *lane) rows(b *weir.Batch, from, to int) int {
	n := to - from
	for i := from; i < to && n > 0; i++ {
		if i%64 == 0 && to-i >= 64 {
			n -= bits.OnesCount64(l.gone[i/64])
			i += 63
			continue
		}
		if l.isGone(i) {
			n--
		}
	}
	return n
}

// recordOf returns the record of b that is row line, from 1, of the COPY that has
// just ended; -1 if it is not in b.
func (l *lane) recordOf(b *weir.Batch, line int) int {
	if line <= l.lines || b == nil {
		return -1
	}
	left := line - l.lines
	for i := l.from; i < b.Records(); i++ {
		if l.isGone(i) {
			continue
		}
		if left--; left == 0 {
			return i
		}
	}
	return -1
}

// bad describes record i of b, which could not be used.
func (l *lane) bad(b *weir.Batch, i int, reason error) *weir.BadRecord {
	r := b.Bad(i, "sink postgres", reason)
	r.Stream = l.stream.Name
	return r
}

// giveUp has the policy decide about record i of b.
func (l *lane) giveUp(ctx context.Context, b *weir.Batch, i int, reason error) error {
	if err := l.sink.o.Bad.Decide(ctx, l.bad(b, i, reason), b); err != nil {
		return err
	}
	l.setGone(i)
	return nil
}

// leaveOut counts record i of b, which is a blank line, as left out.
func (l *lane) leaveOut(b *weir.Batch, i int) {
	b.Note(weir.Filtered, 1, int64(len(b.Record(i))))
	l.setGone(i)
}

// explain makes err, which a Write without a policy for bad records ended with, the
// error of the record that it is about, where that is known.
func (l *lane) explain(ctx context.Context, b *weir.Batch, err error) error {
	var at *placeError
	if err == nil || !errors.As(err, &at) {
		return err
	}
	if at.record < 0 {
		return at.err
	}
	refused, _ := dataError(err)
	_, err = weir.FailBad(ctx, l.bad(b, at.record, refused))
	return err
}
