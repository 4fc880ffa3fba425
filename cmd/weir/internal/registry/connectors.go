package registry

import (
	"errors"
	"fmt"
	"io/fs"
	nethttp "net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/connector/http"
	"github.com/weirflow/weir/connector/sim"
	"github.com/weirflow/weir/connector/stdio"
	"github.com/weirflow/weir/deadletter"
)

// New returns the table of all connectors.
func New() *Registry {
	return &Registry{connectors: []Connector{
		chaos(), deadLetters(), files(), generator(), download("http"), download("https"), null(), postgresTables("postgres"), postgresTables("postgresql"), slow(), sqliteTables(), standard(),
	}}
}

// dlqScheme is that of dead letters.
const dlqScheme = "dlq"

// ndjson is the format of the records that connectors give and take.
const ndjson = "ndjson"

// DeadLetters returns the address of the dead letters in a directory, with once without
// those that repeat an earlier one.
func DeadLetters(dir string, once bool) string {
	address := dlqScheme + "://" + url.PathEscape(dir)
	if once {
		address += "?once=true"
	}
	return address
}

func deadLetters() Connector {
	return Connector{
		Scheme:   dlqScheme,
		Summary:  "the records of dead letters, in order, to try them again",
		Place:    "DIR",
		Examples: []string{"dlq://dead", "dlq:///var/lib/weir/dead"},
		Yields:   func(Address) string { return ndjson },
		Params: []Param{
			{Name: "once", Kind: Bool, Default: "false", Example: "true", Text: "leave out letters that repeat an earlier one of the same record"},
		},
		source: func(a Address, env Env) (weir.Source, error) {
			if a.Place == "" {
				return nil, a.fail(errors.New("the directory is missing, as in dlq://dead"))
			}
			return deadletter.Source(a.Place, deadletter.SourceOptions{Bad: env.Bad, Once: value[bool](a, "once")}), nil
		},
	}
}

func files() Connector {
	return Connector{
		Scheme:  fileScheme,
		Summary: "files: a path, a directory or a glob (**) is read, a file or a directory is written",
		Place:   "/PATH",
		Keeps:   true,
		Examples: []string{
			"file:///var/log/app.log", "file:///data/out.bin?sync=false", "'logs/**/*.ndjson'", "'file:///data/app-{n}.log?roll_size=256MiB'",
		},
		Params: []Param{
			{
				Name: "sync", Kind: Bool, Default: "true", Example: "false", Side: Sink,
				Text: "wait until the disk has what was written",
			},
			{
				Name: "roll_size", Kind: Size, Example: "256MiB", Side: Sink,
				Text: "go on in another file when one is so large; NAME.ndjson becomes NAME-000001.ndjson, or {n} in the name says where the number stands",
			},
			{
				Name: "roll_every", Kind: Seconds, Example: "1h", Side: Sink,
				Text: "go on in another file when so much time has passed; NAME-20261126T030000Z-000001.ndjson, or {time} and {n}",
			},
		},
		source: func(a Address, env Env) (weir.Source, error) {
			return file.NewSource(a.Paths, file.SourceOptions{
				Exclude: env.Exclude, Rolled: env.Roll, Follow: env.Follow.On,
				FollowOptions: file.FollowOptions{Poll: env.Follow.Poll, FromEnd: env.Follow.FromEnd, Streams: env.Streams, OnEvent: followed(env), Known: env.Known, OnCopy: env.OnCopy},
			})
		},
		sink: func(a Address, env Env) (weir.Sink, error) {
			path, err := target(a, env)
			if err != nil {
				return nil, err
			}
			roll := a.Roll(env.Roll)
			if err := roll.Check(path); err != nil {
				return nil, a.fail(err)
			}
			return file.NewSink(path, file.SinkOptions{
				Force:  env.Force,
				NoSync: env.NoSync || !value[bool](a, "sync"),
				Job:    env.Job,
				Roll:   roll,
			})
		},
	}
}

// followed tells people what became of a file that is followed.
func followed(env Env) func(file.FollowEvent) {
	return func(e file.FollowEvent) {
		if env.Notice != nil && e.What != file.Rotated {
			env.Notice(e.String())
		}
	}
}

// target returns the path to write to. What can be several streams goes into a
// directory, which ends in a slash when it does not exist yet.
func target(a Address, env Env) (string, error) {
	path := a.Paths[0]
	if !env.Many || path == "" {
		return path, nil
	}
	switch st, err := os.Stat(path); {
	case err != nil && a.Roll(env.Roll) != file.Roll{} && file.HasPartFields(path):
		return "", a.fail(errors.New("it is the name of one stream's parts, and several streams go into a directory; choose another destination"))
	case errors.Is(err, fs.ErrNotExist) && !os.IsPathSeparator(path[len(path)-1]):
		path += string(os.PathSeparator)
	case err == nil && st.Mode().IsRegular():
		return "", a.fail(errors.New("it is a file, and several streams go into a directory; choose another destination"))
	}
	return path, nil
}

func standard() Connector {
	return Connector{
		Scheme:   stdioScheme,
		Summary:  "standard input and output; - for short",
		Joins:    true,
		Examples: []string{"-"},
		source: func(_ Address, env Env) (weir.Source, error) {
			return stdio.NewSource(env.Stdin), nil
		},
		sink: func(_ Address, env Env) (weir.Sink, error) {
			return stdio.NewSink(env.Stdout), nil
		},
	}
}

