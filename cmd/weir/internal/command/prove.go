package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
	"github.com/weirflow/weir/cmd/weir/internal/size"
	"github.com/weirflow/weir/observe"
	"github.com/weirflow/weir/prove"
)

// Defaults of weir prove.
const (
	proveSize      = 200_000_000
	proveChunk     = 64 << 10
	proveDelay     = 10 * time.Millisecond
	proveOut       = "weir-proof"
	proveLimit     = 15 * time.Second
	proveUnbounded = 1 << 30
	originBytes    = 64 << 20

	// scenarioRSS is what the process of a scenario has resident beyond this one
	// when it plans its memory: it has told its first events.
	scenarioRSS = 2 << 20
)

// proof is weir prove with its flags.
type proof struct {
	sys      System
	registry *registry.Registry

	size, chunk, memory, unbounded sizeFlag
	delay, limit                   durationFlag
	concurrency                    countFlag
	source, sink, out              string
	origin, oneByOne, json, quiet  bool
}

func newProve(sys System, reg *registry.Registry) *cobra.Command {
	p := proof{
		sys: sys, registry: reg, size: proveSize, chunk: proveChunk, unbounded: proveUnbounded,
		delay: durationFlag(proveDelay), limit: durationFlag(proveLimit), concurrency: 1, out: proveOut,
	}
	cmd := &cobra.Command{
		Use:   "prove",
		Short: "show that memory stays flat, against the ways that do not",
		Long: `Run the experiment for which weir exists: the same fast source and the same slow
sink, joined in several ways, each in a process of its own, while resident memory
is sampled from outside.

  A   controlled: weir, under the cap; run twice, and the difference is the noise
  B   unbounded: every write is fired, and none is waited for
  C   bounded by count: a queue of 1,000 items; C4 with items of a quarter
  D   as B, into a sink that serves any number of writes at once: no real one does
  E   read everything first

The report goes to --out: report.html to look at, report.json for programs. With
--source or --sink, A and B run on your own pipeline, one after the other; the
sink is written to by each, so give one that may be. With --origin, the sink
stops in the middle, and the origin's own figures show whether it stands still: a
file, a pipe and a TCP connection.

Exit codes: 0 the controlled way was flat, 1 it was not, 2 wrong usage, 130
interrupted.`,
		Example: `  weir prove                                               in about 40 seconds
  weir prove --size 200MB --chunk 64KiB --delay 50ms       the classic, 155 seconds
  weir prove --origin                                      does pressure reach the origin?
  weir prove --source big.ndjson --sink 'slow://?delay=5ms'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&p.size, "size", "size of the file that is made as the source")
	f.Var(&p.chunk, "chunk", "bytes of one write")
	f.Var(&p.delay, "delay", "how long the sink takes for one write")
	f.Var(&p.concurrency, "concurrency", "writes that the sink serves at once")
	f.StringVar(&p.source, "source", "", "your own source, an `ADDRESS` as for cp")
	f.StringVar(&p.sink, "sink", "", "your own sink, an `ADDRESS` as for cp")
	f.Var(&p.limit, "limit", "end each run on your own pipeline after this time; 0s: at its end")
	f.VarP(&p.memory, "memory", "m", "cap on the resident memory of the controlled way (default the smallest that works)")
	f.Var(&p.unbounded, "unbounded-limit", "end the other ways when they have taken so much memory")
	f.BoolVar(&p.origin, "origin", false, "also show that pressure reaches a file, a pipe and a TCP connection")
	f.BoolVar(&p.oneByOne, "one-by-one", false, "run the scenarios one after the other (default side by side)")
	f.StringVarP(&p.out, "out", "o", proveOut, "directory `DIR` of the report")
	f.BoolVar(&p.json, "json", false, "print the report as JSON instead of text")
	f.BoolVarP(&p.quiet, "quiet", "q", false, "print nothing but the verdict")
	return cmd
}

func (p *proof) run(cmd *cobra.Command) error {
	experiment, clean, err := p.prepare(cmd)
	if err != nil {
		return err
	}
	defer clean()
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	show := p.display(experiment.Settings.Cap)
	experiment.Watch = show.update
	report, err := experiment.Run(ctx)
	show.end()
	switch {
	case ctx.Err() != nil:
		return &exitError{exitInterrupted, errors.New("interrupted; there is no report")}
	case err != nil:
		return &exitError{exitFailed, err}
	}
	return p.conclude(cmd, report)
}

// conclude saves and prints the report.
func (p *proof) conclude(cmd *cobra.Command, report *prove.Report) error {
	if err := report.Save(p.out); err != nil {
		return &exitError{exitFailed, fmt.Errorf("cannot save the report: %w", err)}
	}
	text := report.String()
	switch {
	case p.json:
		data, err := json.Marshal(report)
		if err != nil {
			return &exitError{exitFailed, err}
		}
		text = string(data) + "\n"
	case p.quiet:
		text = report.Verdict.Text + "\n"
	default:
		text += fmt.Sprintf("\n%s\n%s\n", filepath.Join(p.out, "report.html"), filepath.Join(p.out, "report.json"))
	}
	if err := show(cmd, text); err != nil {
		return err
	}
	if !report.Verdict.Flat {
		return &exitError{exitFailed, nil}
	}
	return nil
}

// prepare returns the experiment, and what removes what was made for it.
func (p *proof) prepare(cmd *cobra.Command) (*prove.Experiment, func(), error) {
	own := p.source != "" || p.sink != ""
	if err := p.validate(cmd); err != nil {
		return nil, nil, usage(err)
	}
	plan, err := p.plan(own)
	if err != nil {
		return nil, nil, usage(err)
	}
	e := &prove.Experiment{
		Version: version(), Launch: p.launch, RSSLimit: int64(p.unbounded),
		Settings: prove.Settings{Command: p.command(cmd), Cap: plan.Cap, Chunk: int(p.chunk)},
	}
	clean := func() {}
	source := p.source
	if source == "" || p.origin {
		data, remove, err := p.makeData(cmd.Context(), e)
		if err != nil {
			return nil, nil, &exitError{exitFailed, err}
		}
		clean = remove
		if p.origin {
			e.Origins = prove.Origins(data, e.Settings.Bytes, plan.Cap)
		}
		if source == "" {
			source = data
		} else {
			e.Settings.Bytes, e.Settings.SHA256 = 0, ""
		}
	}
	e.Settings.Source, e.Settings.Sink = p.shown(p.source, "a file of "+size.Format(int64(p.size))), p.shown(p.sink, p.slow(1))
	if own {
		p.ownPipeline(cmd, e, source)
		return e, clean, nil
	}
	e.Scenarios = prove.Classic(source, int(p.chunk), plan.Cap,
		p.slow(1), p.slow(4), p.slowAt(time.Duration(p.delay), -1))
	writes := (int64(p.size) + int64(p.chunk) - 1) / int64(p.chunk)
	e.Settings.IdealSeconds = float64(writes) * time.Duration(p.delay).Seconds() / float64(p.concurrency)
	e.Settings.SideBySide = !p.oneByOne && p.fits()
	return e, clean, nil
}

// ownPipeline sets the scenarios of the user's own source and sink.
func (p *proof) ownPipeline(cmd *cobra.Command, e *prove.Experiment, source string) {
	chunk := 0
	if cmd.Flags().Changed("chunk") || p.sink == "" {
		chunk = int(p.chunk)
	}
	sink := p.sink
	if sink == "" {
		sink = p.slow(1)
	}
	e.Settings.Chunk = chunk
	e.Scenarios = prove.Pipeline(source, sink, chunk, e.Settings.Cap, time.Duration(p.limit))
}

func (p *proof) validate(cmd *cobra.Command) error {
	for _, address := range []string{p.source, p.sink} {
		if address == "-" {
			return errors.New("standard input and output cannot be used: each scenario needs the source and the sink anew")
		}
	}
	if p.source != "" && cmd.Flags().Changed("size") {
		return errors.New("--size is of the file that is made as the source; with --source there is none")
	}
	if p.sink != "" && (cmd.Flags().Changed("delay") || cmd.Flags().Changed("concurrency")) {
		return errors.New("--delay and --concurrency are of the sink slow://; with --sink it is not used")
	}
	if p.chunk < 4<<10 || p.size < p.chunk {
		return fmt.Errorf("--chunk is %s; it must be at least 4 KiB and no more than --size", size.Flag(int64(p.chunk)))
	}
	for _, address := range []string{p.source, p.sink} {
		if address == "" {
			continue
		}
		if _, err := p.registry.Parse(address); err != nil {
			return err
		}
	}
	return nil
}

// plan returns how the controlled way divides its cap.
func (p *proof) plan(own bool) (memory.Plan, error) {
	ask, machine := p.ask(own), memory.ThisMachine()
	machine.RSS += scenarioRSS
	if ask.Cap == 0 {
		ask.Cap = memory.Smallest(ask, machine)
	}
	return memory.NewPlan(ask, machine)
}

func (p *proof) ask(own bool) memory.Ask {
	if own {
		return memory.Ask{Cap: int64(p.memory), Streams: weir.DefaultStreams}
	}
	return memory.Ask{Cap: int64(p.memory), Streams: 1, Batch: int64(p.chunk)}
}

// slow returns the address of the slow sink, for writes of one of so many parts
// of a chunk.
func (p *proof) slow(parts int) string {
	return p.slowAt(time.Duration(p.delay)/time.Duration(parts), int(p.concurrency))
}

func (p *proof) slowAt(delay time.Duration, concurrency int) string {
	return fmt.Sprintf("slow://?delay=%s&concurrency=%d", delay, concurrency)
}

// shown returns an address without its secrets, or what stands for none.
func (p *proof) shown(address, none string) string {
	if address == "" {
		return none
	}
	return p.registry.Redact(address)
}

// command returns the command line that repeats the experiment.
func (p *proof) command(cmd *cobra.Command) string {
	words := []string{"weir", "prove"}
	for _, name := range []string{"size", "chunk", "delay", "concurrency", "memory", "limit", "unbounded-limit", "origin", "one-by-one"} {
		if f := cmd.Flags().Lookup(name); f.Changed {
			words = append(words, "--"+name+"="+f.Value.String())
		}
	}
	for _, end := range []struct{ name, address string }{{"source", p.source}, {"sink", p.sink}} {
		if end.address != "" {
			words = append(words, "--"+end.name+"='"+p.registry.Redact(end.address)+"'")
		}
	}
	return strings.Join(words, " ")
}

// launch returns the command of a scenario's process.
func (p *proof) launch(ctx context.Context) *exec.Cmd {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return exec.CommandContext(ctx, program, proveScenario)
}

// fits reports whether the memory of all scenarios together is there.
func (p *proof) fits() bool {
	available := int64(1) << 62
	if l, ok := observe.MemoryLimit(); ok {
		available = l.Bytes
	}
	if _, n, ok := observe.MachineMemory(); ok {
		available = min(available, n)
	}
	const perByte, rest = 4, 256 << 20 // B, D and E hold all of it, C some
	return perByte*min(int64(p.size), int64(p.unbounded))+rest < available
}

// makeData makes the file that is the source, and notes what is in it.
func (p *proof) makeData(ctx context.Context, e *prove.Experiment) (path string, remove func(), err error) {
	bytes := int64(p.size)
	if p.source != "" {
		bytes = originBytes
	}
	if err := os.MkdirAll(p.out, 0o755); err != nil {
		return "", nil, err
	}
	f, err := os.CreateTemp(p.out, "data-*.bin")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.Remove(f.Name()) } // it is in the report's directory, for all to see
	defer func() {
		if err != nil {
			remove()
		}
	}()
	source, err := p.registry.OpenSource([]string{fmt.Sprintf("gen://?size=%d&opaque=1", bytes)}, registry.Env{})
	if err != nil {
		return "", nil, errors.Join(err, f.Close())
	}
	sum := sha256.New()
	_, err = weir.Ingest(ctx, source, weir.ToWriter(io.MultiWriter(f, sum)), weir.Options{})
	if err = errors.Join(err, f.Close()); err != nil {
		return "", nil, fmt.Errorf("cannot make the data in %s: %w", p.out, err)
	}
	e.Settings.Bytes, e.Settings.SHA256 = bytes, hex.EncodeToString(sum.Sum(nil))
	return f.Name(), remove, nil
}
