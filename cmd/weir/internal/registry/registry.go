// Package registry turns an address on the command line into a connector.
//
// An address is a path, "-" for standard input or output, or a URL whose scheme
// names the connector and whose query sets its parameters. What exists is an
// explicit table (connectors.go). Parsing, error messages, help, manual page and
// completion all read that table, so that they cannot disagree.
package registry

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// Connector is one row of the table.
type Connector struct {
	Scheme   string
	Summary  string // one clause, no full stop
	Place    string // what stands after "://", as in "PATH"; "": nothing may
	Examples []string
	Params   []Param
	// Foreign says that the address is a URL of somebody else: its query is the
	// server's, and parameters stand behind "#", which is never sent.
	Foreign bool
	// Yields returns the format of the records that the source gives by itself,
	// as package codec names it; nil or empty: it gives bytes.
	Yields func(Address) string
	// Takes is the format of the records that the destination takes; empty: any
	// bytes.
	Takes string
	// Joins says that the destination writes all streams one behind another.
	Joins bool
	// Keeps says that runs into this destination are worth continuing after a
	// crash.
	Keeps bool

	source func(Address, Env) (weir.Source, error) // nil: it cannot be read
	sink   func(Address, Env) (weir.Sink, error)   // nil: it cannot be written
	// purge removes the positions of streams that are whole and older than age, of
	// one job or of all; nil: the destination keeps none.
	purge func(ctx context.Context, a Address, job string, age time.Duration) (int64, error)
}

// Reads reports whether the connector can be a source.
func (c Connector) Reads() bool { return c.source != nil }

// Writes reports whether the connector can be a destination.
func (c Connector) Writes() bool { return c.sink != nil }

// Mark is what stands before the parameters.
func (c Connector) Mark() string {
	if c.Foreign {
		return "#"
	}
	return "?"
}

// Side is which end of a transfer a parameter is for.
type Side uint8

// The sides. The zero value is both.
const (
	Both Side = iota
	Source
	Sink
)

// Env is what connectors get from outside of their address.
type Env struct {
	Stdin, Stdout *os.File
	Force         bool   // overwrite what is there
	NoSync        bool   // do not wait for durability
	Job           string // what continues after a crash; "": nothing does

	Bad       weir.BadPolicy             // what becomes of records that cannot be used
	Table     Table                      // for databases
	Streams   int                        // that are moved side by side
	Follow    Follow                     // for files
	Known     iter.Seq[file.KnownFile]   // of followed files; nil: none
	OnCopy    func(file.KnownFile) error // keeps one for Known; nil: nobody does
	Roll      file.Roll                  // of the destination
	MaxRecord int64                      // bytes; 0: the connector's default
	SyncBad   func() error               // makes durable what Bad has kept
	Fresh     string                     // names the run, if a destination is to forget earlier ones
	Notice    func(text string)          // tells people something; nil: nobody listens
	Many      bool                       // the sources can be several streams
	Exclude   []string                   // local paths that a source leaves out
}

// Follow says that files are read on as they grow.
type Follow struct {
	On      bool
	FromEnd bool          // what is there at the start is left out
	Poll    time.Duration // the longest time between two looks; 0: the connector's default
}

// Registry is a table of connectors.
type Registry struct{ connectors []Connector }

// Connectors returns the table, in the order of the schemes.
func (r *Registry) Connectors() []Connector { return r.connectors }

// OpenSource returns the source that the addresses name together, in their
// order. It opens nothing yet that a sink could still refuse.
func (r *Registry) OpenSource(args []string, env Env) (weir.Source, error) {
	addresses, err := r.parseAll(args)
	if err != nil {
		return nil, err
	}
	var sources []weir.Source
	for len(addresses) > 0 {
		group := addresses[:1+sameList(addresses)]
		s, err := openSource(group, env)
		if err != nil {
			return nil, errors.Join(err, closeAll(sources))
		}
		sources = append(sources, s)
		addresses = addresses[len(group):]
	}
	if len(sources) == 1 {
		return sources[0], nil
	}
	return weir.Concat(sources...), nil
}

// OpenSink returns the sink that the address names.
func (r *Registry) OpenSink(arg string, env Env) (weir.Sink, error) {
	a, err := r.Parse(arg)
	if err != nil {
		return nil, err
	}
	return a.openSink(env)
}

// Purge removes from the destination that the address names the positions of streams
// that are whole and were last changed longer than age ago, of one job or, if that is
// empty, of all, and returns how many.
func (r *Registry) Purge(ctx context.Context, arg, job string, age time.Duration) (int64, error) {
	a, err := r.Parse(arg)
	if err != nil {
		return 0, err
	}
	if a.connector.purge == nil {
		return 0, a.fail(errors.New("this destination keeps no positions; databases do"))
	}
	return a.connector.purge(ctx, a, job, age)
}

func (r *Registry) parseAll(args []string) ([]Address, error) {
	addresses := make([]Address, 0, len(args))
	for _, arg := range args {
		a, err := r.Parse(arg)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, a)
	}
	return addresses, nil
}

// sameList returns how many of the addresses after the first belong to one
// source with it: local paths follow each other in one list.
func sameList(addresses []Address) int {
	n := 0
	for addresses[0].local() && n+1 < len(addresses) && addresses[n+1].local() {
		n++
	}
	return n
}

func openSource(group []Address, env Env) (weir.Source, error) {
	a := group[0]
	if a.connector.source == nil {
		return nil, a.fail(fmt.Errorf("%s:// can only be written", a.connector.Scheme))
	}
	if err := a.only(Source); err != nil {
		return nil, err
	}
	if env.Follow.On && a.connector.Scheme != fileScheme {
		return nil, a.fail(errors.New("--follow is about files, and this is none"))
	}
	for _, next := range group[1:] {
		a.Paths = append(a.Paths, next.Paths...)
	}
	return a.connector.source(a, env)
}

func (a Address) openSink(env Env) (weir.Sink, error) {
	if a.connector.sink == nil {
		return nil, a.fail(fmt.Errorf("%s:// can only be read", a.connector.Scheme))
	}
	if err := a.only(Sink); err != nil {
		return nil, err
	}
	if a.connector.Takes == "" && !env.Table.empty() {
		return nil, a.fail(errNoTable)
	}
	if err := a.checkRoll(env); err != nil {
		return nil, err
	}
	return a.connector.sink(a, env)
}

func closeAll(sources []weir.Source) error {
	var errs []error
	for _, s := range sources {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// Find returns the connector of a scheme, or nil.
func (r *Registry) Find(scheme string) *Connector {
	for i := range r.connectors {
		if r.connectors[i].Scheme == strings.ToLower(scheme) {
			return &r.connectors[i]
		}
	}
	return nil
}

// Schemes returns the schemes, in order.
func (r *Registry) Schemes() []string {
	all := make([]string, 0, len(r.connectors))
	for _, c := range r.connectors {
		all = append(all, c.Scheme)
	}
	return all
}
