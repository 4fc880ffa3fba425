package parquet_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/parquet"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/weirtest"
)

func TestSourceConforms(t *testing.T) {
	weirtest.TestSource(t, func(t *testing.T) weirtest.SourceHarness {
		dir := t.TempDir()
		want := map[string][]byte{}
		for i, n := range []int{3000, 1, 0} {
			name := fmt.Sprintf("%d.parquet", i)
			data, lines := sample(t, n)
			must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
			want[fmt.Sprintf("%d.ndjson", i)] = lines
		}
		open := func(path string) weir.Source {
			inner, err := file.NewSource([]string{path}, file.SourceOptions{})
			must(t, err)
			return parquet.NewSource(inner, parquet.Options{Rename: parquet.RenameRecords})
		}
		return weirtest.SourceHarness{
			Open: func(testing.TB) weir.Source { return open(dir) },
			Want: func(name string) []byte { return want[name] },
			Truncated: func(tb testing.TB) weir.Source {
				path := filepath.Join(tb.TempDir(), "0.parquet")
				data, _ := sample(tb, 3000)
				must(tb, os.WriteFile(path, data, 0o600))
				return &cutSource{Source: open(path), path: path}
			},
		}
	})
}

// cutSource cuts the file off when its stream has been opened.
type cutSource struct {
	weir.Source
	path string
}

func (s *cutSource) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.Source.Next(ctx)
	if err == nil {
		err = os.Truncate(s.path, 1000)
	}
	return st, err
}

// sampleRow is a row with lists in it, so that a batch ends in the middle of one.
type sampleRow struct {
	ID   int64    `parquet:"id"`
	Name string   `parquet:"name,dict"`
	Tags []string `parquet:"tags,list"`
	Note *string  `parquet:"note,optional"`
}

// sample returns a file of n rows in several row groups and pages, and its records.
func sample(tb testing.TB, n int) (data, lines []byte) {
	tb.Helper()
	var rows []sampleRow
	var want bytes.Buffer
	for i := range n {
		row := sampleRow{ID: int64(i), Name: fmt.Sprint("name ", i%7)}
		tags := ""
		for k := range i % 4 {
			tag := strings.Repeat("t", i%3) + fmt.Sprint(k)
			row.Tags = append(row.Tags, tag)
			tags += fmt.Sprintf(",%q", tag)
		}
		note := "null"
		if i%5 == 0 {
			s := strings.Repeat("long ", i%30)
			row.Note = &s
			note = fmt.Sprintf("%q", s)
		}
		rows = append(rows, row)
		fmt.Fprintf(&want, "{\"id\":%d,\"name\":%q,\"tags\":[%s],\"note\":%s}\n", i, row.Name, strings.TrimPrefix(tags, ","), note)
	}
	return writeRows(tb, rows, 1100, pq.PageBufferSize(2000), pq.Compression(&pq.Zstd)), want.Bytes()
}

func TestSinkConforms(t *testing.T) {
	weirtest.TestSink(t, func(t *testing.T) weirtest.SinkHarness {
		dir := t.TempDir() + string(os.PathSeparator)
		open := func(wrap func(weir.Sink) weir.Sink) func(testing.TB) weir.Sink {
			return func(tb testing.TB) weir.Sink {
				inner, err := file.NewSink(dir, file.SinkOptions{Force: true})
				must(tb, err)
				return parquet.NewSink(wrap(inner), parquet.Options{RowGroupBytes: 256 << 10, Rename: parquet.RenameFile})
			}
		}
		return weirtest.SinkHarness{
			Open:  open(func(s weir.Sink) weir.Sink { return s }),
			Fails: open(func(s weir.Sink) weir.Sink { return faulty{s, failingWrite} }),
			Hangs: open(func(s weir.Sink) weir.Sink { return faulty{s, hangingWrite} }),
			Read: func(tb testing.TB, name string) ([]byte, bool) {
				data, err := os.ReadFile(filepath.Join(dir, parquet.RenameFile(name)))
				if err != nil {
					return nil, false
				}
				return []byte(toJSON(tb, data, parquet.Options{})), true
			},
			// Long enough that the kit fills row groups, however well they compress.
			Record: func(stream, i int) []byte {
				pad := sha256.Sum256(fmt.Append(nil, stream, i))
				return fmt.Appendf(nil, "{\"stream\":%d,\"record\":%d,\"pad\":\"%x%x\"}\n", stream, i, pad, pad)
			},
		}
	})
}

// A faulty sink replaces the Write of its Writers.
type faulty struct {
	weir.Sink
	write func(ctx context.Context) error
}

func (s faulty) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	w, err := s.Sink.Open(ctx, info)
	return faultyWriter{w, s.write}, err
}

type faultyWriter struct {
	weir.Writer
	write func(ctx context.Context) error
}

func (w faultyWriter) Write(ctx context.Context, _ *weir.Batch) error { return w.write(ctx) }

var errDisk = errors.New("no space left on device")

func failingWrite(context.Context) error { return errDisk }

func hangingWrite(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}
