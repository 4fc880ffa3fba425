package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sqlite"
)

// counting is a source of one stream of the numbers from 0 that can continue anywhere.
type counting struct {
	records, at int
	given       bool
	pause       time.Duration
}

func (s *counting) Next(context.Context) (weir.Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	s.given = true
	return s, nil
}

func (s *counting) Info() weir.StreamInfo { return info("numbers") }
func (s *counting) Close() error          { return nil }

func (s *counting) Seek(_ context.Context, p weir.Position) error {
	off, err := p.Offset()
	s.at = int(off)
	return err
}

func (s *counting) Read(ctx context.Context, b *weir.Batch) error {
	if s.pause > 0 {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(s.pause):
		}
	}
	for range 70 {
		if s.at == s.records {
			return io.EOF
		}
		b.Append(fmt.Appendf(nil, "{\"n\":%d}\n", s.at))
		s.at++
		b.SetOffset(int64(s.at))
	}
	return nil
}

var errCrash = errors.New("crash")

// faulty is a sink that crashes before or behind one of its calls.
type faulty struct {
	weir.Sink
	fault func() error
}

func (s faulty) Open(ctx context.Context, i weir.StreamInfo) (weir.Writer, error) {
	if err := s.fault(); err != nil {
		return nil, err
	}
	w, err := s.Sink.Open(ctx, i)
	if err != nil {
		return nil, err
	}
	return faultyWriter{w.(weir.Resumer), w, s.fault}, nil
}

type faultyWriter struct {
	weir.Resumer
	weir.Writer
	fault func() error
}

func (w faultyWriter) Write(ctx context.Context, b *weir.Batch) error {
	return w.around(func() error { return w.Writer.Write(ctx, b) })
}

func (w faultyWriter) Commit(ctx context.Context) error {
	return w.around(func() error { return w.Writer.Commit(ctx) })
}

func (w faultyWriter) Flush(ctx context.Context, upTo weir.Position) (mark []byte, err error) {
	return mark, w.around(func() error {
		mark, err = w.Resumer.Flush(ctx, upTo)
		return err
	})
}

func (w faultyWriter) around(call func() error) error {
	if err := w.fault(); err != nil {
		return err
	}
	return errors.Join(call(), w.fault())
}

// Whatever call a crash comes in, and however often, a later run continues so that
// nothing is lost and nothing doubled.
func TestCrashesLoseNothingAndDoubleNothing(t *testing.T) {
	seeds := uint64(12)
	if slow {
		seeds = 3
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 5))
		path, records := filepath.Join(t.TempDir(), "test.db"), 2000+r.IntN(9000)
		checkpoints := store{}
		runs := 0
		for ; runs < 500; runs++ {
			ctx, cancel := context.WithCancelCause(t.Context())
			var mu sync.Mutex
			left := 1 + r.IntN(60)
			fault := func() error {
				mu.Lock()
				defer mu.Unlock()
				if left--; left > 0 {
					return nil
				}
				cancel(errCrash)
				return errCrash
			}
			_, err := weir.Ingest(ctx, &counting{records: records, pause: time.Duration(r.IntN(300)) * time.Microsecond},
				faulty{newSink(t, sqlite.SinkOptions{Path: path, Table: "t", Create: true}), fault},
				weir.Options{Batch: 4096, Checkpoints: checkpoints, CheckpointEvery: time.Duration(1+r.IntN(4)) * time.Millisecond})
			cancel(nil)
			if err == nil {
				break
			}
			if !errors.Is(err, errCrash) {
				t.Fatalf("seed %d, run %d: %v", seed, runs, err)
			}
		}
		checkNumbers(t, path, records)
		equal(t, "whole", ask(t, path, "SELECT whole FROM weir_positions WHERE target <> ''"), "1")
	}
}

func checkNumbers(t *testing.T, path string, records int) {
	t.Helper()
	equal(t, "rows", ask(t, path, "SELECT count(*), count(DISTINCT n), min(n), max(n), sum(n <> rowid - 1) FROM t"),
		fmt.Sprintf("%d|%d|0|%d|0", records, records, records-1))
	equal(t, "integrity", ask(t, path, "PRAGMA integrity_check"), "ok")
}

// nothing is a store that forgets everything: what counts is what the sink knows.
type nothing struct{}

func (nothing) Load(context.Context, weir.StreamInfo) (c weir.Checkpoint, ok bool, err error) {
	return c, false, nil
}
func (nothing) Save(context.Context, weir.StreamInfo, weir.Checkpoint) error { return nil }

const killedEnv = "WEIR_TEST_SQLITE_KILLED"

// patience is how often the process is killed and how long it may take; it stores so
// many records.
func patience() (kills, slower, records int) {
	if slow {
		return 4, 2, 200_000
	}
	return 25, 1, 400_000
}

