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
	{"sample", "keep a share of the records, the same ones each time: '1%', '5% by user_id seed 7'"},
	{"dedupe", "leave out what came before: 'by FIELD within 10m', '… max 1000000' to remember more than 100000"},
}

func (f *recordFlags) addFormats(set *pflag.FlagSet) {
	f.utf8.all = records.UTF8s()
	set.StringVar(&f.From, "from", "", "`FORMAT` of the sources, such as csv+gzip (default by name, else by content): "+strings.Join(codec.FormatNames(), ", ")+", parquet")
	set.StringVar(&f.To, "to", "", "`FORMAT` of the destination, such as ndjson+zstd (default by its name, else as the source)")
	set.StringSliceVar(&f.columns, "columns", nil, "`NAMES` of the columns to write to CSV (default the fields of the first record), to read from Parquet (default all), or of CSV with header=no")
	set.BoolVar(&f.DropOthers, "drop-others", false, "leave fields out that are not columns of the CSV that is written, instead of refusing the record")
	set.BoolVar(&f.Strings, "strings", false, "take every field of CSV for a string, 1 and the empty one too")
	set.StringVar(&f.Message, "message-field", "", "`NAME` of the field that holds a line of text or other bytes (default "+codec.DefaultKey+")")
	set.Var(&stringOrFile{&f.Schema}, "schema", "`COLUMNS` of Parquet that is written: 'id int64, name string', @FILE reads it (default what the first records need)")
	set.Var((*levelFlag)(&f.Level), "level", "how hard to compress: 1 to 9, of zstd 1 to 19 (default gzip 2, zstd 3, lz4 1)")
	set.Var(&f.utf8, "utf8", "what to do with text that is not UTF-8: keep, reject as a bad record, replace by ?, base64 to keep lines whole in JSON (default keep)")
	set.BoolVar(&f.Validate, "validate", false, "check that each record is what its format says, where that is not needed otherwise")
	set.Var(&f.maxRecord, "max-record", "largest record; what is larger is a bad one (default "+size.Flag(codec.DefaultMaxRecord)+")")
	set.Var(&f.maxRatio, "max-ratio", "fail a compressed stream that grows by more than this factor (default no limit)")
	set.Var(&f.maxWindow, "max-window", "largest window or dictionary of a compressed stream; --memory must have room for it (default 8MiB)")
}

func (f *recordFlags) addTransforms(set *pflag.FlagSet) {
	for _, s := range statements {
		set.Var(&stageFlag{to: &f.Stages, kind: s.name}, s.name, s.usage)
	}
	set.Var(&stageFlag{to: &f.Stages, kind: records.Program}, "transform", "apply a program of such statements; @FILE reads it")
	set.Var(&stageFlag{to: &f.Stages, kind: records.Exec}, "exec", "pass records through a `COMMAND` that reads and prints a line of JSON each: 'jq -c .'")
}

func (f *recordFlags) addBad(set *pflag.FlagSet) {
	f.onError.all, f.stopBad = records.OnErrors(), stopBadFlag(records.DefaultStopBad())
	set.Var(&f.onError, "on-error", "what to do with bad records: fail, skip, deadletter (default fail)")
	set.StringVar(&f.DeadLetters, "dead-letters", "", "directory `DIR` for bad records (see weir dlq), or the address of a table, with --on-error deadletter")
	set.Var(&f.deadLettersMax, "dead-letters-max", "stop when the dead letters take more than this (default 256MiB)")
	set.Var(&f.stopBad, "stop-bad", "stop a stream when so many of its last records were bad, or off")
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
	var err error
	if f.kind == records.Program {
		if text, err = textOrFile(text); err != nil {
			return err
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

// textOrFile returns text, or what is in the file that it names behind an @.
func textOrFile(text string) (string, error) {
	path, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text, nil
	}
	content, err := os.ReadFile(path)
	return string(content), err
}

// stringOrFile is a text, or @ and the file that has it.
type stringOrFile struct{ to *string }

func (f *stringOrFile) Set(text string) (err error) {
	*f.to, err = textOrFile(text)
	return err
}

func (f *stringOrFile) String() string { return "" }

func (f *stringOrFile) Type() string { return "text" }

// levelFlag is how hard to compress.
type levelFlag int

func (f *levelFlag) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return errors.New("it must be a whole number from 1")
	}
	*f = levelFlag(n)
	return nil
}

func (f *levelFlag) Type() string { return "number" }

func (f *levelFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.Itoa(int(*f))
}

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
