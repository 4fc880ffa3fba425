package command

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/weirflow/weir/cmd/weir/internal/records"
	"github.com/weirflow/weir/cmd/weir/internal/size"
	"github.com/weirflow/weir/codec"
)

// recordFlags are the flags about what is in the streams.
type recordFlags struct {
	records.Ask

	maxRecord      sizeFlag
	maxRatio       ratioFlag
	maxWindow      sizeFlag
	deadLettersMax sizeFlag
	workers        countFlag
	onError        choiceFlag
	utf8           choiceFlag
	stopBad        stopBadFlag
	columns        []string
}

// statements are the transforms that have a flag each, and what it does.
var statements = []struct{ name, usage string }{
	{"where", "keep the records for which an `EXPR` is true, such as 'status >= 500'"},
	{"set", "give a field a value: 'NAME = EXPR'"},
	{"drop", "remove `FIELDS`, separated by commas"},
	{"keep", "remove all but these `FIELDS`"},
	{"rename", "give fields other names: 'OLD as NEW, …'"},
	{"mask", "hide `WHAT` looks private: email, ipv4, ipv6, card, /regexp/; 'email in FIELDS'"},
	{"hash", "put a hash in the place of a field: 'FIELD with sha256($SALT)'"},
	{"parse-time", "rewrite a time: 'FIELD [as LAYOUT] [to rfc3339|unix|unix_ms]'"},
	{"explode", "make a record of each element of an array `FIELD`"},
	{"sample", "keep a share of the records, the same ones each time: 1%"},
	{"dedupe", "leave out what came before: 'by FIELD within 10m'"},
}

func (f *recordFlags) add(set *pflag.FlagSet) {
	f.stopBad = stopBadFlag(records.DefaultStopBad())
	set.StringVar(&f.From, "from", "", "`FORMAT` of the sources, such as csv+gzip (default by name, else by content): "+strings.Join(codec.FormatNames(), ", ")+", parquet")
	set.StringVar(&f.To, "to", "", "`FORMAT` of the destination, such as ndjson+zstd (default by its name, else as the source)")
	for _, s := range statements {
		set.Var(&stageFlag{to: &f.Stages, kind: s.name}, s.name, s.usage)
	}
	set.Var(&stageFlag{to: &f.Stages, kind: records.Program}, "transform", "apply a program of such statements; @FILE reads it")
	set.Var(&stageFlag{to: &f.Stages, kind: records.Exec}, "exec", "pass records through a `COMMAND`, as NDJSON lines: 'jq -c .'")
	set.Var(&f.workers, "workers", "batches that are transformed at once (default one a processor)")
	set.StringSliceVar(&f.columns, "columns", nil, "`NAMES` of the columns to write to CSV (default the fields of the first record)")
	set.Var(&f.maxRecord, "max-record", "largest record; what is larger is a bad one (default "+size.Flag(codec.DefaultMaxRecord)+")")
	f.onError.all, f.utf8.all = records.OnErrors(), records.UTF8s()
	set.Var(&f.onError, "on-error", "what to do with bad records: fail, skip, deadletter (default fail)")
	set.StringVar(&f.DeadLetters, "dead-letters", "", "`DIR`ectory for bad records (see weir dlq), or the address of a table, with --on-error deadletter")
	set.Var(&f.deadLettersMax, "dead-letters-max", "stop when the dead letters take more than this (default 256MiB)")
	set.Var(&f.stopBad, "stop-bad", "stop a stream when so many of its last records were bad, or off")
	set.Var(&f.maxRatio, "max-ratio", "fail a compressed stream that grows by more than this factor (default no limit)")
	set.Var(&f.maxWindow, "max-window", "largest window or dictionary of a compressed stream; --memory must have room for it (default 8MiB)")
	set.Var(&f.utf8, "utf8", "what to do with text that is not UTF-8: keep, reject as a bad record, replace by ? (default keep)")
	set.BoolVar(&f.Validate, "validate", false, "check that each record is what its format says, where that is not needed otherwise")
}

// ask returns what was asked for.
func (f *recordFlags) ask() records.Ask {
	a := f.Ask
	a.MaxRecord, a.DeadLettersMax = int64(f.maxRecord), int64(f.deadLettersMax)
	a.MaxRatio, a.MaxWindow = float64(f.maxRatio), int64(f.maxWindow)
	a.Workers = int(f.workers)
	a.OnError, a.StopBad = records.OnError(f.onError.chosen), records.StopBad(f.stopBad)
	a.UTF8 = records.UTF8(f.utf8.chosen)
	a.Columns = f.columns
	return a
}

// stageFlag adds to a list that several flags share, which keeps their order.
type stageFlag struct {
	to   *[]records.Stage
	kind string
}

func (f *stageFlag) Set(text string) error {
	if f.kind == records.Program {
		if path, ok := strings.CutPrefix(text, "@"); ok {
			program, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(program)
		}
	}
	s, err := records.ParseStage(f.kind, text)
	if err != nil {
		return err
	}
	*f.to = append(*f.to, s)
	return nil
}

func (f *stageFlag) String() string { return "" }

func (f *stageFlag) Type() string { return "text" }

// choiceFlag is one of several words.
type choiceFlag struct {
	all    []string
	chosen string
}

func (f *choiceFlag) Set(s string) error {
	if !slices.Contains(f.all, s) {
		return fmt.Errorf("it must be one of %s", strings.Join(f.all, ", "))
	}
	f.chosen = s
	return nil
}

func (f *choiceFlag) Type() string { return "policy" }

func (f *choiceFlag) String() string { return f.chosen }

// ratioFlag is how much larger something may become.
type ratioFlag float64

func (f *ratioFlag) Set(s string) error {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 1) || math.IsInf(v, 0) {
		return errors.New("it must be a factor of 1 or more, such as 100")
	}
	*f = ratioFlag(v)
	return nil
}

func (f *ratioFlag) Type() string { return "factor" }

func (f *ratioFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*f), 'g', -1, 64)
}

type stopBadFlag records.StopBad

func (f *stopBadFlag) Set(s string) error {
	v, err := records.ParseStopBad(s)
	if err == nil {
		*f = stopBadFlag(v)
	}
	return err
}

func (f *stopBadFlag) Type() string { return "bad/of" }

func (f *stopBadFlag) String() string { return records.StopBad(*f).String() }
