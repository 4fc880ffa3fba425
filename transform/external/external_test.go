//go:build unix

package external_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
	"github.com/weirflow/weir/transform/external"
	"github.com/weirflow/weir/weirtest"
)

// through runs n numbered lines through a command.
func through(ctx context.Context, t *testing.T, n int, commandLine string, o weir.Options) (*weirtest.MemSink, weir.Result, error) {
	t.Helper()
	return throughWith(ctx, t, n, commandLine, external.Options{}, o)
}

func throughWith(ctx context.Context, t *testing.T, n int, commandLine string, e external.Options, o weir.Options) (*weirtest.MemSink, weir.Result, error) {
	t.Helper()
	weirtest.CheckLeaks(t)
	step, err := external.Step(commandLine, e)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	for i := range n {
		fmt.Fprintf(&lines, "%d\n", i)
	}
	src := weirtest.NewBytesSource(weirtest.BytesStream{Name: "s", Data: lines.Bytes(), Lines: true})
	dst := weirtest.NewMemSink(weir.Footprint{})
	o.Steps = []weir.Step{step}
	o.Batch = 4 << 10
	res, err := weir.Ingest(ctx, src, dst, o)
	return dst, res, err
}

func TestProgramSeesEveryRecordInOrder(t *testing.T) {
	for _, workers := range []int{1, 3} {
		dst, res, err := through(t.Context(), t, 5000, `sed 's/^/x/'`, weir.Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := dst.Committed("s")
		lines := strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")
		for i, line := range lines {
			if line != fmt.Sprint("x", i) {
				t.Fatalf("line %d is %q", i, line)
			}
		}
		if len(lines) != 5000 || res.Written.Records != 5000 {
			t.Errorf("%d lines, %d records", len(lines), res.Written.Records)
		}
	}
}

func TestProgramMayDropAndAddRecords(t *testing.T) {
	_, res, err := through(t.Context(), t, 1000, `grep 7 || true`, weir.Options{})
	if err != nil || res.Written.Records != 271 || res.Filtered.Records != 729 {
		t.Errorf("written %d, filtered %d, %v", res.Written.Records, res.Filtered.Records, err)
	}
	_, res, err = through(t.Context(), t, 1000, `awk '{print; print; print; print}'`, weir.Options{})
	if err != nil || res.Written.Records != 4000 || res.Added.Records != 3000 {
		t.Errorf("written %d, added %d, %v", res.Written.Records, res.Added.Records, err)
	}
}

func TestExitCodeAndWhatItSaidAreTheError(t *testing.T) {
	dst, _, err := through(t.Context(), t, 10, `cat; echo "no such field" >&2; exit 3`, weir.Options{})
	if weir.KindOf(err) != weir.Rejected || !strings.Contains(err.Error(), "exit status 3: no such field") || !strings.Contains(err.Error(), "exec cat;") {
		t.Errorf("err = %v", err)
	}
	if _, ok := dst.Committed("s"); ok {
		t.Error("committed")
	}
	if _, _, err := through(t.Context(), t, 10, `yes error | head -c 100000 >&2; exit 1`, weir.Options{}); err == nil || len(err.Error()) > 5000 {
		t.Errorf("an error of %d bytes", len(fmt.Sprint(err)))
	}
	if _, err := external.Step(" ", external.Options{}); weir.KindOf(err) != weir.Invalid {
		t.Errorf("an empty command: %v", err)
	}
}

func TestProgramThatReadsNothingIsContent(t *testing.T) {
	_, res, err := through(t.Context(), t, 100_000, `head -n 1`, weir.Options{})
	if err != nil || res.Written.Records == 0 || res.Written.Records > 1000 {
		t.Errorf("%d records, %v", res.Written.Records, err)
	}
}

func TestOutputBeyondTheBudgetIsAnError(t *testing.T) {
	b := weir.NewBudget(128<<10, weir.BudgetOptions{})
	_, _, err := through(t.Context(), t, 10, `yes`, weir.Options{Budget: b})
	if !errors.Is(err, weir.ErrBatchFull) {
		t.Errorf("err = %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestOutputThatMustBeJSONIsChecked(t *testing.T) {
	check := external.Options{JSON: true}
	for name, c := range map[string]struct{ command, want string }{
		"several lines": {`sed 's/.*/{\n  "n": &\n}/'`, `line 1 of its output is not a JSON value: "{"; a record is one line: let the program print it compact, as jq -c does`},
		"text":          {`sed 's/^7$/seven/'`, `line 8 of its output is not a JSON value: "seven"`},
		"torn":          {`cat; printf '{"a":'`, `line 11 of its output is not a JSON value: "{\"a\":"`},
		"long":          {`head -c 100000 /dev/zero | tr '\0' x`, `"` + strings.Repeat("x", 80) + `"`},
		"not UTF-8":     {`printf '\377\n'`, "\uFFFD"},
		"endless":       {`yes`, `line 1 of its output`},
	} {
		dst, _, err := throughWith(t.Context(), t, 10, c.command, check, weir.Options{})
		var bad *external.NotJSONError
		if !errors.As(err, &bad) || weir.KindOf(err) != weir.Rejected || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want it to say %s", name, err, c.want)
		}
		if _, ok := dst.Committed("s"); ok {
			t.Errorf("%s: committed", name)
		}
	}
	// A program that fails says more than what it printed before.
	_, _, err := throughWith(t.Context(), t, 10, `echo usage: x; echo "no such field" >&2; exit 3`, check, weir.Options{})
	if err == nil || !strings.Contains(err.Error(), "exit status 3: no such field") {
		t.Errorf("err = %v", err)
	}
}

func TestEmptyLinesOfJSONAreNoRecords(t *testing.T) {
	dst, res, err := throughWith(t.Context(), t, 500, `sed 's/$/ \n\n \t\r/'; echo; echo`, external.Options{JSON: true}, weir.Options{})
	var want strings.Builder
	for i := range 500 {
		fmt.Fprintf(&want, "%d \n", i)
	}
	if got, _ := dst.Committed("s"); err != nil || string(got) != want.String() || res.Written.Records != 500 {
		t.Errorf("%d records, %v:\n%q", res.Written.Records, err, got)
	}
}

func TestCancelKillsTheProgramAndWhatItStarted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	began := time.Now()
	_, _, err := through(ctx, t, 10, `sleep 600 & cat; sleep 600`, weir.Options{})
	if !errors.Is(err, context.Canceled) || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestTornLastLineIsARecord(t *testing.T) {
	dst, res, err := through(t.Context(), t, 3, `cat; printf end`, weir.Options{})
	got, _ := dst.Committed("s")
	if err != nil || string(got) != "0\n1\n2\nend" || res.Written.Records != 4 {
		t.Errorf("%q, %d records, %v", got, res.Written.Records, err)
	}
}

func BenchmarkCat(b *testing.B) {
	step, err := external.Step("cat", external.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(1 << 20)
	src, err := sim.NewGenerator(sim.GeneratorOptions{Size: int64(b.N) << 20, Format: sim.NDJSON})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := weir.Ingest(b.Context(), src, sim.NewNull(), weir.Options{Batch: 1 << 20, Steps: []weir.Step{step}}); err != nil {
		b.Fatal(err)
	}
}
