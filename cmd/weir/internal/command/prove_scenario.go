package command

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/job"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
	"github.com/weirflow/weir/cmd/weir/internal/progress"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
	"github.com/weirflow/weir/prove"
)

// proveScenario is the command that a scenario's process runs.
const proveScenario = "prove-scenario"

// newProveScenario is for weir prove alone: it is controlled over a descriptor
// that it inherits.
func newProveScenario(sys System, reg *registry.Registry) *cobra.Command {
	return &cobra.Command{
		Use: proveScenario, Hidden: true, Args: cobra.NoArgs,
		Short: "run one scenario of weir prove, which starts this itself",
		RunE: func(cmd *cobra.Command, _ []string) error {
			control := os.NewFile(prove.ControlFD, "control")
			if info, err := control.Stat(); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
				return usage(fmt.Errorf("%s is started by weir prove", proveScenario))
			}
			signal.Ignore(os.Interrupt) // a terminal sends it to all: weir prove acts on it
			s := scenario{sys: sys, registry: reg}
			err := prove.Serve(cmd.Context(), prove.Subject{Source: s.source, Sink: s.sink, Ingest: s.ingest}, control, sys.Stdout)
			if err != nil {
				return &exitError{exitFailed, err}
			}
			return nil
		},
	}
}

// scenario opens what a scenario names, as cp would.
type scenario struct {
	sys      System
	registry *registry.Registry
}

func (s scenario) source(of prove.Scenario) (weir.Source, error) {
	return s.registry.OpenSource([]string{of.Source}, registry.Env{Stdin: s.sys.Stdin})
}

func (s scenario) sink(of prove.Scenario) (weir.Sink, error) {
	return s.registry.OpenSink(of.Sink, registry.Env{
		Stdout: s.sys.Stdout, Force: of.Overwrite, Many: s.registry.Many([]string{of.Source}),
	})
}

// ingest is the controlled way: what cp does.
func (s scenario) ingest(ctx context.Context, of prove.Scenario, source weir.Source, sink weir.Sink) error {
	streams := 1
	if of.Chunk == 0 {
		streams = weir.DefaultStreams
	}
	plan, err := memory.NewPlan(memory.Ask{Cap: of.Cap, Streams: streams, Batch: int64(of.Chunk)}, memory.ThisMachine())
	if err != nil {
		return err
	}
	plan.Apply()
	_, err = job.Job{
		Ends: job.Ends{Source: source, Sink: sink}, Options: weir.Options{Streams: streams}, Plan: plan, Reporter: progress.Silent{},
	}.Run(ctx)
	return err
}
