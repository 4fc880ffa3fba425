package command

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir/cmd/weir/internal/progress"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
	"github.com/weirflow/weir/cmd/weir/internal/size"
	"github.com/weirflow/weir/deadletter"
)

func newDLQ(sys System, reg *registry.Registry) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "look at the records that were given up on, and try them again",
		Long: `Look at dead letters: the records that 'weir cp --on-error deadletter' could not
use. Each is kept with its place and the reason, in the order they came.`,
		Example: `  weir dlq ls dead/
  weir dlq show dead/ -n 3
  weir dlq replay dead/ orders.ndjson
  weir dlq purge dead/ --older-than 720h`,
		Args: noSuchSubcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDLQList(), newDLQShow(), newDLQReplay(sys, reg), newDLQPurge())
	return cmd
}

// noSuchSubcommand refuses what is not a command.
func noSuchSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
}

func newDLQList() *cobra.Command {
	return &cobra.Command{
		Use:     "ls DIR",
		Short:   "count the letters, by reason",
		Example: "  weir dlq ls dead/",
		Args:    exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := deadletter.Survey(args[0])
			if err != nil {
				return &exitError{exitFailed, err}
			}
			if c.Letters == 0 {
				return show(cmd, "no dead letters in "+args[0]+"\n")
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s letters, %s, from %s to %s\n", progress.Thousands(c.Letters), size.Format(c.Bytes),
				c.First.Local().Format(time.DateTime), c.Last.Local().Format(time.DateTime))
			if c.Repeated > 0 {
				fmt.Fprintf(&b, "%s of them repeat an earlier one, after a run that broke off; 'weir dlq replay --once' leaves them out\n", progress.Thousands(c.Repeated))
			}
			reasons := make([]string, 0, len(c.ByReason))
			for r := range c.ByReason {
				reasons = append(reasons, r)
			}
			slices.SortFunc(reasons, func(a, b string) int {
				if d := c.ByReason[b] - c.ByReason[a]; d != 0 {
					return int(d)
				}
				return strings.Compare(a, b)
			})
			for _, r := range reasons {
				text := r
				if text == "" {
					text = "other reasons"
				}
				fmt.Fprintf(&b, "%12s  %s\n", progress.Thousands(c.ByReason[r]), text)
			}
			return show(cmd, b.String())
		},
	}
}

func newDLQShow() *cobra.Command {
	var n int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show DIR",
		Short: "print letters: place, reason and record",
		Example: `  weir dlq show dead/ -n 3
  weir dlq show dead/ --json | jq .reason`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			left := n
			var failed error
			err := deadletter.Read(args[0], func(l deadletter.Letter) bool {
				if n > 0 {
					if left--; left < 0 {
						return false
					}
				}
				failed = showLetter(cmd, &l, asJSON)
				return failed == nil
			})
			if err != nil {
				return &exitError{exitFailed, err}
			}
			return failed
		},
	}
	cmd.Flags().IntVarP(&n, "number", "n", 10, "print so many letters; 0: all")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each letter as a JSON object, one a line")
	return cmd
}

func showLetter(cmd *cobra.Command, l *deadletter.Letter, asJSON bool) error {
	if asJSON {
		text, err := json.Marshal(l)
		if err != nil {
			return &exitError{exitFailed, err}
		}
		return show(cmd, string(text)+"\n")
	}
	place := l.Stream
	if l.Record > 0 {
		place += fmt.Sprintf(", record %d", l.Record)
	}
	if l.Line > 0 {
		place += fmt.Sprintf(", line %d", l.Line)
	}
	if l.Offset >= 0 {
		place += fmt.Sprintf(", offset %d", l.Offset)
	}
	text := strings.TrimRight(string(l.Content()), "\r\n")
	if l.Bytes != nil {
		text = strconv.Quote(text)
	}
	if !l.Whole {
		text += fmt.Sprintf(" … (%s in all)", size.Format(l.Size))
	}
	return show(cmd, fmt.Sprintf("%s  %s\n  %s: %s\n  %s\n", l.Time.Local().Format(time.DateTime), place, l.Stage, l.Reason, text))
}

func newDLQReplay(sys System, reg *registry.Registry) *cobra.Command {
	cmd := newCp(sys, reg)
	cmd.Use = "replay DIR DST"
	cmd.Short = "move the records of the letters into a destination, to try them again"
	cmd.Long = `Read the records of the dead letters in DIR, in order, and move them into DST, as
'weir cp' with the address dlq://DIR would, and with all of its flags. The letters
stay: remove them with 'weir dlq purge' when the records are where they belong.

A run that breaks off and goes on keeps the letters since its last checkpoint again;
'weir dlq ls' counts them. --once leaves them out: letters of the same record of the
same stream, by number, offset and content. Streams are told apart by name.`
	cmd.Example = `  weir dlq replay dead/ fixed.ndjson --set 'qty = 1'
  weir dlq replay dead/ orders.csv --on-error deadletter --dead-letters dead2/`
	cmd.Args = exactly("DIR", "DST")
	once := cmd.Flags().Bool("once", false, "leave out letters that repeat an earlier one of the same record")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return run(cmd, []string{registry.DeadLetters(args[0], *once), args[1]})
	}
	return cmd
}

func newDLQPurge() *cobra.Command {
	var older durationFlag
	cmd := &cobra.Command{
		Use:   "purge DIR",
		Short: "remove letters",
		Long: `Remove letters, all of them or those that are older. What is removed together is a
segment of some megabytes: one whose letters are not all old enough stays.`,
		Example: "  weir dlq purge dead/ --older-than 720h",
		Args:    exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var before time.Time
			if older > 0 {
				before = time.Now().Add(-time.Duration(older))
			}
			n, err := deadletter.Purge(args[0], before)
			if err != nil {
				return &exitError{exitFailed, err}
			}
			return show(cmd, progress.Thousands(n)+" letters removed\n")
		},
	}
	cmd.Flags().Var(&older, "older-than", "only letters that are older than this, such as 24h (default all)")
	return cmd
}
