package codec_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/codec/compress"
	"github.com/weirflow/weir/weirtest"
)

// disk is a sink of one file that survives a crash up to its last Flush. Its
// Writers are Resumers.
type disk struct {
	data      []byte
	crashAt   int // fail when there would be more bytes
	committed bool
	suspended int
	pause     time.Duration // of a Write: checkpoints come by the clock
}

var errCrash = errors.New("crash")

func (d *disk) Footprint() weir.Footprint {
	return weir.Footprint{MaxInFlight: 1, Resumes: weir.ResumesAtMark}
}

func (d *disk) Open(context.Context, weir.StreamInfo) (weir.Writer, error) { return d, nil }

func (d *disk) Close() error { return nil }

func (d *disk) Resume(_ context.Context, last weir.Checkpoint) (weir.Position, error) {
	n := 0
	if len(last.Mark) > 0 {
		var err error
		if n, err = strconv.Atoi(string(last.Mark)); err != nil || n > len(d.data) {
			return nil, fmt.Errorf("the mark is %q of %d bytes", last.Mark, len(d.data))
		}
	}
	d.data = d.data[:n]
	return last.Position, nil
}

func (d *disk) Write(_ context.Context, b *weir.Batch) error {
	if d.crashAt > 0 && len(d.data)+b.Len() > d.crashAt {
		return errCrash
	}
	d.data = append(d.data, b.Bytes()...)
	time.Sleep(d.pause)
	return nil
}

func (d *disk) Flush(context.Context, weir.Position) ([]byte, error) {
	return strconv.AppendInt(nil, int64(len(d.data)), 10), nil
}

func (d *disk) Commit(context.Context) error {
	d.committed = true
	return nil
}

func (d *disk) Abort(context.Context, error) error {
	d.data = nil
	return nil
}

func (d *disk) Suspend(context.Context, error) error {
	d.suspended++
	return nil
}

// store keeps checkpoints in memory.
type store struct {
	mu   sync.Mutex
	last map[string]weir.Checkpoint
}

func (s *store) Load(_ context.Context, info weir.StreamInfo) (weir.Checkpoint, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.last[info.ID]
	return c, ok, nil
}

func (s *store) Save(_ context.Context, info weir.StreamInfo, c weir.Checkpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[string]weir.Checkpoint{}
	}
	s.last[info.ID] = c
	return nil
}

// A restart is a stream that is written with crashes in between.
type restart struct {
	from, to string
	header   string
	records  []string
	disk     disk
	mark     []byte // of the last Flush
	at       int    // how many records came before it
	again    bool   // a run has begun at the first record, with a mark
}

// run writes the records that are missing, up to a crash after n of them, with a
// Flush here and there.
func (x *restart) run(t *testing.T, r *rand.Rand, n int) {
	t.Helper()
	to, err := codec.ParseSpec(x.to)
	must(t, err)
	e, err := codec.NewEncoder(format(t, x.from), to, codec.EncodeOptions{})
	must(t, err)
	sink := e.Sink(&x.disk)
	w, err := sink.Open(t.Context(), weir.StreamInfo{})
	must(t, err)
	resumer := w.(weir.Resumer)
	from, err := resumer.Resume(t.Context(), weir.Checkpoint{Mark: x.mark, Position: weir.Position("there")})
	must(t, err)
	if len(from) == 0 && x.mark != nil {
		x.at, x.again = 0, true
	}
	at := x.at
	for ; at < len(x.records) && n > 0; n-- {
		some := 1 + r.IntN(min(5, len(x.records)-at))
		b := apply(t, e.Steps(), batchOf(x.header, x.records[at:at+some]...))
		must(t, w.Write(t.Context(), b))
		at += some
		if r.IntN(3) == 0 {
			x.mark, err = resumer.Flush(t.Context(), nil)
			must(t, err)
			x.at = at
		}
	}
	if at == len(x.records) && n > 0 {
		must(t, w.Commit(t.Context()))
	}
}

