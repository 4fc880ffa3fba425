package postgres_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
	"github.com/weirflow/weir/weirtest"
)

// store keeps checkpoints in memory, over runs.
type store struct {
	mu    sync.Mutex
	all   map[string]weir.Checkpoint
	fault func() error // nil: none
}

func (s *store) Load(_ context.Context, i weir.StreamInfo) (weir.Checkpoint, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.all[i.ID]
	return c, ok, nil
}

func (s *store) Save(_ context.Context, i weir.StreamInfo, c weir.Checkpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		if err := s.fault(); err != nil {
			return err
		}
	}
	if s.all == nil {
		s.all = map[string]weir.Checkpoint{}
	}
	c.Position = slices.Clone(c.Position)
	s.all[i.ID] = c
	return nil
}

// counting is a source of streams of the numbers from 1 on that can continue
// anywhere.
type counting struct {
	id      string
	streams int
	records int
	perRead int
	pause   time.Duration // of each Read
	endless bool
	middle  func()             // called in the middle of each stream, or at
	at      int                // so many records
	record  func(n int) string // default: {"n":N}
	given   int
}

func (s *counting) Next(context.Context) (weir.Stream, error) {
	if s.given == max(s.streams, 1) {
		return nil, io.EOF
	}
	s.given++
	return &countingStream{src: s, n: s.given}, nil
}

func (s *counting) Close() error { return nil }

type countingStream struct {
	src *counting
	n   int
	at  int
}

func (s *countingStream) Info() weir.StreamInfo {
	id := fmt.Sprintf("%s/%d", s.src.id, s.n)
	return weir.StreamInfo{ID: id, Name: id, Size: weir.UnknownSize, Endless: s.src.endless, Resumable: true}
}

func (s *countingStream) Seek(_ context.Context, p weir.Position) error {
	off, err := p.Offset()
	s.at = int(off)
	return err
}

