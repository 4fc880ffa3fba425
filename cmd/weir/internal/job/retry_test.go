package job

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
)

// flaky is a sink whose Open fails for a while.
type flaky struct {
	weir.Sink
	failures *int
	kind     weir.Kind
}

func (f flaky) Open(ctx context.Context, s weir.StreamInfo) (weir.Writer, error) {
	if *f.failures > 0 {
		*f.failures--
		return nil, &weir.Error{Op: "open", Kind: f.kind, Err: errors.New("connection refused")}
	}
	return f.Sink.Open(ctx, s)
}

func TestErrorsThatMayPassAreTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		failures int
		kind     weir.Kind
		want     Ending
		notices  int
	}{
		"passes":        {3, weir.Transient, Done, 3},
		"does not pass": {100, weir.Transient, Failed, 4},
		"is no such":    {3, weir.Rejected, Failed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failures := c.failures
				tr := newTrial(t, sim.GeneratorOptions{Size: 1 << 20}, flaky{sim.NewNull(), &failures, c.kind})
				tr.Retries = 4
				tr.Reopen = func() (Ends, error) {
					src, err := sim.NewGenerator(sim.GeneratorOptions{Size: 1 << 20})
					return Ends{Source: src, Sink: flaky{sim.NewNull(), &failures, c.kind}}, err
				}
				began := time.Now()
				err := tr.run(t, c.want)
				if len(tr.notices) != c.notices {
					t.Errorf("%d notices: %q", len(tr.notices), tr.notices)
				}
				if name == "does not pass" && (err == nil || !strings.Contains(err.Error(), "tried 5 times in a row without progress")) {
					t.Errorf("err = %v", err)
				}
				if time.Since(began) > 5*time.Second {
					t.Errorf("it took %v", time.Since(began))
				}
			})
		})
	}
}

func TestInterruptEndsThePauseBetweenAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 1 << 30
		tr := newTrial(t, sim.GeneratorOptions{Size: 1 << 20}, flaky{sim.NewNull(), &failures, weir.Transient})
		tr.Retries = 1 << 30
		tr.Reopen = func() (Ends, error) {
			src, err := sim.NewGenerator(sim.GeneratorOptions{Size: 1 << 20})
			return Ends{Source: src, Sink: flaky{sim.NewNull(), &failures, weir.Transient}}, err
		}
		time.AfterFunc(time.Hour, func() { tr.signals <- interrupt{} })
		began := time.Now()
		if err := tr.run(t, Interrupted); err == nil {
			t.Error("no error")
		}
		if d := time.Since(began); d != time.Hour {
			t.Errorf("it ended after %v", d)
		}
	})
}

type interrupt struct{}

func (interrupt) String() string { return "interrupt" }
func (interrupt) Signal()        {}

func TestPausesDoubleUpToALimit(t *testing.T) {
	if pauseLimit(1) != pauseFirst || pauseLimit(3) != 4*pauseFirst || pauseLimit(100) != pauseMost {
		t.Errorf("%v, %v, %v", pauseLimit(1), pauseLimit(3), pauseLimit(100))
	}
}
