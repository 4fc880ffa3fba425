package parquet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/parquet"
	"github.com/weirflow/weir/weirtest"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// A disk is a source of files that can be read at any place.
type disk struct {
	files []*onDisk
	next  int
}

// onDisk is one of them. It counts what is read.
type onDisk struct {
	name   string
	data   []byte
	reads  int
	bytes  int64
	closed bool
	fail   error // of every ReadAt, if not nil
}

func diskOf(name string, data []byte) *disk { return &disk{files: []*onDisk{{name: name, data: data}}} }

// errPanic makes ReadAt panic.
var errPanic = errors.New("out of bounds")

func (d *disk) Next(context.Context) (weir.Stream, error) {
	if d.next == len(d.files) {
		return nil, io.EOF
	}
	d.next++
	return d.files[d.next-1], nil
}

func (d *disk) Close() error { return nil }

func (f *onDisk) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: "disk/" + f.name, Name: f.name, Size: int64(len(f.data)), Resumable: true}
}

func (f *onDisk) Seek(context.Context, weir.Position) error { return errors.New("nobody seeks it") }
func (f *onDisk) Read(context.Context, *weir.Batch) error   { return errors.New("nobody reads it") }

func (f *onDisk) ReadAt(p []byte, off int64) (int, error) {
	if f.closed {
		return 0, errors.New("it is closed")
	}
	if f.fail == errPanic {
		panic(f.fail)
	}
	if f.fail != nil {
		return 0, f.fail
	}
	f.reads++
	if off >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.data[off:])
	f.bytes += int64(n)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *onDisk) Close() error { f.closed = true; return nil }

// openStream returns the stream of records of one file.
func openStream(tb testing.TB, data []byte, o parquet.Options) weir.Stream {
	tb.Helper()
	st, err := parquet.NewSource(diskOf("a.parquet", data), o).Next(tb.Context())
	must(tb, err)
	return st
}

// maxHold is what the tests allow a stream to hold, in place of a budget.
const maxHold = 64 << 20

// errHold is the error of a stream that would hold more.
var errHold = errors.New("more than maxHold")

// drain reads st to its end, with batches of the size.
func drain(ctx context.Context, st weir.Stream, size int, out io.Writer) (rows int, err error) {
	n, err := st.(weir.Reserver).Reserve(ctx)
	if err != nil {
		return 0, err
	}
	if n > maxHold {
		return 0, errHold
	}
	b := weir.NewBatch(size)
	for {
		b.Reset()
		err := st.Read(ctx, b)
		var need *weir.NeedError
		if errors.As(err, &need) {
			if need.Size <= b.Cap() || b.Len() > 0 {
				return rows, fmt.Errorf("a batch of %d bytes with %d in it needs %d", b.Cap(), b.Len(), need.Size)
			}
			b = weir.NewBatch(need.Size)
			continue
		}
		if err != nil && err != io.EOF {
			return rows, err
		}
		rows += b.Records()
		if _, err := out.Write(b.Bytes()); err != nil {
			return rows, err
		}
		if err == io.EOF {
			return rows, nil
		}
	}
}

// toJSON reads a file.
func toJSON(tb testing.TB, data []byte, o parquet.Options) string {
	tb.Helper()
	var out bytes.Buffer
	st := openStream(tb, data, o)
	_, err := drain(tb.Context(), st, 1<<16, &out)
	must(tb, err)
	must(tb, st.Close())
	return out.String()
}

// batchOf returns a batch of the lines.
func batchOf(lines string) *weir.Batch {
	b := weir.NewBatch(len(lines) + weir.RecordSize(0)*(strings.Count(lines, "\n")+1))
	for line := range strings.SplitAfterSeq(lines, "\n") {
		if line != "" {
			b.Append([]byte(line))
		}
	}
	b.SetFirstRecord(1)
	return b
}

// toParquet writes lines, all in one write, as a file.
func toParquet(tb testing.TB, lines string, o parquet.Options) []byte {
	tb.Helper()
	inner := weirtest.NewMemSink(weir.Footprint{})
	w, err := parquet.NewSink(inner, o).Open(tb.Context(), weir.StreamInfo{Name: "a"})
	must(tb, err)
	must(tb, w.Write(tb.Context(), batchOf(lines)))
	must(tb, w.Commit(tb.Context()))
	data, ok := inner.Committed("a")
	if !ok {
		tb.Fatal("nothing was committed")
	}
	return data
}

// writeRows writes a file with another implementation.
func writeRows[T any](tb testing.TB, rows []T, perGroup int, options ...pq.WriterOption) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := pq.NewGenericWriter[T](&out, options...)
	for len(rows) > 0 {
		n := min(perGroup, len(rows))
		_, err := w.Write(rows[:n])
		must(tb, err)
		must(tb, w.Flush())
		rows = rows[n:]
	}
	must(tb, w.Close())
	return out.Bytes()
}

// writeValues writes a file of one column, "v", with a row for each value.
func writeValues(tb testing.TB, node pq.Node, values []pq.Value, options ...pq.WriterOption) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := pq.NewWriter(&out, append(options, pq.NewSchema("record", pq.Group{"v": node}))...)
	for _, v := range values {
		if node.Optional() {
			v = v.Level(0, 1, 0)
			if v.IsNull() {
				v = v.Level(0, 0, 0)
			}
		} else {
			v = v.Level(0, 0, 0)
		}
		_, err := w.WriteRows([]pq.Row{{v}})
		must(tb, err)
	}
	must(tb, w.Close())
	return out.Bytes()
}

// heap returns the bytes that are reachable.
func heap() int64 {
	runtime.GC()
	runtime.GC() // the second one takes what pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// refused checks the kind of an error and what it says.
func refused(tb testing.TB, err error, kind weir.Kind, says ...string) {
	tb.Helper()
	if err == nil {
		tb.Errorf("no error; want one of kind %q that says %q", kind, says)
		return
	}
	if weir.KindOf(err) != kind {
		tb.Errorf("the error is of kind %q, not %q: %v", weir.KindOf(err), kind, err)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			tb.Errorf("the error does not say %q: %v", s, err)
		}
	}
}
