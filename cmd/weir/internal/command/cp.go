package command

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir/cmd/weir/internal/registry"
)

func newCp(sys System, reg *registry.Registry) *cobra.Command {
	var f cpFlags
	cmd := &cobra.Command{
		Use:   "cp SRC... DST",
		Short: "move streams from sources into a destination",
		Long: `Move every stream of the sources into the destination. An address is a path (a
file, a directory, a glob with **), - for standard input or output, or a URL;
'weir connectors' lists the schemes and their parameters.

Several streams go into a directory, a file each. If the destination is a path that
does not exist, it becomes a directory when there are several sources, or one that
can be several streams, such as a directory or a glob; otherwise it becomes a file.
A / at its end makes it a directory always.

With --roll-size and --roll-every a stream becomes several files, each whole by itself:
app.log becomes app-000001.log and so on, by time app-20261126T030000Z-000001.log; {n}
and {time} in the name of the destination say where they stand instead. A part appears
under its name when it is complete.

What a file is, its name says: orders.csv.gz into orders.ndjson.zst makes JSON lines of
a table. --from and --to say it where names do not, and transforms are applied to
every record. Where none of that is asked for, bytes pass as they are.

A command that was cut short, even by kill -9, goes on where it was when it is run
again.

The process's resident memory stays below --memory, however fast the source and
however slow the destination. A file appears under its name when it is whole and
on the disk, and not before.

On a terminal the progress is drawn in place; elsewhere a line is printed after
one second and then every five. With --json, events go to standard output, one
JSON object a line (start, progress, stream, notice, end), or to standard error
when the destination is standard output.

Ctrl-C (or SIGTERM) reads no more, delivers what is in flight and ends; a second
one aborts at once.

` + exitCodes,
		Example: `  weir cp app.log backup/app.log                 one file
  weir cp 'logs/**/*.log' backup/                many files side by side
  weir cp - /mnt/nas/db.dump --rate 20MiB/s      from a pipe, gently
  weir cp big.tar 'slow://?delay=50ms' -m 32MiB  into a slow sink, in 32 MiB
  weir cp data/ backup/ --json | jq .event       for programs
  weir cp orders.csv.gz orders.ndjson.zst        other format, other compression
  weir cp app.ndjson bad.csv --where 'status >= 500' --drop headers
  weir cp --follow app.log logs/app.log --roll-size 256MiB --roll-every 1h
  weir cp app.ndjson 'sqlite://app.db?table=log' --create`,
		Args: sourcesAndDestination,
		RunE: func(cmd *cobra.Command, args []string) error {
			last := len(args) - 1
			t := f.transfer(sys, reg)
			t.sources, t.destination = args[:last], args[last]
			return t.run(cmd.Context())
		},
		ValidArgsFunction: completeAddress(reg),
	}
	f.add(cmd.Flags())
	groupFlags(sys, cmd)
	completeProgress(cmd)
	completeRecords(cmd)
	return cmd
}

func sourcesAndDestination(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return errors.New("cp needs a source and a destination, as in: weir cp app.log backup/")
	case 1:
		return errors.New("the destination is missing; for standard output write: weir cp " + args[0] + " -")
	}
	return nil
}
