package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
	"github.com/weirflow/weir/cmd/weir/internal/size"
	"github.com/weirflow/weir/cmd/weir/internal/state"
)

func newPlan(sys System, reg *registry.Registry) *cobra.Command {
	var f cpFlags
	cmd := &cobra.Command{
		Use:   "plan [SRC... DST]",
		Short: "show where each byte of a memory cap goes, and what a route promises",
		Long: `Show how 'weir cp' with the same arguments and flags would divide the memory cap on
this machine: what the program itself takes, what each stream costs, and what is
left for data in flight. With a source and a destination it also shows how records
would be read and written, and what the route promises after a crash, with the
reason: exactly-once, at-least-once or best-effort. Nothing is moved; the first
stream of the source is opened, and refused if its decompressor needs too much.`,
		Example: `  weir plan --memory 32MiB
  weir plan --memory 96MiB --streams 1000
  weir plan orders.csv.gz orders.ndjson --where 'qty > 0'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return errors.New("the destination is missing")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			t := transfer{sys: sys, registry: reg, flags: &f.transferFlags, batch: int64(f.batch), options: f.options(), records: f.ask(), state: f.stateFlags, table: f.table, follow: f.follow, roll: f.rolls()}
			route := ""
			if len(args) > 0 {
				t.sources, t.destination = args[:len(args)-1], args[len(args)-1]
				var err error
				if route, err = t.route(cmd.Context()); err != nil {
					return usageOr(err)
				}
			} else if err := t.planOnly(); err != nil {
				return usage(err)
			}
			return show(cmd, t.planText()+route)
		},
		ValidArgsFunction: completeAddress(reg),
	}
	f.add(cmd.Flags())
	completeProgress(cmd)
	return cmd
}

// planOnly divides the memory for bytes that pass as they are.
func (t *transfer) planOnly() (err error) {
	t.plan, err = memory.NewPlan(t.memoryAsk(), memory.ThisMachine())
	return err
}

// planText shows the plan.
func (t *transfer) planText() string {
	p := t.plan
	ahead := "a stream is read ahead while it is written"
	if !p.ReadAhead {
		ahead = "a stream is not read ahead: there is room for fewer than two batches each"
	}
	return fmt.Sprintf("%s\n\nbatches of %s, %d in flight at most, %d writes of one stream; %s\nthe smallest cap for %d streams is %s\n",
		p, size.Format(p.Batch), (p.Arenas-p.Static)/p.Batch, p.InFlight, ahead,
		t.options.Streams, size.Flag(memory.Smallest(t.memoryAsk(), memory.ThisMachine())))
}

// route finds out how streams would be moved, by opening both ends and the first
// stream.
func (t *transfer) route(ctx context.Context) (string, error) {
	if err := t.prepare(); err != nil {
		return "", err
	}
	steps, err := t.makePlan()
	if err != nil {
		return "", usage(err)
	}
	keeps := t.keeps() && state.Dir(t.state.dir, t.sys.Getenv) != ""
	t.resumable = keeps
	ends, err := t.open(steps)
	if err != nil {
		return "", err
	}
	g, err := promise(ctx, ends.Source, ends.Sink, keeps)
	if err = errors.Join(err, ends.Source.Close(), ends.Sink.Close(), t.pipeline.Close()); err != nil {
		return "", err
	}
	var b strings.Builder
	if t.pipeline.Changes {
		fmt.Fprintf(&b, "\nrecords: read as %s", t.pipeline.From)
		for _, s := range steps {
			b.WriteString(", " + s.Name)
		}
		fmt.Fprintf(&b, ", written as %s\n", t.pipeline.To)
	} else {
		b.WriteString("\nbytes pass as they are\n")
	}
	fmt.Fprintf(&b, "%s: %s\n", g.Label, g.Reason)
	return b.String(), nil
}

// promise returns what the route of the first stream promises.
func promise(ctx context.Context, src weir.Source, dst weir.Sink, keeps bool) (weir.Guarantee, error) {
	st, err := src.Next(ctx)
	if err == io.EOF {
		return weir.Guarantee{Label: weir.ExactlyOnce, Reason: "there is no stream"}, nil
	}
	if err != nil {
		return weir.Guarantee{}, err
	}
	return weir.GuaranteeOf(st.Info(), dst.Footprint(), keeps), errors.Join(reserve(ctx, st), st.Close())
}

// reserve finds out whether a stream would be refused for what it needs to be read,
// such as the window of a decompressor, if that takes nothing from whoever reads it.
func reserve(ctx context.Context, st weir.Stream) error {
	r, ok := st.(weir.Reserver)
	if !ok || !st.Info().Resumable {
		return nil
	}
	_, err := r.Reserve(ctx)
	return err
}
