package prove

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
	"github.com/weirflow/weir/weirtest"
)

// asScenario makes this test the process of a scenario.
const asScenario = "WEIR_TEST_SCENARIO"

func TestMain(m *testing.M) {
	if os.Getenv(asScenario) == "" {
		os.Exit(weirtest.Main(m))
	}
	if err := Serve(context.Background(), laboratory(), os.NewFile(ControlFD, "control"), os.Stdout); err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n") // nobody else could be told
		os.Exit(1)
	}
}

const (
	labSize  = 200 << 20
	labChunk = 256 << 10
	// labCap leaves room for a test with the race detector in it, and none for
	// the data.
	labCap = 120 << 20
)

// laboratory returns a fast source and a slow sink. Scenario.Sink says what is
// wrong with the sink: "held" begins its first write when the source is read to
// its end, so that what a loop piles up does not depend on how fast it is;
// "hasty" returns at once, and writes later as "held" does; "dies" ends the
// process.
func laboratory() Subject {
	over := make(chan struct{}) // closed when the source is read to its end
	return Subject{
		Source: func(s Scenario) (weir.Source, error) {
			if s.Source == "missing" {
				return nil, errors.New("there is no source")
			}
			g, err := sim.NewGenerator(sim.GeneratorOptions{Size: labSize, Opaque: true, Format: sim.Zeros})
			return &announced{Source: g, over: sync.OnceFunc(func() { close(over) })}, err
		},
		Sink: func(s Scenario) (weir.Sink, error) {
			slow, err := sim.NewSlow(sim.SlowOptions{Delay: 5 * time.Millisecond})
			switch s.Sink {
			case "held":
				return &held{Sink: slow, over: over}, err
			case "hasty":
				return &hasty{Sink: &held{Sink: slow, over: over}}, err
			case "dies":
				os.Exit(3)
			}
			return slow, err
		},
	}
}

// announced is a source that tells when it has no more.
type announced struct {
	weir.Source
	over func()
}

func (a *announced) Next(ctx context.Context) (weir.Stream, error) {
	stream, err := a.Source.Next(ctx)
	if err == io.EOF {
		a.over()
	}
	return stream, err
}

// held is a sink whose writes begin when over is closed.
type held struct {
	weir.Sink
	over <-chan struct{}
}

func (h *held) Open(ctx context.Context, s weir.StreamInfo) (weir.Writer, error) {
	w, err := h.Sink.Open(ctx, s)
	return &heldWriter{Writer: w, over: h.over}, err
}

type heldWriter struct {
	weir.Writer
	over <-chan struct{}
}

