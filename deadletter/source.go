package deadletter

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/weirflow/weir"
)

// SourceOptions say which letters a Source gives. The zero value works.
type SourceOptions struct {
	// Bad decides about letters that hold only the beginning of their record.
	// Default: weir.FailBad.
	Bad weir.BadPolicy
	// Once leaves out letters that repeat an earlier one: a run that breaks off and
	// goes on keeps those since its last checkpoint again. They are of the same
	// record of the same stream, by number, offset and content, and the same stage;
	// streams are told apart by name. It holds up to 16 MiB, 32 bytes a letter; of
	// more than half a million letters, later ones are given as they are. Default: all
	// letters are given.
	Once bool
}

// Source returns a source of one stream: the records of the letters in dir, in
// order, each with a line end, to try them again.
func Source(dir string, o SourceOptions) weir.Source { return &source{dir: dir, o: o} }

type source struct {
	dir   string
	o     SourceOptions
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
	return &stream{src: s, all: all, left: all}, nil
}

func (s *source) Close() error { return nil }

// stream reads letter by letter. Its position is the number of the segment and the
// offset in it: "segment=3,off=4096".
type stream struct {
	src  *source
	all  []segment
	left []segment
	at   int64 // in the first of left
	seen *seen // of those before; nil: not made yet
	// The place of the letter that is in seen and did not fit its batch.
	triedSegment int
	triedAt      int64
}

var _ weir.Reserver = (*stream)(nil)

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

// Reserve returns what telling letters apart takes.
func (s *stream) Reserve(context.Context) (int64, error) {
	if !s.src.o.Once {
		return 0, nil
	}
	return int64(s.room()) * seenSlot, nil
}

// room is how many letters are told apart.
func (s *stream) room() int {
	total := int64(0)
	for _, one := range s.all {
		total += one.size
	}
	return seenSize(total)
}

// lookBack makes what is known of the letters before the position.
func (s *stream) lookBack() error {
	s.seen = newSeen(s.room())
	for _, one := range s.all {
		here := len(s.left) > 0 && one.number == s.left[0].number
		if here && s.at == 0 {
			return nil
		}
		_, err := one.read(0, func(l Letter) bool {
			if here && l.At >= s.at {
				return false
			}
			s.seen.repeats(&l)
			return true
		})
		if err != nil || here {
			return err
		}
	}
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
	if s.src.o.Once && s.seen == nil {
		if err := s.lookBack(); err != nil {
			return err
		}
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
	again := l.Segment == s.triedSegment && l.At == s.triedAt
	if s.src.o.Once && !again && s.seen.repeats(l) {
		b.Note(weir.Filtered, 1, int64(len(content)))
		return nil
	}
	if !l.Whole {
		return s.src.o.Bad.Decide(ctx, &weir.BadRecord{
			Stage: "dead letter", Stream: l.Stream, Record: l.Record, Line: l.Line, Offset: l.Offset, Size: l.Size,
			Reason:  fmt.Errorf("only %d of its %d bytes were kept (first: %s)", len(content), l.Size, l.Reason),
			Excerpt: content,
		}, b)
	}
	rec := trimmed(content)
	if b.Append(rec) {
		return nil
	}
	s.triedSegment, s.triedAt = l.Segment, l.At
	if b.Records() == 0 {
		return &weir.NeedError{Size: weir.RecordSize(len(rec))}
	}
	return errFull
}

func (s *stream) Close() error { return nil }
