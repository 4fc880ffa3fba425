// Package command is weir's command line: one file a command. Commands parse,
// call and print.
package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weirflow/weir/cmd/weir/internal/registry"
)

// System is what the program sees of the process it runs in.
type System struct {
	Stdin, Stdout, Stderr *os.File
	Getenv                func(string) string
}

// Host returns the System of this process.
func Host() System {
	return System{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
}

// Main runs the program with args, without its name, and returns the exit code.
func Main(args []string, sys System) int {
	root := New(sys)
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if err == nil {
		return exitDone
	}
	var ended *exitError
	if !errors.As(err, &ended) { // from cobra, before the command ran
		ended = usage(err)
	}
	if ended.err != nil {
		printError(sys.Stderr, ended.err)
	}
	if ended.code == exitUsage {
		printTo(sys.Stderr, "see '"+cmd.CommandPath()+" --help'\n")
	}
	return ended.code
}

// New returns the tree of commands.
func New(sys System) *cobra.Command {
	reg := registry.New()
	root := &cobra.Command{
		Use:   "weir",
		Short: "move streams from any source into any sink with flat memory",
		Long: `weir moves streams from any source into any sink with flat memory.

A source that is faster than its sink is made to wait at its origin, by not
being read, instead of piling the difference up in memory. The process stays
below the cap that you give it, and weir says which side is slow.`,
		Example: `  weir cp big.log backup/
  weir cp 'gen://?size=1GiB' 'slow://?delay=20ms' --memory 32MiB
  tar c data | weir cp - /mnt/nas/data.tar --rate 20MiB/s`,
		Version:                    version(),
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		Args:                       noSuchCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(sys.Stdin)
	root.SetOut(sys.Stdout)
	root.SetErr(sys.Stderr)
	root.SetFlagErrorFunc(nearFlag)
	root.CompletionOptions.DisableDefaultCmd = true // ours has examples
	root.AddCommand(
		newCp(sys, reg), newGen(sys, reg), newProve(sys, reg), newProveScenario(sys, reg), newPlan(sys, reg), newConnectors(reg), newCheckpoint(sys, reg), newDLQ(sys, reg), newCompletion(), newVersion(), newMan(reg),
	)
	wordHelp(root)
	return root
}

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	} else if len(args) > 1 {
		text += "; to move data: weir cp SRC... DST"
	}
	return errors.New(text)
}

// nearFlag says which flag may have been meant by one that does not exist.
func nearFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedName()) < 2 {
		return err
	}
	best, least := "", 3 // edits
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if n := edits(unknown.GetSpecifiedName(), f.Name); n < least && !f.Hidden {
			best, least = f.Name, n
		}
	})
	if best == "" {
		return err
	}
	return fmt.Errorf("%w; did you mean --%s?", err, best)
}

// edits returns how many bytes must be put in, taken out or replaced to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0] // of the row above, one to the left
		row[0] = i + 1
		for j := range len(b) {
			same := before
			if a[i] != b[j] {
				same++
			}
			before = row[j+1]
			row[j+1] = min(same, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// exactly wants arguments, as usage names them.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing, as in: %s", names[len(args)], firstExample(cmd))
		case len(args) > len(names):
			return fmt.Errorf("unexpected argument %q", args[len(names)])
		}
		return nil
	}
}

func firstExample(cmd *cobra.Command) string {
	first, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n")
	return first
}

const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2

	exitInterrupted = 130
)

// exitCodes is part of the help of the commands that move data.
const exitCodes = `Exit codes: 0 done, 1 failed, 2 wrong usage, 124 timed out (--timeout),
130 interrupted, also when what was in flight was delivered, but 0 with --follow, which
ends in no other way. When whoever reads
standard output closes it early, as head does, that is 0: it has what it wanted.`

// exitError ends the program with a code. err is printed unless it is nil.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return fmt.Sprintf("exit %d: %v", e.code, e.err) }

func (e *exitError) Unwrap() error { return e.err }

func usage(err error) *exitError { return &exitError{exitUsage, err} }

// usageOr returns an error as one of usage if it is about an address or an
// option, and else as a failure.
func usageOr(err error) *exitError {
	var ended *exitError
	if errors.As(err, &ended) {
		return ended
	}
	var address *registry.Error
	if errors.As(err, &address) || isOptions(err) {
		return usage(err)
	}
	return &exitError{exitFailed, err}
}

// printError prints err and what to do about it. Joined errors take a line each.
func printError(w io.Writer, err error) {
	text := "weir: " + strings.ReplaceAll(err.Error(), "\n", "\n  ") + "\n"
	if h := hint(err); h != "" {
		text += "hint: " + h + "\n"
	}
	printTo(w, text)
}

// printTo prints what nobody can be told about if it fails.
func printTo(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

// showJSON prints a value as indented JSON.
func showJSON(cmd *cobra.Command, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return &exitError{exitFailed, err}
	}
	return show(cmd, string(text)+"\n")
}

// show prints the text that a command was asked for.
func show(cmd *cobra.Command, text string) error {
	if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
		return &exitError{exitFailed, err}
	}
	return nil
}