// TestMain is the process that is killed, if it was started as such.
func TestMain(m *testing.M) {
	path := os.Getenv(killedEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	_, _, records := patience()
	s, err := sqlite.NewSink(sqlite.SinkOptions{Path: path, Table: "t", Create: true})
	if err == nil {
		_, err = weir.Ingest(context.Background(), &counting{records: records, pause: 200 * time.Microsecond}, s,
			weir.Options{Batch: 4096, Checkpoints: nothing{}, CheckpointEvery: 3 * time.Millisecond})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A process that is killed again and again leaves, in the end, each record once.
func TestKilledProcessesLoseNothingAndDoubleNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	r := rand.New(rand.NewPCG(1, 2))
	most, slower, records := patience()
	kills := 0
	for {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), killedEnv+"="+path)
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		limit := time.Duration(5+r.IntN(60)) * time.Millisecond * time.Duration(slower)
		if kills == most {
			limit = time.Minute
		}
		timer := time.AfterFunc(limit, func() { _ = child.Process.Kill() })
		err := child.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if child.ProcessState.Exited() || kills == most {
			t.Fatalf("after %d kills: %v", kills, err)
		}
		kills++
	}
	if kills < most {
		t.Errorf("%d kills only, of %d", kills, most)
	}
	checkNumbers(t, path, records)
	t.Logf("%d kills", kills)
}

// A Writer whose stream was taken over by another one stores nothing more.
func TestSecondWriterOfAStreamFencesTheFirst(t *testing.T) {
	path := database(t, "CREATE TABLE t (n)")
	begin := func(position string) (weir.Resumer, weir.Writer) {
		s := newSink(t, sqlite.SinkOptions{Path: path, Table: "t"})
		t.Cleanup(func() { equal(t, "Close", s.Close(), nil) })
		w, err := s.Open(t.Context(), info("a"))
		if err != nil {
			t.Fatal(err)
		}
		at, err := w.(weir.Resumer).Resume(t.Context(), weir.Checkpoint{})
		if err != nil || string(at) != position {
			t.Fatalf("position %q, %v; want %q", at, err, position)
		}
		return w.(weir.Resumer), w
	}
	flush := func(w weir.Resumer, at string) error {
		_, err := w.Flush(t.Context(), weir.Position(at))
		return err
	}
	old, oldWriter := begin("")
	equal(t, "Write", oldWriter.Write(t.Context(), batchOf("{\"n\":1}\n")), nil)
	equal(t, "Flush", flush(old, "off=1"), nil)
	young, youngWriter := begin("off=1")
	equal(t, "Write", oldWriter.Write(t.Context(), batchOf("{\"n\":2}\n")), nil)
	wantError(t, flush(old, "off=2"), weir.Invalid, "another weir has taken this stream over")
	wantError(t, oldWriter.Write(t.Context(), batchOf("{\"n\":2}\n")), weir.Invalid)
	equal(t, "Suspend", old.Suspend(t.Context(), errCrash), nil)
	equal(t, "Write", youngWriter.Write(t.Context(), batchOf("{\"n\":2}\n")), nil)
	equal(t, "Flush", flush(young, "off=2"), nil)
	equal(t, "Commit", youngWriter.Commit(t.Context()), nil)
	equal(t, "rows", ask(t, path, "SELECT n FROM t"), "1 2")
}

// Two pipelines that write one database take turns.
func TestTwoPipelinesShareADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	done := make(chan error)
	for _, table := range []string{"a", "b"} {
		s := newSink(t, sqlite.SinkOptions{Path: path, Table: table, Create: true})
		go func() {
			_, err := weir.Ingest(t.Context(), &counting{records: 20_000}, s, weir.Options{
				Batch: 4096, Checkpoints: store{}, CheckpointEvery: 3 * time.Millisecond,
			})
			done <- err
		}()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	equal(t, "rows", ask(t, path, "SELECT (SELECT count(DISTINCT n) FROM a), (SELECT count(DISTINCT n) FROM b)"), "20000|20000")
}

func TestCommittedStreamIsNotWrittenAgainUnlessFresh(t *testing.T) {
	path := database(t, "CREATE TABLE t (n)")
	run := func(fresh string, checkpoints store) (weir.Result, error) {
		return weir.Ingest(t.Context(), &counting{records: 100}, newSink(t, sqlite.SinkOptions{Path: path, Table: "t", Fresh: fresh}), weir.Options{Checkpoints: checkpoints})
	}
	checkpoints := store{}
	if res, err := run("", checkpoints); err != nil || res.Guarantee.Label != weir.ExactlyOnce {
		t.Fatalf("%v, %v", res.Guarantee, err)
	}
	res, err := run("", checkpoints)
	equal(t, "again", fmt.Sprint(res.Streams.Already, err), "1 <nil>")
	equal(t, "rows", ask(t, path, "SELECT count(*) FROM t"), "100")
	_, err = run("afresh", store{})
	equal(t, "fresh", err, nil)
	equal(t, "rows", ask(t, path, "SELECT count(*) FROM t"), "200")
	do(t, path, "DELETE FROM weir_positions")
	_, err = run("", checkpoints)
	wantError(t, err, weir.Invalid, "does not know of the stream", "--fresh")
}

