package transform

import (
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/weirflow/weir"
)

// Options are the policies of a program. The zero value works.
type Options struct {
	// Bad decides what becomes of a record that is no JSON object, or that a
	// statement cannot be applied to. Default: it fails the stream.
	Bad weir.BadPolicy

	// Seed chooses what sample takes: the same records for the same seed.
	// A statement's own seed goes before. Default: 0.
	Seed uint64

	// Keys is how many keys a dedupe statement remembers that says nothing
	// itself. Default: DefaultKeys.
	Keys int

	// Getenv looks a salt written as $NAME up. Default: os.LookupEnv.
	Getenv func(name string) (value string, found bool)
}

// DefaultKeys is how many keys a dedupe statement remembers.
const DefaultKeys = 100_000

func (o Options) withDefaults() Options {
	if o.Keys <= 0 {
		o.Keys = DefaultKeys
	}
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	return o
}

// A Program is a list of statements that is applied to every record. It is safe
// for several goroutines at once; they share the memory of its dedupe
// statements.
type Program struct {
	bad     weir.BadPolicy
	names   []string // of the statements
	ops     []op
	slots   []string // the members that statements name
	keys    []string // by slot: the name with quotes and colon
	sieve   uint64   // which members may have a slot, see sieveBit
	regs    int      // values that expressions need while they run
	leaves  []*leaf
	tables  []*keyTable
	start   time.Time
	workers sync.Pool // of *worker
	cost    cost
}

// An op is the operation of one statement, applied to the worker's record.
type op interface {
	apply(w *worker) (verdict, error)
}

// A verdict says how the record goes on.
type verdict uint8

const (
	next     verdict = iota // to the next statement
	leaveOut                // nowhere
	spread                  // one record for each element: see explode
)

// Parse parses a program. The errors are *Error; they show the place.
func Parse(text string, o Options) (*Program, error) {
	all, err := Split(text)
	if err != nil {
		return nil, err
	}
	return New(all, o)
}

// New makes a program of statements, which are applied in their order. What only
// the whole can tell, such as a fault in an expression or an environment variable
// that is not set, is an *Error.
func New(statements []Statement, o Options) (*Program, error) {
	return build(statements, o, false)
}

func build(statements []Statement, o Options, leavesOnly bool) (*Program, error) {
	b := &builder{o: o.withDefaults(), p: &Program{bad: o.Bad, start: time.Now()}, leavesOnly: leavesOnly}
	for _, st := range statements {
		if st.make == nil {
			return nil, errors.New("a Statement is made by Split or ParseStatement")
		}
		op, err := st.make(b)
		if err != nil {
			return nil, err
		}
		b.p.names = append(b.p.names, st.name)
		b.p.ops = append(b.p.ops, op)
	}
	p := b.p
	p.workers.New = func() any { return newWorker(p) }
	return p, nil
}

// String returns the short names of the statements: "where, drop referer".
func (p *Program) String() string { return strings.Join(p.names, ", ") }

// Forgotten returns how many keys the dedupe statements have forgotten before
// their time because their memory was full: a duplicate of one of them may have
// passed.
func (p *Program) Forgotten() int64 {
	var n int64
	for _, t := range p.tables {
		n += t.forgotten()
	}
	return n
}

// A builder collects what the statements of a program share.
type builder struct {
	o          Options
	p          *Program
	leavesOnly bool // for tests: whole expressions run in expr's machine
}

// ref returns p as a reference to a slot of the record.
func (b *builder) ref(p path) ref {
	name := p[0].name
	at := -1
	for i, s := range b.p.slots {
		if s == name {
			at = i
		}
	}
	if at < 0 {
		at = len(b.p.slots)
		b.p.slots = append(b.p.slots, name)
		b.p.keys = append(b.p.keys, p[0].key)
		b.p.sieve |= 1 << sieveBit(len(name), (name + `"`)[0])
	}
	return ref{slot: at, rest: p[1:], path: p}
}

func (b *builder) refs(all []path) []ref {
	refs := make([]ref, 0, len(all))
	for _, p := range all {
		refs = append(refs, b.ref(p))
	}
	return refs
}

// reg returns the number of a value that an expression may use while it runs.
func (b *builder) reg() int {
	b.p.regs++
	return b.p.regs - 1
}