func generator() Connector {
	return Connector{
		Scheme:  "gen",
		Summary: "makes data: the same seed, the same bytes",
		Examples: []string{
			"gen://?size=1GiB&seed=1", "'gen://?size=200MB&format=ndjson&record=300'",
		},
		Params: []Param{
			{Name: "size", Kind: Size, Example: "1GiB", Text: "bytes of all streams together; without it the data never ends"},
			{Name: "seed", Kind: Int, Default: "0", Example: "1", Text: "chooses the content"},
			{Name: "record", Kind: Size, Default: "256", Example: "1KiB", Text: "bytes of a record"},
			{Name: "rate", Kind: Rate, Example: "20MiB/s", Text: "how fast it delivers; without it as fast as it is read"},
			{
				Name: "format", Kind: Choice, Default: "random", Example: "ndjson", Choices: []string{"random", "ndjson", "zeros"},
				Text: "bytes that do not compress, or JSON lines like a request log",
			},
			{Name: "streams", Kind: Int, Default: "1", Example: "8", Min: 1, Max: sim.MaxStreams, Text: "streams that share the size"},
			{Name: "opaque", Kind: Bool, Default: "false", Example: "true", Text: "bytes without record boundaries"},
		},
		Yields: func(a Address) string {
			if value[string](a, "format") != ndjson || value[bool](a, "opaque") {
				return ""
			}
			return ndjson
		},
		source: func(a Address, _ Env) (weir.Source, error) {
			format, err := sim.ParseFormat(value[string](a, "format"))
			if err != nil {
				return nil, err
			}
			return sim.NewGenerator(sim.GeneratorOptions{
				Size:    value[int64](a, "size"),
				Seed:    uint64(value[int64](a, "seed")),
				Record:  int(value[int64](a, "record")),
				Rate:    value[int64](a, "rate"),
				Format:  format,
				Streams: int(value[int64](a, "streams")),
				Opaque:  value[bool](a, "opaque"),
			})
		},
	}
}

func download(scheme string) Connector {
	return Connector{
		Scheme:  scheme,
		Summary: "downloads: resumed where the connection broke, length and digest checked",
		Place:   "HOST/PATH",
		Foreign: true,
		Examples: []string{
			scheme + "://example.org/data.csv", "'" + scheme + "://example.org/dump?id=7#retries=3&timeout=10s'",
		},
		Params: []Param{
			{
				Name: "retries", Kind: Int, Default: "10", Example: "3", Min: 0, Max: 1 << 20,
				Text: "requests that are repeated without a byte of progress in between",
			},
			{Name: "timeout", Kind: Duration, Default: "30s", Example: "10s", Text: "for connecting, and for the header of an answer; not for the body"},
			{Name: "header", Kind: Text, Example: "Authorization:%20Bearer%20TOKEN", Secret: true, Many: true, Text: "sent with every request; again for more"},
		},
		source: func(a Address, env Env) (weir.Source, error) {
			o := http.Options{
				Retries: int(value[int64](a, "retries")), Timeout: value[time.Duration](a, "timeout"),
				OnRetry: retried(a, env),
			}
			if o.Retries == 0 {
				o.Retries = http.NoRetries
			}
			var err error
			if o.Header, err = headers(a); err != nil {
				return nil, err
			}
			return http.NewSource(a.URL, o)
		},
	}
}

// retried tells people that a request is repeated.
func retried(a Address, env Env) func(error, time.Duration) {
	if env.Notice == nil {
		return nil
	}
	return func(cause error, wait time.Duration) {
		env.Notice(fmt.Sprintf("%s: %v; trying again in %v", a.Redacted, cause, wait.Round(time.Millisecond)))
	}
}

// headers returns what the parameters header say.
func headers(a Address) (nethttp.Header, error) {
	all := nethttp.Header{}
	for line := range strings.SplitSeq(value[string](a, "header"), separator) {
		name, content, ok := strings.Cut(line, ":")
		switch {
		case line == "":
		case !ok || name == "":
			return nil, a.fail(errors.New("parameter header must be a name, a colon and a value"))
		default:
			all.Add(name, strings.TrimSpace(content))
		}
	}
	return all, nil
}

func null() Connector {
	return Connector{
		Scheme:   "null",
		Summary:  "takes everything and keeps nothing",
		Examples: []string{"null://"},
		sink:     func(Address, Env) (weir.Sink, error) { return sim.NewNull(), nil },
	}
}

func slow() Connector {
	return Connector{
		Scheme:   "slow",
		Summary:  "takes its time and keeps nothing, like a busy database or an API with a rate limit",
		Examples: []string{"slow://?delay=50ms", "'slow://?delay=400ms&jitter=50ms&concurrency=16'", "slow://?rate=5MiB/s"},
		Params: []Param{
			{Name: "delay", Kind: Duration, Default: "0s", Example: "50ms", Text: "how long one write takes"},
			{Name: "jitter", Kind: Duration, Default: "0s", Example: "10ms", Text: "the most that a write takes longer"},
			{
				Name: "concurrency", Kind: Int, Default: "1", Example: "16", Min: sim.Unlimited, Max: sim.MaxConcurrency,
				Text: "writes that are served at once, over all streams; -1: any number",
			},
			{Name: "rate", Kind: Rate, Example: "5MiB/s", Text: "how fast it takes data, over all streams"},
			{Name: "seed", Kind: Int, Default: "0", Example: "1", Text: "chooses the jitter: the same seed, the same delays"},
		},
		sink: func(a Address, _ Env) (weir.Sink, error) {
			return sim.NewSlow(sim.SlowOptions{
				Delay:       value[time.Duration](a, "delay"),
				Jitter:      value[time.Duration](a, "jitter"),
				Concurrency: int(value[int64](a, "concurrency")),
				Rate:        value[int64](a, "rate"),
				Seed:        uint64(value[int64](a, "seed")),
			})
		},
	}
}
