package command

import (
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
	"github.com/weirflow/weir/cmd/weir/internal/size"
)

// sizeFlag is an amount of bytes as a flag's value.
type sizeFlag int64

func (f *sizeFlag) Set(s string) (err error) { return set(f, s, size.Parse) }

func (f *sizeFlag) Type() string { return "size" }

func (f *sizeFlag) String() string {
	if *f == 0 {
		return ""
	}
	return size.Flag(int64(*f))
}

// rateFlag is bytes a second as a flag's value.
type rateFlag int64

func (f *rateFlag) Set(s string) error { return set(f, s, size.ParseRate) }

func (f *rateFlag) Type() string { return "rate" }

func (f *rateFlag) String() string {
	if *f == 0 {
		return ""
	}
	return size.Flag(int64(*f)) + "/s"
}

// durationFlag is a duration that is not negative as a flag's value.
type durationFlag time.Duration

func (f *durationFlag) Set(s string) error { return set(f, s, registry.ParseDuration) }

func (f *durationFlag) Type() string { return "duration" }

func (f *durationFlag) String() string {
	if *f == 0 {
		return ""
	}
	return time.Duration(*f).String()
}

// set parses s into f.
func set[F, V ~int64](f *F, s string, parse func(string) (V, error)) error {
	v, err := parse(s)
	if err == nil {
		*f = F(v)
	}
	return err
}

// countFlag is a number that is at least one as a flag's value.
type countFlag int64

func (f *countFlag) Set(s string) error {
	return set(f, s, func(s string) (int64, error) { return registry.ParseCount(s, maxCount) })
}

func (f *countFlag) Type() string { return "number" }

func (f *countFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*f), 10)
}

const maxCount = 1 << 20

// transferFlags are the flags of all commands that move data.
type transferFlags struct {
	memory   sizeFlag
	force    bool
	noSync   bool
	timeout  durationFlag
	json     bool
	quiet    bool
	progress progressFlag
}

func (f *transferFlags) add(set *pflag.FlagSet) {
	set.VarP(&f.memory, "memory", "m", "cap on the process's resident memory (default "+size.Flag(memory.Default)+")")
	set.BoolVarP(&f.force, "force", "f", false, "overwrite files that exist")
	set.BoolVar(&f.noSync, "no-sync", false, "do not wait until the disk has what was written")
	set.Var(&f.timeout, "timeout", "give up after this time, with exit code 124 (default never)")
	set.BoolVar(&f.json, "json", false, "print JSON events, one a line, instead of progress and summary")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing but errors")
	set.Var(&f.progress, "progress", "how to show progress: auto, terminal, plain, none (default auto)")
	set.SortFlags = false
}

// cpFlags are the flags of weir cp.
type cpFlags struct {
	transferFlags
	recordFlags
	stateFlags
	receipt      string
	table        registry.Table
	follow       registry.Follow
	streams      countFlag
	inFlight     countFlag
	batch        sizeFlag
	rate         rateFlag
	idleTimeout  durationFlag
	drainTimeout durationFlag
	failFast     bool
}

func (f *cpFlags) add(set *pflag.FlagSet) {
	f.transferFlags.add(set)
	f.streams = weir.DefaultStreams
	f.drainTimeout = durationFlag(weir.DefaultDrainTimeout)
	set.Var(&f.streams, "streams", "streams that are moved side by side")
	set.Var(&f.inFlight, "in-flight", "writes of one stream at once, if the sink takes so many (default what it takes and --memory allows)")
	set.Var(&f.batch, "batch", "bytes moved at a time (default from --memory and --streams)")
	set.Var(&f.rate, "rate", "read no faster than this, such as 10MiB/s (default no limit)")
	set.Var(&f.idleTimeout, "idle-timeout", "fail a stream whose source delivers nothing for this time (default never)")
	set.Var(&f.drainTimeout, "drain-timeout", "how long delivering what is in flight may take after Ctrl-C")
	set.StringVar(&f.receipt, "receipt", "", "write what was done to a `FILE`: ledger, guarantee, checksums")
	set.BoolVar(&f.follow.On, "follow", false, "read files on as they grow, over rotation, until it is interrupted; each file of a directory takes one of --streams (64)")
	set.BoolVar(&f.follow.FromEnd, "from-end", false, "with --follow: leave out what is there at the start")
	f.recordFlags.add(set)
	set.BoolVar(&f.table.Create, "create", false, "make the table of a database, if there is none, from the first records")
	set.StringSliceVar(&f.table.Key, "key", nil, "`COLUMNS` of a unique index of a table: rows that are there are replaced")
	set.StringArrayVar(&f.table.Columns, "column", nil, "fill a column of a table from a member: 'COLUMN=path.to.member', or 'COLUMN=.' for the whole record; again for more")
	set.BoolVar(&f.table.Strict, "strict", false, "a member that has no column in the table makes a record a bad one")
	f.stateFlags.add(set)
	set.BoolVar(&f.failFast, "fail-fast", false, "stop everything when one stream fails")
}

// followStreams are open side by side with --follow: each file that is followed
// takes one for good.
const followStreams = 64

func (f *cpFlags) options() weir.Options {
	streams := int(f.streams)
	if f.follow.On && streams == weir.DefaultStreams {
		streams = followStreams
	}
	return weir.Options{
		Streams:      streams,
		InFlight:     int(f.inFlight),
		Rate:         int64(f.rate),
		IdleTimeout:  time.Duration(f.idleTimeout),
		DrainTimeout: time.Duration(f.drainTimeout),
		FailFast:     f.failFast,
	}
}
