package sim_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
)

func newChaos(t testing.TB, o sim.ChaosOptions) *sim.Chaos {
	t.Helper()
	s, err := sim.NewChaos(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newChaosSource(t testing.TB, inner weir.Source, o sim.ChaosSourceOptions) *sim.ChaosSource {
	t.Helper()
	s, err := sim.NewChaosSource(inner, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestChaosFailsAfterSoManyWritesWithTheErrorAsked(t *testing.T) {
	inner := sim.NewNull()
	s := newChaos(t, sim.ChaosOptions{Fail: sim.Fault{After: 2}, Error: "boom", Kind: weir.Transient, Into: inner})
	a, b := open(t, s), open(t, s)
	for i, w := range []weir.Writer{a, b, a, b} {
		err := w.Write(t.Context(), batchOf(10))
		if i < 2 {
			if err != nil {
				t.Fatalf("write %d: %v", i, err)
			}
			continue
		}
		if !errors.Is(err, sim.ErrChaos) || weir.KindOf(err) != weir.Transient || err.Error() != "chaos://: write: transient: boom" {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if n := inner.Count().Bytes; n != 20 {
		t.Errorf("%d bytes passed, want 20", n)
	}
}

func TestChaosPartialWriteTakesHalf(t *testing.T) {
	inner := sim.NewNull()
	w := open(t, newChaos(t, sim.ChaosOptions{Partial: 1, Into: inner}))
	b := weir.NewBatch(100)
	for range 5 {
		b.Append([]byte("abc"))
	}
	if err := w.Write(t.Context(), b); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Write = %v", err)
	}
	if c := inner.Count(); c.Records != 2 || c.Bytes != 6 {
		t.Errorf("passed %+v", c)
	}
}

func TestChaosHangsUntilItsContextOrRelease(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newChaos(t, sim.ChaosOptions{Hang: sim.Fault{On: sim.OnWrite | sim.OnCommit}, IgnoreContext: ignore})
			w := open(t, s)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			time.AfterFunc(time.Minute, s.Release)
			began := time.Now()
			err := w.Write(ctx, batchOf(1))
			if !ignore && (!errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second) {
				t.Errorf("Write = %v after %v", err, time.Since(began))
			}
			if ignore && (err != nil || time.Since(began) != time.Minute) {
				t.Errorf("with IgnoreContext: Write = %v after %v", err, time.Since(began))
			}
		})
	}
}

func TestChaosEndsTheInnerWriterOnce(t *testing.T) {
	cause := errors.New("cause")
	for name, c := range map[string]struct {
		o   sim.ChaosOptions
		end func(weir.Writer) error
	}{
		"failing commit":  {sim.ChaosOptions{Fail: sim.Fault{On: sim.OnCommit}}, func(w weir.Writer) error { return w.Commit(t.Context()) }},
		"panic in commit": {sim.ChaosOptions{Panic: sim.Fault{On: sim.OnCommit}}, func(w weir.Writer) error { return w.Commit(t.Context()) }},
		"failing abort":   {sim.ChaosOptions{Fail: sim.Fault{On: sim.OnAbort}}, func(w weir.Writer) error { return w.Abort(t.Context(), cause) }},
		"panic in abort":  {sim.ChaosOptions{Panic: sim.Fault{On: sim.OnAbort}}, func(w weir.Writer) error { return w.Abort(t.Context(), cause) }},
	} {
		t.Run(name, func(t *testing.T) {
			inner := newChaos(t, sim.ChaosOptions{})
			c.o.Into = inner
			s := newChaos(t, c.o)
			w := open(t, s)
			err := func() (err error) {
				defer func() {
					if v := recover(); v != nil {
						err = errors.New("panic")
					}
				}()
				return c.end(w)
			}()
			if err == nil {
				t.Error("it did not fail")
			}
			if err := inner.CheckEndings(); err != nil {
				t.Error(err)
			}
			if inner.Calls(sim.OnAbort) != 1 {
				t.Error("the inner writer was not aborted")
			}
			if err := s.CheckEndings(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckEndingsSeesNoneAndTwo(t *testing.T) {
	s := newChaos(t, sim.ChaosOptions{})
	w := open(t, s)
	if s.CheckEndings() == nil {
		t.Error("a writer without an ending was not seen")
	}
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckEndings(); err != nil {
		t.Error(err)
	}
	_ = w.Abort(t.Context(), errors.New("wrong")) // the second ending is the point
	if s.CheckEndings() == nil {
		t.Error("two endings were not seen")
	}
}

func TestChaosSourceChangesHowItReadsNotWhat(t *testing.T) {
	want := readAll(t, next(t, newGenerator(t, sim.GeneratorOptions{Size: 100_000, Record: 300})), always(1000))
	for _, o := range []sim.ChaosSourceOptions{
		{},
		{Empty: 2},
		{Short: 700},
		{Short: 100},
		{EOFWithData: true},
		{EOFAlone: true},
		{EOFWithData: true, Empty: 1},
	} {
		g := newGenerator(t, sim.GeneratorOptions{Size: 100_000, Record: 300})
		got := readAll(t, next(t, newChaosSource(t, g, o)), always(1000))
		if string(got.bytes) != string(want.bytes) || len(got.records) != len(want.records) {
			t.Errorf("%+v: other content, %d bytes", o, len(got.bytes))
		}
	}
}

func TestChaosSourceFails(t *testing.T) {
	g := newGenerator(t, sim.GeneratorOptions{Size: 100_000})
	st := next(t, newChaosSource(t, g, sim.ChaosSourceOptions{Fail: sim.Fault{After: 1}, Kind: weir.Corrupt}))
	if err := st.Read(t.Context(), weir.NewBatch(1000)); err != nil {
		t.Fatal(err)
	}
	err := st.Read(t.Context(), weir.NewBatch(1000))
	if !errors.Is(err, sim.ErrChaos) || weir.KindOf(err) != weir.Corrupt {
		t.Errorf("Read = %v", err)
	}
}

func TestParseOps(t *testing.T) {
	for _, s := range []string{"write", "commit,abort", "open,write,commit,abort,close"} {
		if o, err := sim.ParseOps(s); err != nil || o.String() != s {
			t.Errorf("ParseOps(%q) = %v, %v", s, o, err)
		}
	}
	for _, s := range []string{"", "Write", "write,", "wirte"} {
		if _, err := sim.ParseOps(s); err == nil {
			t.Errorf("ParseOps(%q) passed", s)
		}
	}
	if _, err := sim.NewChaos(sim.ChaosOptions{Fail: sim.Fault{On: sim.OnRead}, Partial: -1}); weir.KindOf(err) != weir.Invalid {
		t.Errorf("a sink that fails to read: %v", err)
	}
}
