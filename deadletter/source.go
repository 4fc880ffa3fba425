package deadletter

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/weirflow/weir"
)

// Source returns a source of one stream: the records of the letters in dir, in
// order, each with a line end, to try them again. A letter that holds only the
// beginning of its record is given to bad; by default that is an error.
func Source(dir string, bad weir.BadPolicy) weir.Source { return &source{dir: dir, bad: bad} }

type source struct {
	dir   string
	bad   weir.BadPolicy
	given bool
}

func (s *source) String() string { return "dead letters " + s.dir }

func (s *source) Next(context.Context) (weir.Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	s.given = true
	all, err := segments(s.dir)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &weir.Error{Op: "open", Kind: weir.Invalid, Err: fmt.Errorf("there are no dead letters in %s", s.dir)}
	}
	return &stream{src: s, left: all}, nil
}

func (s *source) Close() error { return nil }

// stream reads letter by letter. Its position is the number of the segment and the
// offset in it: "segment=3,off=4096".
type stream struct {
	src  *source
	left []segment
	at   int64 // in the first of left
}

var _ weir.Stream = (*stream)(nil)

func (s *stream) Info() weir.StreamInfo {
	name := strings.TrimSuffix(filepath.Base(s.src.dir), string(filepath.Separator))
	return weir.StreamInfo{ID: "deadletter:" + s.src.dir, Name: name + ".ndjson", Size: weir.UnknownSize, Resumable: true}
}

func (s *stream) Seek(_ context.Context, p weir.Position) error {
	var number int
	var at int64
	if n, err := fmt.Sscanf(string(p), "segment=%d,off=%d", &number, &at); n != 2 || err != nil || string(position(number, at)) != string(p) {
		return &weir.Error{Op: "seek", Kind: weir.Invalid, Err: fmt.Errorf("%q is not a position of dead letters", p.String())}
	}
	for len(s.left) > 0 && s.left[0].number < number {
		s.left = s.left[1:]
	}
	if len(s.left) == 0 || s.left[0].number != number || at > s.left[0].size {
		return &weir.Error{Op: "seek", Kind: weir.Corrupt, Err: fmt.Errorf("segment %d of %s has been removed or cut since; start over", number, s.src.dir)}
	}
	s.at = at
	return nil
}

func position(number int, at int64) weir.Position {
	return fmt.Appendf(nil, "segment=%d,off=%d", number, at)
}

// Read fills b with as many records as fit.
func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for len(s.left) > 0 {
		var stop error
		first := s.left[0]
		more, err := first.read(s.at, func(l Letter) bool {
			if stop = s.take(ctx, &l, b); stop != nil {
				return false
			}
			s.at = l.End
			b.SetPosition(position(first.number, l.End))
			return true
		})
		if stop == errFull {
			return nil
		}
		if stop != nil || err != nil {
			if stop == nil {
				stop = err
			}
			return stop
		}
		if more {
			s.left, s.at = s.left[1:], 0
		}
	}
	return io.EOF
}

// errFull ends the reading of a batch.
var errFull = fmt.Errorf("%w", weir.ErrBatchFull)

// take appends the record of l to b.
func (s *stream) take(ctx context.Context, l *Letter, b *weir.Batch) error {
	content := l.Content()
	if !l.Whole {
		return s.src.bad.Decide(ctx, &weir.BadRecord{
			Stage: "dead letter", Stream: l.Stream, Record: l.Record, Line: l.Line, Offset: l.Offset, Size: l.Size,
			Reason:  fmt.Errorf("only %d of its %d bytes were kept (first: %s)", len(content), l.Size, l.Reason),
			Excerpt: content,
		}, b)
	}
	rec := trimmed(content)
	if b.Append(rec) {
		return nil
	}
	if b.Records() == 0 {
		return &weir.NeedError{Size: weir.RecordSize(len(rec))}
	}
	return errFull
}

func (s *stream) Close() error { return nil }
