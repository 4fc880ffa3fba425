// Package journal is an example connector: files of records, each behind its
// length. docs/writing-a-connector.md builds it step by step.
package journal

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/weirflow/weir"
)

// maxRecord bounds a record, in bytes: a length that is larger is damage, and
// not a reason to ask for memory.
const maxRecord = 16 << 20

// [source]

// Source reads one journal.
type Source struct {
	path  string
	given bool
}

// NewSource returns a source of the records in the journal at path.
func NewSource(path string) *Source { return &Source{path: path} }

// String names the source in errors and statistics.
func (s *Source) String() string { return "journal " + s.path }

// Next returns the one stream, and then io.EOF.
func (s *Source) Next(context.Context) (weir.Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	s.given = true
	return &stream{f: f, in: bufio.NewReaderSize(f, bufferSize), next: unknown}, nil
}

// Close does nothing: each stream closes its file.
func (s *Source) Close() error { return nil }

// [stream]

const (
	bufferSize = 4 << 10
	unknown    = -1
)

// stream reads records. Its state is an offset, and the length of the next
// record once that was read.
type stream struct {
	f    *os.File
	in   *bufio.Reader
	off  int64 // everything before it was delivered
	next int   // bytes of the next record, or unknown
	head int   // bytes that its length took
}

// Info describes the stream. A journal that is still being written has no size.
func (s *stream) Info() weir.StreamInfo {
	name := filepath.Base(s.f.Name())
	return weir.StreamInfo{ID: "journal:" + name, Name: name, Size: weir.UnknownSize, Resumable: true}
}

// Seek continues after a position that a batch had before.
func (s *stream) Seek(_ context.Context, p weir.Position) error {
	off, err := p.Offset()
	if err != nil {
		return &weir.Error{Op: "seek", Kind: weir.Invalid, Err: err}
	}
	if _, err := s.f.Seek(off, io.SeekStart); err != nil {
		return err
	}
	s.in.Reset(s.f)
	s.off, s.next = off, unknown
	return nil
}

// [read]

// Read fills b with whole records, as many as there is room for.
func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := s.length()
		if err == io.EOF && b.Records() > 0 {
			return nil // the next Read says that this was all
		}
		if err != nil {
			return err
		}
		if weir.RecordSize(s.next) > len(b.Space()) {
			if b.Records() > 0 {
				return nil // it is the first of the next batch
			}
			return &weir.NeedError{Size: weir.RecordSize(s.next)}
		}
		if _, err := io.ReadFull(s.in, b.Space()[:s.next]); err != nil {
			return s.damaged("the last record is cut off", err)
		}
		b.Advance(s.next)
		b.EndRecord()
		s.off += int64(s.head + s.next)
		s.next = unknown
		b.SetOffset(s.off)
	}
}

// length reads the length of the next record, once. io.EOF is the end.
func (s *stream) length() error {
	if s.next != unknown {
		return nil
	}
	n, err := binary.ReadUvarint(s.in)
	switch {
	case err == io.EOF:
		return io.EOF
	case err != nil:
		return s.damaged("a length is cut off or damaged", err)
	case n == 0 || n > maxRecord:
		return s.damaged("a length is out of bounds", fmt.Errorf("%d bytes", n))
	}
	s.next, s.head = int(n), len(binary.AppendUvarint(nil, n))
	return nil
}

func (s *stream) damaged(what string, err error) error {
	return &weir.Error{Op: "read", Kind: weir.Corrupt, Err: fmt.Errorf("%s after offset %d: %w", what, s.off, err)}
}

// Close closes the file.
func (s *stream) Close() error { return s.f.Close() }

// [sink]

// Sink writes one journal for each stream, in a directory.
type Sink struct{ dir string }

// NewSink returns a sink that writes into dir.
func NewSink(dir string) *Sink { return &Sink{dir: dir} }

// String names the sink in errors and statistics.
func (s *Sink) String() string { return "journal " + s.dir }

// Footprint says what the sink needs and promises, before the first byte.
func (s *Sink) Footprint() weir.Footprint {
	return weir.Footprint{PerWriter: bufferSize, MaxInFlight: 1}
}

// Open makes a temporary file beside the journal that is to be.
func (s *Sink) Open(_ context.Context, info weir.StreamInfo) (weir.Writer, error) {
	if !filepath.IsLocal(info.Name) {
		return nil, &weir.Error{Op: "open", Kind: weir.Invalid, Err: fmt.Errorf("the name %q leaves the directory", info.Name)}
	}
	f, err := os.CreateTemp(s.dir, ".journal-*.tmp")
	if err != nil {
		return nil, err
	}
	return &writer{f: f, out: bufio.NewWriterSize(f, bufferSize), path: filepath.Join(s.dir, info.Name)}, nil
}

// Close does nothing: each Writer closes its file.
func (s *Sink) Close() error { return nil }

// [writer]

type writer struct {
	f    *os.File
	out  *bufio.Writer
	path string
	head [binary.MaxVarintLen64]byte
}

// Write appends the records of b. It keeps nothing of b.
func (w *writer) Write(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for i := range b.Records() {
		record := b.Record(i)
		n := binary.PutUvarint(w.head[:], uint64(len(record)))
		if _, err := w.out.Write(w.head[:n]); err != nil {
			return err
		}
		if _, err := w.out.Write(record); err != nil {
			return err
		}
	}
	return nil
}

// Commit makes the journal whole and durable, and only then gives it its name.
func (w *writer) Commit(context.Context) error {
	err := w.out.Flush()
	if err == nil {
		err = w.f.Sync()
	}
	err = errors.Join(err, w.f.Close())
	if err == nil {
		err = os.Rename(w.f.Name(), w.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(w.f.Name()))
	}
	return nil
}

// Abort makes it as if the stream had never happened.
func (w *writer) Abort(context.Context, error) error {
	return errors.Join(w.f.Close(), os.Remove(w.f.Name()))
}

// [end]