func (w *heldWriter) Write(ctx context.Context, b *weir.Batch) error {
	select {
	case <-w.over:
		return w.Writer.Write(ctx, b)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hasty is a sink that returns before it has written.
type hasty struct {
	weir.Sink
	writes sync.WaitGroup
}

func (h *hasty) Open(ctx context.Context, s weir.StreamInfo) (weir.Writer, error) {
	w, err := h.Sink.Open(ctx, s)
	return &hastyWriter{Writer: w, h: h}, err
}

func (h *hasty) Close() error {
	h.writes.Wait()
	return h.Sink.Close()
}

type hastyWriter struct {
	weir.Writer
	h *hasty
}

func (w *hastyWriter) Write(ctx context.Context, b *weir.Batch) error {
	kept := weir.NewBatch(b.Len())
	copy(kept.Space(), b.Bytes())
	kept.Advance(b.Len())
	w.h.writes.Go(func() { _ = w.Writer.Write(context.WithoutCancel(ctx), kept) })
	return nil
}

// experiment runs scenarios in processes of this test.
func experiment(t *testing.T, sideBySide bool, scenarios ...Scenario) *Report {
	t.Helper()
	for i := range scenarios {
		scenarios[i].Cap, scenarios[i].Chunk = labCap, labChunk
	}
	e := &Experiment{
		Scenarios: scenarios, Settings: Settings{Cap: labCap, SideBySide: sideBySide},
		Launch: launch,
	}
	r, err := e.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func launch(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	// The race detector would make each process wait a second before it leaves.
	cmd.Env = append(os.Environ(), asScenario+"=1", "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	return cmd
}

// The experiment itself: the controlled way is flat, the others are not. And it
// can fail: with a sink that returns before it has written, it does.
func TestTheProofHoldsAndCanFail(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	r := experiment(t, true,
		Scenario{ID: "A", Strategy: Controlled}, Scenario{ID: "A2", Strategy: Controlled, Again: true},
		Scenario{ID: "B", Strategy: Unbounded, Sink: "held", Limit: time.Minute}, Scenario{ID: "E", Strategy: ReadAll},
		Scenario{ID: "hasty", Strategy: ReadAll, Sink: "hasty"},
	)
	if !r.Verdict.Flat {
		t.Errorf("not flat:\n%s", r)
	}
	for _, s := range r.Scenarios {
		if s.Read != labSize || s.Finished != labSize || s.Error != "" || s.Heartbeat.Beats == 0 || len(s.Series.Seconds) == 0 {
			t.Errorf("%s: %d read, %d finished, %d beats, %d samples, error %q", s.ID, s.Read, s.Finished, s.Heartbeat.Beats, len(s.Series.Seconds), s.Error)
		}
		if want := s.Strategy == Controlled; s.Flat != want {
			t.Errorf("%s: flat %t, peak %s", s.ID, s.Flat, mib(s.PeakRSS))
		}
		if s.Strategy != Controlled && s.PeakRSS < labSize {
			t.Errorf("%s: peak %s, less than the data", s.ID, mib(s.PeakRSS))
		}
		switch s.ID {
		case "A", "A2":
			if s.Unfinished != 0 || s.WritingMax != 1 {
				t.Errorf("%s: %d unfinished, %d writes at once", s.ID, s.Unfinished, s.WritingMax)
			}
		case "B":
			if s.WritingMax != labSize/labChunk || s.Unfinished < labSize/2 {
				t.Errorf("B: %d writes at once of %d, %d bytes unfinished", s.WritingMax, labSize/labChunk, s.Unfinished)
			}
		}
	}

	dir := filepath.Join(t.TempDir(), "new", "dir")
	if err := r.Save(dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(data, &back); err != nil || len(back.Scenarios) != 5 || back.Scenarios[2].PeakRSS != r.Scenarios[2].PeakRSS {
		t.Errorf("%v: %d scenarios", err, len(back.Scenarios))
	}

	hasty := experiment(t, true, Scenario{ID: "A", Strategy: Controlled, Sink: "hasty"})
	if hasty.Verdict.Flat || !strings.Contains(hasty.Verdict.Text, "peak resident memory within the cap") {
		t.Errorf("a sink that returns before it has written passes:\n%s", hasty)
	}
}

func TestScenariosThatFailArePartOfWhatIsFound(t *testing.T) {
	r := experiment(t, false,
		Scenario{ID: "A", Strategy: Controlled, Source: "missing"},
		Scenario{ID: "B", Strategy: Unbounded, Sink: "dies"},
		Scenario{ID: "C", Strategy: "strange"},
		Scenario{ID: "D", Strategy: CountBounded, Limit: time.Second},
	)
	if r.Verdict.Flat {
		t.Error("flat")
	}
	for i, want := range []string{"there is no source", "the process of scenario B: exit status 3", `unknown strategy "strange"`, ""} {
		if s := r.Scenarios[i]; !strings.Contains(s.Error, want) || want == "" && s.Error != "" {
			t.Errorf("%s: %q, want %q", s.ID, s.Error, want)
		}
	}
	if d := r.Scenarios[3]; d.Stopped != "the time limit" || d.Finished == 0 || d.Finished >= labSize {
		t.Errorf("D: stopped %q, %d finished", d.Stopped, d.Finished)
	}
}

func TestTheOthersAreEndedBeforeTheyTakeTheMachineDown(t *testing.T) {
	e := &Experiment{
		Scenarios: []Scenario{{ID: "B", Strategy: Unbounded, Sink: "held", Chunk: labChunk}}, RSSLimit: labSize / 4, Launch: launch,
	}
	r, err := e.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b := r.Scenarios[0]; !strings.Contains(b.Stopped, "the limit of the experiment") || b.PeakRSS < labSize/4 {
		t.Errorf("stopped %q with a peak of %s", b.Stopped, mib(b.PeakRSS))
	}
}

func TestACancelledExperimentLeavesNoProcess(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	var started []*exec.Cmd
	e := &Experiment{
		Scenarios: []Scenario{{ID: "A", Strategy: Controlled, Cap: labCap, Chunk: labChunk}},
		Launch: func(ctx context.Context) *exec.Cmd {
			cmd := launch(ctx)
			started = append(started, cmd)
			return cmd
		},
		Watch: func(r []Result) {
			if len(r[0].Series.Seconds) > 3 {
				cancel(why)
			}
		},
	}
	if r, err := e.Run(ctx); r != nil || !errors.Is(err, why) {
		t.Errorf("%v, %v", r, err)
	}
	for _, cmd := range started {
		if cmd.ProcessState == nil {
			t.Errorf("process %d was not waited for", cmd.Process.Pid)
		}
	}
}

func TestServeRefusesWhatIsNoScenario(t *testing.T) {
	for _, control := range []string{"", "nonsense", "{}", `{"open":{}}`, `{"scenario":null}`, `{"scenario":7}`} {
		if err := Serve(t.Context(), laboratory(), strings.NewReader(control), new(strings.Builder)); err == nil {
			t.Errorf("%q was taken", control)
		}
	}
}
