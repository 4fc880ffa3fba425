package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// scenario is one question and its tables.
type scenario struct {
	name, about string
	run         func(context.Context, *bench) ([]table, error)
}

// scenarios returns all of them, in the order they are run: those that watch
// other processes first, while this one is small.
func scenarios() []scenario {
	return []scenario{
		{"copy", "a file to a file, beside cp and other tools", runCopy},
		{"checkpoints", "a file to a file, with checkpoints beside without", runCheckpoints},
		{"resume", "how soon a copy that was cut short goes on, beside a new one", runResume},
		{"sqlite", "records into a table, beside sqlite3", runSQLite},
		{"streams", "1, 100 and 1,000 streams into a slow sink, beside a bare loop each", runStreams},
		{"bounded", "a slow sink, without bound and bounded by count beside weir", runBounded},
		{"touch", "reading a file and looking at every byte, beside a bare loop", runTouch},
		{"engine", "what the engine costs for each batch of 64 KiB", runEngine},
		{"records", "framing, transforms, compression and conversion, beside wc, cp, zcat and zstdcat", runRecords},
		{"budget", "many pipelines that share one budget", runBudget},
	}
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == childArg {
		exit(runChild(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o)
	}
	stop()
	exit(err)
}

func exit(err error) {
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "bench: interrupted:", err)
		os.Exit(130)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// fullSize is the size of the file that is copied. It is a compromise: the larger,
// the more exact; but where a virtual machine gives free memory back to its host, a
// copy that takes longer than a fraction of the period of that (two seconds, on
// Linux) may lose memory while it runs, and half of them then take five times as
// long.
const fullSize = 1 << 30

// options are what the command line says.
type options struct {
	quick  bool
	only   string
	size   size
	rounds int
	dir    string
	out    string
	weir   string
}

func parse(args []string) (options, error) {
	o := options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.quick, "quick", false, "small sizes and few rounds: some minutes, to look at and not to quote")
	f.StringVar(&o.only, "only", "", "run these `scenarios` only, separated by commas: "+names())
	f.Var(&o.size, "size", "`size` of the file that is copied and touched (default 1GiB, quick 256MiB)")
	f.IntVar(&o.rounds, "rounds", 0, "rounds of each table (default: as many as its contestants need)")
	f.StringVar(&o.dir, "dir", "", "`directory` for scratch files; what is made in it is removed (default: a temporary one)")
	f.StringVar(&o.out, "out", "", "write the result to `file` (default: a new file in bench/results, if everything was run as it is meant to)")
	f.StringVar(&o.weir, "weir", "bin/weir", "the weir `program` to measure")
	if err := f.Parse(args); err != nil {
		return o, flag.ErrHelp // the flag set has said what is wrong
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; see --help", f.Arg(0))
	}
	if o.rounds < 0 {
		return o, fmt.Errorf("--rounds is %d; it must be 1 or more", o.rounds)
	}
	if o.size == 0 {
		o.size = fullSize
		if o.quick {
			o.size = 256 << 20
		}
	}
	_, err := o.chosen()
	return o, err
}

// chosen returns the scenarios that are to be run.
func (o options) chosen() ([]scenario, error) {
	all := scenarios()
	if o.only == "" {
		return all, nil
	}
	var chosen []scenario
	for name := range strings.SplitSeq(o.only, ",") {
		found := false
		for _, s := range all {
			if s.name == strings.TrimSpace(name) {
				chosen, found = append(chosen, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no scenario %q; there are %s", name, names())
		}
	}
	return chosen, nil
}

func names() string {
	var all []string
	for _, s := range scenarios() {
		all = append(all, s.name)
	}
	return strings.Join(all, ", ")
}
