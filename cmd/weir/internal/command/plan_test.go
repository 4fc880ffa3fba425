package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
)

// planOf runs weir plan and returns what it prints.
func planOf(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	root := New(nowhere(t, map[string]string{"WEIR_STATE": t.TempDir()}))
	root.SetOut(&out)
	root.SetArgs(append([]string{"plan"}, args...))
	if err := root.Execute(); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out.String()
}

func TestPlanAsJSONHasTheFactsOfTheText(t *testing.T) {
	dir := t.TempDir()
	source, target := filepath.Join(dir, "a.csv"), filepath.Join(dir, "b.ndjson")
	if err := os.WriteFile(source, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		args  []string
		route *route // Sources and Reason are not compared
	}{
		{"memory alone", []string{"--memory", "64MiB"}, nil},
		{"as they are", []string{source, "null://"}, &route{Destination: "null://", Guarantee: weir.Guarantee{Label: weir.BestEffort}}},
		{"records", []string{source, target, "--where", "a > 0"}, &route{
			Destination: target, Changes: true, From: "csv+none", Steps: []string{"csv to ndjson", "where"}, To: "ndjson+none",
			Resumes: true, Guarantee: weir.Guarantee{Label: weir.ExactlyOnce},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got planned
			d := json.NewDecoder(strings.NewReader(planOf(t, append(c.args, "--json")...)))
			d.DisallowUnknownFields()
			if err := d.Decode(&got); err != nil {
				t.Fatal(err)
			}
			if d.More() {
				t.Error("there is more than one value")
			}
			if got.Memory.Cap != 64<<20 || got.BatchesInFlight < 2 || got.Streams < 1 || got.SmallestCap < 1<<20 || got.SmallestCap > got.Memory.Cap {
				t.Errorf("memory: %+v", got)
			}
			checkRoute(t, got.Route, c.route, planOf(t, c.args...))
		})
	}
}

// checkRoute compares a route with what is wanted, and with what people are shown.
func checkRoute(t *testing.T, got, want *route, text string) {
	t.Helper()
	if got == nil || want == nil {
		if got != want {
			t.Errorf("route %+v, want %+v", got, want)
		}
		return
	}
	if got.Destination != want.Destination || got.Changes != want.Changes || got.From != want.From || got.To != want.To ||
		!slices.Equal(got.Steps, want.Steps) || got.Resumes != want.Resumes || got.Guarantee.Label != want.Guarantee.Label || len(got.Sources) != 1 {
		t.Errorf("route\n got %+v\nwant %+v", got, want)
	}
	if !strings.HasSuffix(text, got.String()) || got.Guarantee.Reason == "" || !strings.Contains(text, got.Guarantee.Reason) {
		t.Errorf("the text has other facts than %+v:\n%s", got, text)
	}
}