// A run that begins afresh does so with all streams, and only once, also when it fails
// before it has come to them and is tried again.
func TestFreshRunBeginsEachStreamAfreshOnce(t *testing.T) {
	path := database(t, "CREATE TABLE t (n)")
	run := func(fresh string, streams int) {
		t.Helper()
		sink := newSink(t, sqlite.SinkOptions{Path: path, Table: "t", Fresh: fresh})
		for i := range streams {
			w, err := sink.Open(t.Context(), info(fmt.Sprint("s", i)))
			equal(t, "Open", err, nil)
			switch _, err = w.(weir.Resumer).Resume(t.Context(), weir.Checkpoint{}); err {
			case nil:
				equal(t, "Write", w.Write(t.Context(), batchOf(fmt.Sprintf("{\"n\":%d}\n", i))), nil)
				equal(t, "Commit", w.Commit(t.Context()), nil)
			case weir.ErrCommitted:
				equal(t, "Suspend", w.(weir.Resumer).Suspend(t.Context(), err), nil)
			default:
				t.Fatal(err)
			}
		}
		equal(t, "Close", sink.Close(), nil)
	}
	run("", 4)
	run("second", 1) // and there it breaks off
	run("second", 3)
	run("second", 3)
	equal(t, "rows", ask(t, path, "SELECT group_concat(c) FROM (SELECT count(*) AS c FROM t GROUP BY n ORDER BY n)"), "2,2,2,1")
	equal(t, "positions", ask(t, path, "SELECT count(*) FROM weir_positions WHERE target = 't'"), "3")
}

// A position is not stored before what was kept of bad records is durable.
func TestLettersAreDurableBeforeThePosition(t *testing.T) {
	path := database(t, "CREATE TABLE t (n)")
	_, err := weir.Ingest(t.Context(), &counting{records: 100},
		newSink(t, sqlite.SinkOptions{Path: path, Table: "t", SyncBad: func() error { return errCrash }}), weir.Options{Checkpoints: store{}})
	if !errors.Is(err, errCrash) {
		t.Error(err)
	}
	equal(t, "stored", ask(t, path, "SELECT (SELECT count(*) FROM t), (SELECT length(position) FROM weir_positions)"), "0|0")
}

// Positions of streams that are whole can be removed. A run that has the checkpoint does
// them no more.
func TestPurgedPositionsAreLeftToTheCheckpoints(t *testing.T) {
	path := database(t, "CREATE TABLE t (n)")
	checkpoints := store{}
	run := func() weir.Result {
		t.Helper()
		res, err := weir.Ingest(t.Context(), &counting{records: 100}, newSink(t, sqlite.SinkOptions{Path: path, Table: "t", Pipeline: "p"}), weir.Options{Checkpoints: checkpoints})
		equal(t, "run", err, nil)
		return res
	}
	run()
	do(t, path, "UPDATE weir_positions SET updated = datetime('now', '-90 seconds')")
	for _, x := range []struct {
		pipeline string
		age      time.Duration
		want     int64
	}{{"another", 0, 0}, {"p", time.Hour, 0}, {"p", time.Minute, 1}, {"", 0, 0}} {
		n, err := sqlite.Purge(t.Context(), path, x.pipeline, x.age)
		equal(t, "Purge", err, nil)
		equal(t, fmt.Sprintf("%+v", x), n, x.want)
	}
	equal(t, "already", run().Streams.Already, 1)
	equal(t, "rows", ask(t, path, "SELECT count(*) FROM t"), "100")
	_, err := sqlite.Purge(t.Context(), filepath.Join(t.TempDir(), "none.db"), "", 0)
	wantError(t, err, weir.Invalid)
}

// A table that weir has made and somebody has dropped is not made again for the rest of
// a stream.
func TestTableThatWasDroppedIsNotMadeForTheRest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	run := func(fresh string) error {
		_, err := weir.Ingest(t.Context(), &counting{records: 100}, newSink(t, sqlite.SinkOptions{Path: path, Table: "t", Create: true, Fresh: fresh}), weir.Options{Checkpoints: store{}})
		return err
	}
	equal(t, "at first", run(""), nil)
	do(t, path, "DROP TABLE t")
	wantError(t, run(""), weir.Invalid, "which an earlier run has made, is not there any more", "--fresh")
	equal(t, "afresh", run("afresh"), nil)
	equal(t, "rows", ask(t, path, "SELECT count(*) FROM t"), "100")
}

func TestAbortTakesEverythingBackAlsoTheTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s := newSink(t, sqlite.SinkOptions{Path: path, Table: "t", Create: true})
	w, err := s.Open(t.Context(), info("a"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "Write", w.Write(t.Context(), batchOf("{\"n\":1}\n")), nil)
	equal(t, "Abort", w.Abort(t.Context(), errCrash), nil)
	equal(t, "tables", ask(t, path, "SELECT count(*) FROM sqlite_schema"), "0")
	endless := info("b")
	endless.Endless = true
	if w, err = s.Open(t.Context(), endless); err != nil {
		t.Fatal(err)
	}
	equal(t, "Write", w.Write(t.Context(), batchOf("{\"n\":1}\n")), nil)
	equal(t, "rows of an endless stream", ask(t, path, "SELECT count(*) FROM t"), "1")
	equal(t, "Abort", w.Abort(t.Context(), errCrash), nil)
	equal(t, "Close", s.Close(), nil)
}
