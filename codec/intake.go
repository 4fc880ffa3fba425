package codec

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/weirflow/weir"
)

// maxEmptyReads is how often in a row the inner stream may give nothing.
const maxEmptyReads = 100

// An intake reads the inner stream, and knows its positions.
type intake struct {
	inner weir.Stream
	w     weir.Batch // over the memory of the read that is running

	taken     int64 // bytes of the inner stream up to where it stands
	short     bool  // the last read gave less than there was room for
	end       bool  // there is no more
	failed    error // why not, if that is not its end
	resumable bool  // the inner stream gives positions
	places    trail[place]
	head      [headSize]byte
	headed    int // bytes of head

	// What the inner stream said beside its bytes, until it is passed on.
	waited time.Duration
	notes  [len(passed)]weir.Count
}

// passed are the fates that an inner stream may note.
var passed = [...]weir.Fate{weir.Filtered, weir.Skipped, weir.DeadLettered, weir.Added}

// errPart says that what comes next begins something of its own.
var errPart = errors.New("the next part begins")

// A place is an offset in the inner stream and its position there.
type place struct {
	off  int64
	n    int // bytes of text; 0: the beginning
	text [weir.MaxPosition]byte
}

func newIntake(inner weir.Stream) *intake {
	in := &intake{inner: inner}
	in.places.start(place{})
	return in
}

// read reads the inner stream into at most n bytes of b's space, and adds them to
// b: at least one, if there is no error. With io.EOF there may be some.
func (in *intake) read(ctx context.Context, b *weir.Batch, n int) (int, error) {
	switch {
	case in.failed != nil:
		return 0, in.failed
	case in.end:
		return 0, io.EOF
	}
	for range maxEmptyReads {
		b.Sub(&in.w, n)
		err := in.inner.Read(ctx, &in.w)
		in.waited += in.w.Waited()
		if err != nil && err != io.EOF {
			return 0, err
		}
		got := in.took()
		b.Advance(got)
		if in.w.Begins() && got == 0 && err == nil {
			return 0, errPart
		}
		in.short = got < n
		in.end = err == io.EOF
		if got > 0 || in.end {
			return got, err
		}
	}
	return 0, io.ErrNoProgress
}

// took notes what a read gave, and returns how many bytes.
func (in *intake) took() int {
	if in.taken == int64(in.headed) {
		in.headed += copy(in.head[in.headed:], in.w.Bytes())
	}
	in.taken += int64(in.w.Len())
	if p := in.w.Position(); len(p) > 0 {
		in.resumable = true
		here := place{off: in.taken, n: len(p)}
		copy(here.text[:], p)
		in.places.push(&here)
	}
	for i, f := range passed {
		c := in.w.Noted(f)
		in.notes[i].Records += c.Records
		in.notes[i].Bytes += c.Bytes
	}
	return in.w.Len()
}

// pass tells b what the inner stream said beside its bytes.
func (in *intake) pass(b *weir.Batch) (noted bool) {
	b.AddWait(in.waited)
	in.waited = 0
	for i, f := range passed {
		if c := in.notes[i]; c != (weir.Count{}) {
			b.Note(f, int(c.Records), c.Bytes)
			in.notes[i] = weir.Count{}
			noted = true
		}
	}
	return noted
}

// before returns the last known place that is not behind off, which never
// decreases.
func (in *intake) before(off int64) *place {
	return in.places.last(func(p *place) bool { return p.off <= off })
}

// seek makes the inner stream go on at p, which is at offset off.
func (in *intake) seek(ctx context.Context, p weir.Position, off int64) error {
	if err := in.inner.Seek(ctx, p); err != nil {
		return err
	}
	at := place{off: off, n: len(p)}
	copy(at.text[:], p)
	in.places.start(at)
	in.taken, in.end, in.failed, in.short, in.resumable = off, false, nil, false, true
	return nil
}

// fingerprint is of the first bytes, not more of them than n.
func (in *intake) fingerprint(n int64) fingerprint {
	return fingerprintOf(in.head[:min(int64(in.headed), n)])
}