func (s *countingStream) Read(ctx context.Context, b *weir.Batch) error {
	if s.src.pause > 0 {
		select {
		case <-time.After(s.src.pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if s.src.middle != nil && s.at == cmp.Or(s.src.at, s.src.records/2) {
		s.src.middle()
	}
	for k := 0; k < s.src.perRead; k++ {
		if s.at == s.src.records {
			if s.src.endless {
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return io.EOF
		}
		rec := fmt.Sprintf(`{"s":%d,"n":%d}`, s.n, s.at+1)
		if s.src.record != nil {
			rec = s.src.record(s.at + 1)
		}
		if !b.Append([]byte(rec + "\n")) {
			break
		}
		s.at++
		b.SetOffset(int64(s.at))
	}
	return nil
}

func (s *countingStream) Close() error { return nil }

var errCrash = errors.New("crash")

// crashes are ways in which a run ends early. Each is set up before it and returns what
// undoes it.
var crashes = map[string]func(d database, p *proxy, r *rand.Rand, cancel context.CancelCauseFunc, s *store) (undo func()){
	"cancelled": func(_ database, _ *proxy, r *rand.Rand, cancel context.CancelCauseFunc, _ *store) func() {
		t := time.AfterFunc(time.Duration(r.IntN(25))*time.Millisecond, func() { cancel(errCrash) })
		return func() { t.Stop() }
	},
	"the store fails": func(_ database, _ *proxy, r *rand.Rand, _ context.CancelCauseFunc, s *store) func() {
		left := 1 + r.IntN(5)
		s.fault = func() error {
			if left--; left > 0 {
				return nil
			}
			return errCrash
		}
		return func() { s.fault = nil }
	},
	"cut on the way there": func(_ database, p *proxy, r *rand.Rand, _ context.CancelCauseFunc, _ *store) func() {
		p.toServer.Store(cutOnce(int64(r.IntN(60_000))))
		return func() { p.toServer.Store(nil) }
	},
	"cut on the way back": func(_ database, p *proxy, r *rand.Rand, _ context.CancelCauseFunc, _ *store) func() {
		p.toClient.Store(cutOnce(int64(r.IntN(4000))))
		return func() { p.toClient.Store(nil) }
	},
	"cut before the commit": func(_ database, p *proxy, _ *rand.Rand, _ context.CancelCauseFunc, _ *store) func() {
		p.toServer.Store(cutAt("COMMIT\x00", true))
		return func() { p.toServer.Store(nil) }
	},
	"cut behind the commit": func(_ database, p *proxy, _ *rand.Rand, _ context.CancelCauseFunc, _ *store) func() {
		p.toServer.Store(cutAt("COMMIT\x00", false))
		return func() { p.toServer.Store(nil) }
	},
	"the answer to the commit is lost": func(_ database, p *proxy, _ *rand.Rand, _ context.CancelCauseFunc, _ *store) func() {
		p.toClient.Store(cutAt("COMMIT\x00", true))
		return func() { p.toClient.Store(nil) }
	},
	"terminated": func(d database, _ *proxy, r *rand.Rand, _ context.CancelCauseFunc, _ *store) func() {
		t := time.AfterFunc(time.Duration(r.IntN(25))*time.Millisecond, func() {
			_ = d.try("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir'") // or it is over
		})
		return func() { t.Stop() }
	},
}

// However a run ends, and however often, the last one ends with every record in the
// table, once, and in order.
func TestExactlyOnceThroughEveryKindOfCrash(t *testing.T) {
	d := start(t)
	for name, crash := range crashes {
		t.Run(name, func(t *testing.T) {
			weirtest.CheckLeaks(t)
			d := database{d.Server, t}
			p, failed := newProxy(t, d.Addr()), 0
			for seed := range uint64(3) {
				r := rand.New(rand.NewPCG(seed, 7))
				o := postgres.SinkOptions{Pipeline: name}
				if seed == 1 {
					o.Bad = weir.FailBad
				}
				table := d.table("s int, n int UNIQUE")
				failed += d.crashLoop(table, o, r, p, crash)
				same(t, "rows", d.rows("SELECT count(*), count(DISTINCT n), min(n), max(n), bool_and(ok) FROM (SELECT n, n = row_number() OVER (ORDER BY n) AS ok FROM "+table+") AS x"),
					[]string{"2000|2000|1|2000|t"})
				same(t, "positions", d.rows("SELECT convert_from(position, 'UTF8'), whole FROM weir_positions WHERE target = '"+table+"'"), []string{"off=2000|t"})
			}
			if failed == 0 {
				t.Error("nothing has failed")
			}
		})
	}
}

// crashLoop runs until a run succeeds, with a crash in the first ones, and returns how
// many failed.
func (d database) crashLoop(table string, o postgres.SinkOptions, r *rand.Rand, p *proxy,
	crash func(database, *proxy, *rand.Rand, context.CancelCauseFunc, *store) func(),
) (failed int) {
	d.t.Helper()
	saved := &store{}
	for run := range 40 {
		ctx, cancel := context.WithCancelCause(d.t.Context())
		undo := func() {}
		if run < 6 {
			undo = crash(d, p, r, cancel, saved)
		}
		o.ConnectFor = time.Millisecond
		src := &counting{id: table, records: 2000, perRead: 50, pause: 500 * time.Microsecond}
		_, err := weir.Ingest(ctx, src, sinkAt(d.t, p.url(), table, o), weir.Options{
			Batch: 4096, Checkpoints: saved, CheckpointEvery: time.Duration(1+r.IntN(8)) * time.Millisecond,
		})
		undo()
		cancel(nil)
		if err == nil {
			return failed
		}
		if k := weir.KindOf(err); k != weir.Transient && !errors.Is(err, errCrash) {
			d.t.Fatalf("run %d: %v: %v", run, k, err)
		}
		failed++
	}
	d.t.Fatal("no run has succeeded")
	return failed
}

// A run after the last one does nothing, and one of another pipeline does all of it.
func TestCommittedStreamIsNotWrittenAgain(t *testing.T) {
	weirtest.CheckLeaks(t)
	d := start(t)
	table := d.table("s int, n int")
	saved := &store{}
	run := func(o postgres.SinkOptions, c weir.Checkpoints) weir.Result {
		t.Helper()
		res, err := weir.Ingest(t.Context(), &counting{id: table, streams: 3, records: 100, perRead: 30}, d.sink(table, o), weir.Options{Checkpoints: c})
		must(t, err)
		return res
	}
	run(postgres.SinkOptions{}, saved)
	if res := run(postgres.SinkOptions{}, saved); res.Streams.Already != 3 || res.Read.Records != 0 {
		t.Errorf("%+v", res.Stats)
	}
	run(postgres.SinkOptions{Pipeline: "other"}, &store{})
	same(t, "rows", d.rows("SELECT s, count(*) FROM "+table+" GROUP BY s ORDER BY s"), []string{"1|200", "2|200", "3|200"})
	run(postgres.SinkOptions{Fresh: "run 2"}, &store{})
	same(t, "rows after a fresh run", d.rows("SELECT count(*) FROM "+table), []string{"900"})
}

// Positions of streams that are whole can be removed. A run that has the checkpoint does
// them no more; one that has not does.
func TestPurgedPositionsAreLeftToTheCheckpoints(t *testing.T) {
	d := start(t)
	table, pipeline := d.table("s int, n int"), t.Name()
	run := func(streams int, c weir.Checkpoints) weir.Result {
		t.Helper()
		res, err := weir.Ingest(t.Context(), &counting{id: table, streams: streams, records: 100, perRead: 30},
			d.sink(table, postgres.SinkOptions{Pipeline: pipeline}), weir.Options{Checkpoints: c})
		must(t, err)
		return res
	}
	purge := func(pipeline string, age time.Duration) int64 {
		t.Helper()
		n, err := postgres.Purge(t.Context(), d.URL(), pipeline, age)
		must(t, err)
		return n
	}
	saved := &store{}
	run(3, saved)
	w := writer(t, d.sink(table, postgres.SinkOptions{Pipeline: pipeline}), "open").(weir.Resumer)
	_, err := w.Resume(t.Context(), weir.Checkpoint{})
	must(t, err)
	if a, b, c, d := purge("another", 0), purge(pipeline, time.Hour), purge(pipeline, 0), purge(pipeline, 0); a != 0 || b != 0 || c != 3 || d != 0 {
		t.Errorf("removed %d of another pipeline, %d that are old, %d, and then %d", a, b, c, d)
	}
	_, err = w.Flush(t.Context(), weir.Position("x"))
	must(t, err)
	must(t, w.(weir.Writer).Commit(t.Context()))
	if res := run(4, saved); res.Streams.Already != 3 || res.Streams.Committed != 4 {
		t.Errorf("%+v", res.Streams)
	}
	same(t, "rows", d.rows("SELECT s, count(*) FROM "+table+" GROUP BY s ORDER BY s"), []string{"1|100", "2|100", "3|100", "4|100"})
	same(t, "positions", d.rows("SELECT count(*) FROM weir_positions WHERE whole AND pipeline = '"+pipeline+"'"), []string{"5"})
}

// Whoever resumes a stream keeps whoever had it before from storing anything more.
func TestOlderWriterOfAStreamStoresNothingMore(t *testing.T) {
	d := start(t)
	table := d.table("s int, n int")
	sink := d.sink(table, postgres.SinkOptions{})
	ctx := t.Context()
	first := writer(t, sink, table).(weir.Resumer)
	at, err := first.Resume(ctx, weir.Checkpoint{})
	if must(t, err); len(at) != 0 {
		t.Errorf("a new stream is at %s", at)
	}
	w := first.(weir.Writer)
	must(t, w.Write(ctx, batch(`{"n":1}`)))
	_, err = first.Flush(ctx, weir.Position("one"))
	must(t, err)
	must(t, w.Write(ctx, batch(`{"n":2}`)))

	second := writer(t, sink, table).(weir.Resumer)
	at, err = second.Resume(ctx, weir.Checkpoint{Position: weir.Position("another")})
	if must(t, err); string(at) != "one" {
		t.Errorf("it resumes at %s; want one", at)
	}
	_, err = first.Flush(ctx, weir.Position("two"))
	if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), "another weir has taken this stream over") {
		t.Errorf("%v: %v", weir.KindOf(err), err)
	}
	must(t, first.Suspend(ctx, err))
	must(t, second.(weir.Writer).Write(ctx, batch(`{"n":3}`)))
	must(t, second.(weir.Writer).Commit(ctx))
	must(t, sink.Close())
	same(t, "rows", d.rows("SELECT n FROM "+table), []string{"1", "3"})
}

// A checkpoint that the database knows nothing of is not taken for a new stream.
func TestCheckpointOfAnotherDatabaseIsRefused(t *testing.T) {
	d := start(t)
	table := d.table("n int")
	sink := d.sink(table, postgres.SinkOptions{})
	w := writer(t, sink, table).(weir.Resumer)
	_, err := w.Resume(t.Context(), weir.Checkpoint{Position: weir.Position("off=7")})
	if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), "start over") {
		t.Error(err)
	}
	must(t, w.(weir.Writer).Abort(t.Context(), err))
	must(t, sink.Close())
}

