package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/job"
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
stream of the source is opened, and what would not fit the cap is refused, such as
the window of its decompressor.

With --json it is one JSON object: memory (the division, in bytes), smallest_cap_bytes,
streams, batches_in_flight, and with a source and a destination route: sources,
destination, changes (false: bytes pass as they are), read_as, steps, written_as,
resumes (a later run goes on where one was cut short), guarantee (label, reason).`,
		Example: `  weir plan --memory 32MiB
  weir plan --memory 96MiB --streams 1000
  weir plan orders.csv.gz orders.ndjson --where 'qty > 0'
  weir plan app.log 'sqlite://x.db?table=log' --create --json | jq .route.guarantee`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return errors.New("the destination is missing")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			t := f.transfer(sys, reg)
			t.receipt = "" // nothing is moved, so nothing is written
			var r *route
			if len(args) > 0 {
				t.sources, t.destination = args[:len(args)-1], args[len(args)-1]
				var err error
				if r, err = t.route(cmd.Context()); err != nil {
					return usageOr(err)
				}
			} else if err := t.planOnly(); err != nil {
				return usage(err)
			}
			if f.json {
				return showJSON(cmd, t.planned(r))
			}
			return show(cmd, t.planText()+r.String())
		},
		ValidArgsFunction: completeAddress(reg),
	}
	f.add(cmd.Flags())
	groupFlags(sys, cmd)
	cmd.Flags().Lookup("json").Usage = "print the plan as a JSON object"
	completeProgress(cmd)
	completeRecords(cmd)
	return cmd
}

// planned is what --json prints. Amounts are bytes.
type planned struct {
	Memory          memory.Plan `json:"memory"`
	SmallestCap     int64       `json:"smallest_cap_bytes"`
	Streams         int         `json:"streams"`
	BatchesInFlight int64       `json:"batches_in_flight"`
	Route           *route      `json:"route,omitempty"`
}

// route is how streams would be moved.
type route struct {
	Sources     []string       `json:"sources"` // without secrets, as Destination
	Destination string         `json:"destination"`
	Changes     bool           `json:"changes"` // bytes do not pass as they are
	From        string         `json:"read_as,omitempty"`
	Steps       []string       `json:"steps"`
	To          string         `json:"written_as,omitempty"`
	Resumes     bool           `json:"resumes"`
	Guarantee   weir.Guarantee `json:"guarantee"`
}

// planOnly divides the memory for bytes that pass as they are.
func (t *transfer) planOnly() (err error) {
	t.plan, err = memory.NewPlan(t.memoryAsk(), memory.ThisMachine())
	return err
}

// planned returns the plan and a route, which may be nil.
func (t *transfer) planned(r *route) planned {
	return planned{
		Memory: t.plan, SmallestCap: memory.Smallest(t.memoryAsk(), memory.ThisMachine()),
		Streams: t.options.Streams, BatchesInFlight: batchesInFlight(t.plan), Route: r,
	}
}

// batchesInFlight is how many batches the memory for data holds.
func batchesInFlight(p memory.Plan) int64 { return (p.Arenas - p.Static) / p.Batch }

// planText shows the plan.
func (t *transfer) planText() string {
	p := t.plan
	ahead := "a stream is read ahead while it is written"
	if !p.ReadAhead {
		ahead = "a stream is not read ahead: there is room for fewer than two batches each"
	}
	return fmt.Sprintf("%s\n\nbatches of %s, %d in flight at most, %d writes of one stream; %s\nthe smallest cap for %d streams is %s\n",
		p, size.Format(p.Batch), batchesInFlight(p), p.InFlight, ahead,
		t.options.Streams, size.Flag(memory.Smallest(t.memoryAsk(), memory.ThisMachine())))
}

// route finds out how streams would be moved, by opening both ends and the first
// stream.
func (t *transfer) route(ctx context.Context) (*route, error) {
	if err := t.prepare(); err != nil {
		return nil, err
	}
	steps, err := t.makePlan()
	if err != nil {
		return nil, usage(err)
	}
	keeps := t.keeps() && state.Dir(t.state.dir, t.sys.Getenv) != ""
	t.resumable = keeps
	ends, err := t.open(steps)
	if err != nil {
		return nil, err
	}
	g, err := promise(ctx, ends.Source, ends.Sink, keeps)
	if err == nil {
		err = job.Job{Ends: ends, Options: t.options, Plan: t.plan}.Admit(ctx)
	} else {
		err = errors.Join(err, ends.Sink.Close())
	}
	if err = errors.Join(err, ends.Source.Close(), t.pipeline.Close()); err != nil {
		return nil, err
	}
	r := &route{Destination: t.registry.Redact(t.destination), Changes: t.pipeline.Changes, Steps: []string{}, Resumes: keeps, Guarantee: g}
	for _, source := range t.sources {
		r.Sources = append(r.Sources, t.registry.Redact(source))
	}
	if r.Changes {
		r.From, r.To = t.pipeline.From, t.pipeline.To
		for _, s := range steps {
			r.Steps = append(r.Steps, s.Name)
		}
	}
	return r, nil
}

// String shows the route to people, below the plan; nothing if there is none.
func (r *route) String() string {
	if r == nil {
		return ""
	}
	text := "\nbytes pass as they are\n"
	if r.Changes {
		text = fmt.Sprintf("\nrecords: read as %s, written as %s\n", strings.Join(append([]string{r.From}, r.Steps...), ", "), r.To)
	}
	return text + fmt.Sprintf("%s: %s\n", r.Guarantee.Label, r.Guarantee.Reason)
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
