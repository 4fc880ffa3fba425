package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/checkpoint"
	"github.com/weirflow/weir/cmd/weir/internal/progress"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
	"github.com/weirflow/weir/cmd/weir/internal/size"
	"github.com/weirflow/weir/cmd/weir/internal/state"
)

func newCheckpoint(sys System, reg *registry.Registry) *cobra.Command {
	var dir string
	where := func() (string, error) {
		d := state.Dir(dir, sys.Getenv)
		if d == "" {
			return "", usage(errors.New("there is no state directory; give --state DIR"))
		}
		return d, nil
	}
	cmd := &cobra.Command{
		Use:   "checkpoint",
		Short: "look at how far jobs have come, and change it",
		Long: `Look at how far jobs have come. A job is a 'weir cp' command: run again with the same
sources, destination and transforms, it continues at its checkpoints.`,
		Example: `  weir checkpoint ls
  weir checkpoint show 3f2a91c05d7be684
  weir checkpoint rm 3f2a91c05d7be684
  weir checkpoint purge 'postgres://app@db/shop?table=orders' --older-than 720h`,
		Args: noSuchSubcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&dir, "state", "", "directory `DIR` of the state (default $WEIR_STATE, or ~/.local/state/weir)")
	cmd.AddCommand(newCheckpointList(where), newCheckpointShow(where), newCheckpointSet(where), newCheckpointRemove(where), newCheckpointPurge(reg))
	return cmd
}

func newCheckpointList(where func() (string, error)) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "list the jobs",
		Example: "  weir checkpoint ls",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := where()
			if err != nil {
				return err
			}
			var b strings.Builder
			var failed error
			err = state.List(dir, func(id string, s *checkpoint.Store) bool {
				failed = s.Jobs(func(j checkpoint.Job) bool {
					how := "open"
					if j.Done {
						how = "done"
					}
					fmt.Fprintf(&b, "%-16s  %-4s  %s  %s\n", id, how, j.Updated.Local().Format(time.DateTime), j.Description)
					return true
				})
				return failed == nil
			}, func(id string, err error) { fmt.Fprintf(&b, "%-16s  damaged: %v\n", id, err) })
			if err = errors.Join(err, failed); err != nil {
				return &exitError{exitFailed, err}
			}
			if b.Len() == 0 {
				b.WriteString("no jobs in " + dir + "\n")
			}
			return show(cmd, b.String())
		},
	}
}

// jobStore opens the store of a job.
func jobStore(dir, id string, o checkpoint.Options) (*checkpoint.Store, error) {
	if id != filepath.Base(id) {
		return nil, usage(fmt.Errorf("%q is not the name of a job; see weir checkpoint ls", id))
	}
	path := filepath.Join(dir, id)
	if _, err := os.Stat(path); err != nil {
		return nil, &exitError{exitFailed, fmt.Errorf("there is no job %s in %s; see weir checkpoint ls", id, dir)}
	}
	s, err := checkpoint.Open(path, o)
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	return s, nil
}

func newCheckpointShow(where func() (string, error)) *cobra.Command {
	return &cobra.Command{
		Use:     "show JOB",
		Short:   "list the streams of a job and how far they have come",
		Example: "  weir checkpoint show 3f2a91c05d7be684",
		Args:    exactly("JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := where()
			if err != nil {
				return err
			}
			s, err := jobStore(dir, args[0], checkpoint.Options{ReadOnly: true})
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }() // it was only read
			var printed error
			err = s.Streams(args[0], func(e checkpoint.Entry) bool {
				printed = show(cmd, fmt.Sprintf("%s\n  id        %s\n  position  %s\n  come to   %s\n  updated   %s\n",
					e.Name, e.ID, e.Position, reached(e.Checkpoint), e.Updated.Local().Format(time.DateTime)))
				return printed == nil
			})
			if err != nil {
				return &exitError{exitFailed, err}
			}
			return printed
		},
	}
}

// reached says how far a stream has come.
func reached(c weir.Checkpoint) string {
	text := size.Format(c.Read.Bytes)
	if c.Size > 0 {
		text += fmt.Sprintf(" of %s, %d %%", size.Format(c.Size), min(c.Read.Bytes*100/c.Size, 100))
	}
	if c.Read.Records > 0 {
		text += fmt.Sprintf(", %d records", c.Read.Records)
	}
	if c.Whole {
		text += ", the end"
	}
	return text
}

func newCheckpointSet(where func() (string, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "set JOB STREAM POSITION",
		Short: "make a stream of a job continue at another position",
		Long: `Make a stream of a job, named by its id, continue at another position of its source.
What lies between the two is read again or left out: this is for repairs. A
destination that stores positions with the data goes by its own.`,
		Example: "  weir checkpoint set 3f2a91c05d7be684 topic/3 off=4096",
		Args:    exactly("JOB", "STREAM", "POSITION"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := where()
			if err != nil {
				return err
			}
			s, err := jobStore(dir, args[0], checkpoint.Options{})
			if err != nil {
				return err
			}
			e, known, err := s.Stream(args[0], args[1])
			if err == nil && !known {
				err = fmt.Errorf("job %s has no stream %s; see weir checkpoint show %s", args[0], args[1], args[0])
			}
			if err == nil {
				e.Position, e.Whole = weir.Position(args[2]), false
				err = s.Save(args[0], []checkpoint.Entry{e})
			}
			if err = errors.Join(err, s.Close()); err != nil {
				return &exitError{exitFailed, err}
			}
			return nil
		},
	}
}

func newCheckpointRemove(where func() (string, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "rm JOB...",
		Short: "forget jobs: run again, they begin at the beginning",
		Long: `Forget jobs: run again, they begin at the beginning. A destination that stores
positions with the data, which databases do, goes by its own; 'weir cp --fresh'
forgets both.`,
		Example: "  weir checkpoint rm 3f2a91c05d7be684",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := where()
			if err != nil {
				return err
			}
			for _, id := range args {
				s, err := jobStore(dir, id, checkpoint.Options{}) // locks it
				var lost *weir.Error
				if errors.As(err, &lost) && lost.Kind == weir.Corrupt {
					err = nil // it is to go all the same
				}
				if err != nil {
					return err
				}
				if s != nil {
					err = s.Close()
				}
				if err = errors.Join(err, os.RemoveAll(filepath.Join(dir, id))); err != nil {
					return &exitError{exitFailed, err}
				}
			}
			return nil
		},
	}
}

func newCheckpointPurge(reg *registry.Registry) *cobra.Command {
	var older durationFlag
	var id string
	cmd := &cobra.Command{
		Use:   "purge DST",
		Short: "remove positions of streams that are done from a database",
		Long: `Remove from a database the positions of streams that are done. They are a row for each
stream in the table weir_positions, such as for each file of a directory, and keep a
stream from being written twice when the state directory is lost. As long as that is
there, jobs go by it, and files that are done stay done.`,
		Example: "  weir checkpoint purge 'postgres://app@db/shop?table=orders' --older-than 720h",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := reg.Purge(cmd.Context(), args[0], id, time.Duration(older))
			var bad *registry.Error
			if errors.As(err, &bad) {
				return usage(err)
			}
			if err != nil {
				return &exitError{exitFailed, err}
			}
			return show(cmd, progress.Thousands(n)+" positions removed\n")
		},
	}
	cmd.Flags().Var(&older, "older-than", "only positions that have not changed for so long, such as 24h (default all)")
	cmd.Flags().StringVar(&id, "job", "", "only those of this `JOB`; see weir checkpoint ls (default all)")
	return cmd
}