// Several connections lose nothing; what came after the last checkpoint is there again.
func TestLanesLoseNothing(t *testing.T) {
	d := start(t)
	p := newProxy(t, d.Addr())
	r := rand.New(rand.NewPCG(9, 9))
	for _, name := range []string{"cut on the way there", "terminated", "the answer to the commit is lost", "the store fails"} {
		table := d.table("s int, n int")
		d.crashLoop(table, postgres.SinkOptions{Connections: 3}, r, p, crashes[name])
		same(t, name, d.rows("SELECT count(DISTINCT n), min(n), max(n) FROM "+table), []string{"2000|1|2000"})
	}
}

// An endless stream without checkpoints does not wait for an end that never comes.
func TestEndlessStreamIsStoredAsItComes(t *testing.T) {
	d := start(t)
	table := d.table("s int, n int")
	var c weir.Control
	done := make(chan error, 1)
	go func() {
		_, err := weir.Ingest(context.WithoutCancel(t.Context()), &counting{id: table, records: 70, perRead: 7, endless: true},
			d.sink(table, postgres.SinkOptions{}), weir.Options{Control: &c})
		done <- err
	}()
	within(t, "the stream", func() {
		for d.one("SELECT count(*) FROM "+table) != "70" {
			time.Sleep(5 * time.Millisecond)
		}
	})
	c.Drain()
	must(t, <-done)
}
