package command

import (
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
	"github.com/weirflow/weir/cmd/weir/internal/size"
	"github.com/weirflow/weir/connector/file"
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

// everyFlag is whole seconds as a flag's value.
type everyFlag time.Duration

func (f *everyFlag) Set(s string) error { return set(f, s, registry.ParseEvery) }

func (f *everyFlag) Type() string { return "duration" }

func (f *everyFlag) String() string { return (*durationFlag)(f).String() }

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
	poll         durationFlag
	exclude      []string
	rollSize     sizeFlag
	rollEvery    everyFlag
	streams      countFlag
	inFlight     countFlag
	batch        sizeFlag
	rate         rateFlag
	idleTimeout  durationFlag
	drainTimeout durationFlag
	failFast     bool
}

func (f *cpFlags) add(set *pflag.FlagSet) {
	set.SortFlags = false
	group(set, generalFlags, func(set *pflag.FlagSet) {
		f.transferFlags.add(set)
		set.StringVar(&f.receipt, "receipt", "", "write what was done to a `FILE`: ledger, guarantee, checksums")
		set.BoolVar(&f.failFast, "fail-fast", false, "stop everything when one stream fails")
	})
	group(set, formatFlags, f.recordFlags.addFormats)
	group(set, transformFlags, f.recordFlags.addTransforms)
	group(set, badFlags, f.recordFlags.addBad)
	group(set, fileFlags, f.addFiles)
	group(set, tableFlags, f.addTables)
	group(set, paceFlags, f.addPace)
	group(set, laterFlags, f.stateFlags.add)
}

func (f *cpFlags) addFiles(set *pflag.FlagSet) {
	set.StringArrayVar(&f.exclude, "exclude", nil, "leave out a `PATH` below a directory, or of a glob: a file, or a directory with all that is in it; again for more")
	set.BoolVar(&f.follow.On, "follow", false, "read files on as they grow, over rotation, until it is interrupted; each file of a directory takes one of --streams (64)")
	set.BoolVar(&f.follow.FromEnd, "from-end", false, "with --follow: leave out what is there at the start")
	set.Var(&f.poll, "poll", "with --follow: the longest time between two looks at a file (default "+file.DefaultPoll.String()+")")
	set.Var(&f.rollSize, "roll-size", "go on in another file when one is so large, at the end of a record: NAME-000001.EXT (default one file)")
	set.Var(&f.rollEvery, "roll-every", "go on in another file each 10m, 1h, …, in UTC: NAME-20261126T030000Z-000001.EXT (default one file)")
}

func (f *cpFlags) addTables(set *pflag.FlagSet) {
	set.BoolVar(&f.table.Create, "create", false, "make the table, if there is none, from the first records")
	set.StringSliceVar(&f.table.Key, "key", nil, "`COLUMNS` of a unique index: rows that are there are replaced")
	set.StringArrayVar(&f.table.Columns, "column", nil, "fill a column from a field: `COLUMN=FIELD`, such as city=address.city, or doc=. for the whole record; again for more")
	set.BoolVar(&f.table.Strict, "strict", false, "a field that has no column in the table makes a record a bad one")
}

func (f *cpFlags) addPace(set *pflag.FlagSet) {
	f.streams = weir.DefaultStreams
	f.drainTimeout = durationFlag(weir.DefaultDrainTimeout)
	set.Var(&f.streams, "streams", "streams that are moved side by side")
	set.Var(&f.inFlight, "in-flight", "writes of one stream at once, if the sink takes so many (default what it takes and --memory allows)")
	set.Var(&f.batch, "batch", "bytes moved at a time (default from --memory and --streams)")
	set.Var(&f.rate, "rate", "read no faster than this, such as 10MiB/s (default no limit)")
	set.Var(&f.workers, "workers", "batches that are transformed at once (default one a processor)")
	set.Var(&f.idleTimeout, "idle-timeout", "fail a stream whose source delivers nothing for this time (default never)")
	set.Var(&f.drainTimeout, "drain-timeout", "how long delivering what is in flight may take after Ctrl-C")
}

// transfer returns what the flags ask for; where from and to is still to be said.
func (f *cpFlags) transfer(sys System, reg *registry.Registry) transfer {
	follow := f.follow
	follow.Poll = time.Duration(f.poll)
	return transfer{
		sys: sys, registry: reg, flags: &f.transferFlags, batch: int64(f.batch), options: f.options(), records: f.ask(),
		state: f.stateFlags, receipt: f.receipt, table: f.table, follow: follow, exclude: f.exclude, roll: f.rolls(),
	}
}

// followStreams are open side by side with --follow: each file that is followed
// takes one for good.
const followStreams = 64

// rolls is how what is written is divided.
func (f *cpFlags) rolls() file.Roll {
	return file.Roll{Size: int64(f.rollSize), Every: time.Duration(f.rollEvery)}
}

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