func TestStreamsGoOnAfterCrashes(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	header, rest, _ := strings.Cut(orders(60), "\n")
	rest = strings.ReplaceAll(rest, "two\nlines", "two lines") // a row is a line
	rows := strings.SplitAfter(strings.TrimSuffix(rest, "\n"), "\n")
	objects := recordsOf(apply(t, stepsOf(t, "csv", "ndjson", codec.ConvertOptions{}), batchOf(header, rows...)))
	long := strings.ReplaceAll(strings.Join(objects, ""), "order_id", strings.Repeat("order_id_", 40))
	for _, c := range []restart{
		{from: "csv", to: "csv", header: header, records: rows},
		{from: "csv", to: "csv,sep=semicolon", header: header, records: rows},
		{from: "csv", to: "ndjson", header: header, records: rows},
		{from: "csv", to: "json", header: header, records: rows},
		{from: "csv", to: "json+gzip", header: header, records: rows},
		{from: "csv", to: "tsv+zstd", header: header, records: rows},
		{from: "ndjson", to: "csv", records: objects},
		{from: "ndjson", to: "csv+lz4", records: objects},
		{from: "ndjson", to: "csv", records: strings.SplitAfter(long, "\n")[:60]},
	} {
		whole := c
		whole.run(t, r, len(c.records)+1)
		want := plainOf(t, c.to, whole.disk.data)
		again := 0
		for range 5 {
			x := c
			for n := 10; !x.disk.committed; n++ {
				x.run(t, r, r.IntN(n))
			}
			if got := plainOf(t, c.to, x.disk.data); got != want {
				t.Fatalf("%s to %s\n got %.300q\nwant %.300q", c.from, c.to, got, want)
			}
			if x.again {
				again++
			}
		}
		// A header that does not fit a mark makes the stream begin again.
		if isLong := strings.Contains(c.records[0], "order_id_order_id"); (again > 0) != isLong {
			t.Errorf("%s to %s: began again %d times", c.from, c.to, again)
		}
	}
}

// plainOf returns data decompressed.
func plainOf(t *testing.T, to string, data []byte) string {
	t.Helper()
	_, name, _ := strings.Cut(to, "+")
	m, err := compress.ByName(name)
	if err != nil {
		return string(data)
	}
	return unpack(t, m, data)
}

func TestStreamsGoOnFromTheirCheckpoint(t *testing.T) {
	in := orders(500)
	for _, to := range []string{"json", "csv,sep=semicolon"} {
		want := copying{from: "csv", to: to}.data(t, "o", in)
		d, checkpoints := &disk{pause: 200 * time.Microsecond}, new(store)
		for d.crashAt = 5000; !d.committed; d.crashAt += 30_000 {
			if _, err := runOn(t, d, checkpoints, "csv", to, in); !d.committed && !errors.Is(err, errCrash) {
				t.Fatalf("%s: %v", to, err)
			}
		}
		if string(d.data) != want {
			t.Errorf("%s: %d bytes, want %d", to, len(d.data), len(want))
		}
	}
}

// runOn copies a stream to d, with checkpoints.
func runOn(t *testing.T, d *disk, checkpoints *store, from, to, in string) (weir.Result, error) {
	t.Helper()
	src, err := codec.NewSource(weirtest.NewBytesSource(weirtest.BytesStream{Name: "o", Data: []byte(in)}),
		codec.SourceOptions{Format: format(t, from), Compression: codec.None})
	must(t, err)
	spec, err := codec.ParseSpec(to)
	must(t, err)
	e, err := codec.NewEncoder(format(t, from), spec, codec.EncodeOptions{})
	must(t, err)
	return weir.Ingest(t.Context(), src, e.Sink(d), weir.Options{
		Batch: 8 << 10, Workers: 4, Steps: e.Steps(), Checkpoints: checkpoints, CheckpointEvery: time.Millisecond,
	})
}

func TestChangedColumnsDoNotGoOn(t *testing.T) {
	in := orders(500)
	var d *disk
	var checkpoints *store
	for res := (weir.Result{}); res.Stats.Checkpoints == 0; { // on a busy machine the crash may come first
		d, checkpoints = &disk{crashAt: 20_000, pause: 200 * time.Microsecond}, new(store)
		var err error
		if res, err = runOn(t, d, checkpoints, "csv", "csv,sep=semicolon", in); !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
	}
	d.crashAt = 0
	_, err := runOn(t, d, checkpoints, "csv", "csv,sep=pipe", in)
	failed(t, err, weir.Rejected, "columns have changed")
}

func TestMarksOfOthersAreRefused(t *testing.T) {
	d, checkpoints := new(disk), new(store)
	info := weir.StreamInfo{ID: "bytes/o"}
	must(t, checkpoints.Save(t.Context(), info, weir.Checkpoint{Position: weir.Position("off=1"), Mark: []byte("len=1")}))
	_, err := runOn(t, d, checkpoints, "csv", "ndjson", orders(1))
	failed(t, err, weir.Invalid, "mark")
}

func TestStreamsThatAreWholeAreNotWrittenAgain(t *testing.T) {
	in := orders(10)
	for _, to := range []string{"json", "json+gzip", "csv,sep=pipe"} {
		d, checkpoints := new(disk), new(store)
		_, err := runOn(t, d, checkpoints, "csv", to, in)
		must(t, err)
		last, _, err := checkpoints.Load(t.Context(), weir.StreamInfo{ID: "bytes/o"})
		must(t, err)
		if !last.Whole || !strings.HasSuffix(string(last.Mark), strconv.Itoa(len(d.data))) {
			t.Errorf("%s: %d bytes were committed, and the checkpoint is %+v", to, len(d.data), last)
		}
	}
}
