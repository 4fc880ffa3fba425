package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
	"github.com/weirflow/weir/cmd/weir/internal/size"
)

func newPlan() *cobra.Command {
	var capBytes, batch sizeFlag
	var inFlight countFlag
	streams := countFlag(weir.DefaultStreams)
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "show where each byte of a memory cap goes",
		Long: `Show how 'weir cp' would divide a memory cap on this machine: what the program
itself takes, what each stream costs, and what is left for data in flight.`,
		Example: `  weir plan --memory 32MiB
  weir plan --memory 96MiB --streams 1000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			machine := memory.ThisMachine()
			ask := memory.Ask{Cap: int64(capBytes), Streams: int(streams), InFlight: int(inFlight), Batch: int64(batch)}
			p, err := memory.NewPlan(ask, machine)
			if err != nil {
				return usage(err)
			}
			ahead := "a stream is read ahead while it is written"
			if !p.ReadAhead {
				ahead = "a stream is not read ahead: there is room for fewer than two batches each"
			}
			return show(cmd, fmt.Sprintf("%s\n\nbatches of %s, %d in flight at most, %d writes of one stream; %s\nthe smallest cap for %d streams is %s\n",
				p, size.Format(p.Batch), p.Arenas/p.Batch, p.InFlight, ahead, streams, size.Flag(memory.Smallest(ask, machine))))
		},
	}
	cmd.Flags().VarP(&capBytes, "memory", "m", "cap on the process's resident memory (default "+size.Flag(memory.Default)+")")
	cmd.Flags().Var(&streams, "streams", "streams that are moved side by side")
	cmd.Flags().Var(&inFlight, "in-flight", "writes of one stream at once (default from --memory and --streams)")
	cmd.Flags().Var(&batch, "batch", "bytes moved at a time (default from --memory and --streams)")
	return cmd
}
