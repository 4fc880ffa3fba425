package command

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weirflow/weir/cmd/weir/internal/registry"
)

// nowhere is a System without a terminal.
func nowhere(t *testing.T, env map[string]string) System {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return System{Stdin: f, Stdout: f, Stderr: f, Getenv: func(name string) string { return env[name] }}
}

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	root := New(nowhere(t, nil))
	for _, c := range append(root.Commands(), root) {
		if c.Name() == proveScenario {
			continue
		}
		t.Run(c.Name(), func(t *testing.T) {
			if c.Short == "" || c.Long == "" || c.Example == "" {
				t.Error("the short or long text or the example is missing")
			}
			if strings.HasSuffix(c.Short, ".") || c.Short != strings.ToLower(c.Short[:1])+c.Short[1:] {
				t.Errorf("short text %q: begin small, no full stop", c.Short)
			}
			for line := range strings.Lines(c.Long + "\n" + c.Example) {
				if n := len(strings.TrimSuffix(line, "\n")); n > 90 {
					t.Errorf("%d columns: %s", n, line)
				}
			}
			if !strings.Contains(c.Example, "weir") {
				t.Errorf("the example does not show weir: %s", c.Example)
			}
			c.Flags().VisitAll(func(f *pflag.Flag) {
				if f.Usage == "" {
					t.Errorf("--%s has no text", f.Name)
				}
			})
		})
	}
}

func TestGroupedHelpShowsEveryFlagOnce(t *testing.T) {
	for _, name := range []string{"cp", "plan"} {
		cmd, _, err := New(nowhere(t, nil)).Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		usage := cmd.UsageString()
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if n := strings.Count(usage, "\n      --"+f.Name+" ") + strings.Count(usage, ", --"+f.Name+" "); n != 1 {
				t.Errorf("%s: --%s is there %d times", name, f.Name, n)
			}
			if f.Name != "help" && len(f.Annotations) != 1 {
				t.Errorf("%s: --%s is in no group", name, f.Name)
			}
		})
		if strings.Contains(usage, "stringArray") {
			t.Errorf("%s: a flag has a type of Go:\n%s", name, usage)
		}
	}
}

func TestExamplesParse(t *testing.T) {
	root := New(nowhere(t, nil))
	for _, c := range root.Commands() {
		for line := range strings.Lines(c.Example) {
			args := strings.Fields(line)
			if len(args) < 2 || args[0] != "weir" || strings.ContainsAny(line, "<$") {
				continue
			}
			checkFlags(t, root, args[1:])
		}
	}
}

// checkFlags wants the flags in args to exist.
func checkFlags(t *testing.T, root *cobra.Command, args []string) {
	t.Helper()
	cmd, rest, err := root.Find(args)
	if err != nil {
		t.Errorf("%v: %v", args, err)
		return
	}
	for _, arg := range rest {
		name, found := strings.CutPrefix(arg, "--")
		if found && cmd.Flags().Lookup(strings.Split(name, "=")[0]) == nil {
			t.Errorf("%v: there is no --%s", args, name)
		}
	}
}

func TestReporterFollowsFlags(t *testing.T) {
	for _, c := range []struct {
		flags  transferFlags
		stdout bool
		want   string
	}{
		{transferFlags{}, false, "*progress.Plain"},
		{transferFlags{quiet: true}, false, "progress.Silent"},
		{transferFlags{json: true}, false, "*progress.Events"},
		{transferFlags{json: true, quiet: true}, true, "*progress.Events"},
		{transferFlags{progress: progressNone}, false, "progress.Brief"},
		{transferFlags{progress: progressTerminal}, false, "*progress.Terminal"},
		{transferFlags{progress: progressAuto}, true, "*progress.Plain"},
	} {
		r := c.flags.reporter(nowhere(t, map[string]string{"TERM": "dumb"}), c.stdout)
		if got := fmt.Sprintf("%T", r); got != c.want {
			t.Errorf("%+v: %s; want %s", c.flags, got, c.want)
		}
	}
}

func TestNoTerminalIsNoTerminal(t *testing.T) {
	sys := nowhere(t, nil)
	if isTerminal(sys.Stderr) || widthOf(sys.Stderr) != defaultWidth {
		t.Error("the null device counts as a terminal")
	}
	closed, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if isTerminal(closed) || widthOf(closed) != defaultWidth {
		t.Error("a closed file counts as a terminal")
	}
}

// A job is the same when a password has changed, and another when the table has.
func TestPasswordIsNoPartOfTheJob(t *testing.T) {
	id := func(destination string) string {
		tr := transfer{registry: registry.New(), sources: []string{"orders.ndjson"}, destination: destination}
		return tr.id()
	}
	first := id("postgres://app:one@db/shop?table=orders")
	if id("postgres://app:two@db/shop?table=orders") != first {
		t.Error("another password makes another job")
	}
	if id("postgres://app:one@db/shop?table=others") == first {
		t.Error("another table makes the same job")
	}
}
