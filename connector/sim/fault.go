package sim

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weirflow/weir"
)

// ErrChaos is wrapped by every error that is made on purpose.
var ErrChaos = errors.New("chaos")

// Ops is a set of calls into a connector.
type Ops uint16

// The calls that can be made to break. A sink has open, write, commit, abort
// and close; a source has next, seek, read and close. Close is that of the
// sink, of the source and of its streams.
const (
	OnOpen Ops = 1 << iota
	OnWrite
	OnCommit
	OnAbort
	OnNext
	OnSeek
	OnRead
	OnClose

	sinkOps   = OnOpen | OnWrite | OnCommit | OnAbort | OnClose
	sourceOps = OnNext | OnSeek | OnRead | OnClose
)

var opsText = [...]string{"open", "write", "commit", "abort", "next", "seek", "read", "close"}

// String returns the names in the set, separated by commas.
func (o Ops) String() string {
	var names []string
	for i, name := range opsText {
		if o&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// ParseOps is the inverse of Ops.String: "write" or "commit,abort".
func ParseOps(s string) (Ops, error) {
	var set Ops
next:
	for _, name := range strings.Split(s, ",") {
		for i, text := range opsText {
			if name == text {
				set |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("the call is %q; it must be one of %s", name, strings.Join(opsText[:], ", "))
	}
	return set, nil
}

// A Fault is when something goes wrong. The zero value is never.
type Fault struct {
	// On is the calls it happens in. Default: none or, if After is set, write
	// for a sink and read for a source.
	On Ops
	// After is how many calls of that kind go well before, over all streams;
	// all later ones go wrong. Default: 0.
	After int
}

// hits says that the fault happens in the n-th call of op, counted from 1.
func (f Fault) hits(op Ops, n int64) bool { return f.On&op != 0 && n > int64(f.After) }

func (f Fault) withDefault(op Ops) Fault {
	if f.On == 0 && f.After != 0 {
		f.On = op
	}
	return f
}

func (f Fault) check(p *problems, name string, allowed Ops) {
	p.check(name+".On", f.On.String(), f.On&^allowed == 0, "of "+allowed.String())
	p.check(name+".After", f.After, f.After >= 0, "0 or more")
}

// faults decides, call by call, what goes wrong. It is shared by the sink or
// source and all its streams.
type faults struct {
	fail, hang, panics Fault

	ignoreContext bool
	kind          weir.Kind
	text          string

	calls    [len(opsText)]atomic.Int64
	released chan struct{}
	once     sync.Once
}

// release ends all hangs, present and future.
func (f *faults) release() { f.once.Do(func() { close(f.released) }) }

// count returns how many calls of op there were.
func (f *faults) count(op Ops) int64 { return f.calls[bits.TrailingZeros16(uint16(op))].Load() }

// strike is called first in every call of op. It returns the number of the
// call, and an error if it shall fail; it hangs or panics if it shall.
func (f *faults) strike(ctx context.Context, op Ops) (int64, error) {
	n := f.calls[bits.TrailingZeros16(uint16(op))].Add(1)
	if f.hang.hits(op, n) {
		if err := f.wait(ctx); err != nil {
			return n, err
		}
	}
	if f.panics.hits(op, n) {
		panic(fmt.Sprintf("%s: panic in %s number %d, as asked", f.text, op, n))
	}
	if f.fail.hits(op, n) {
		return n, f.err(op, ErrChaos)
	}
	return n, nil
}

// close strikes and closes what is behind, whatever happens.
func (f *faults) close(inner func() error) (err error) {
	defer func() {
		if e := inner(); err == nil {
			err = e
		}
	}()
	// A Close has no context: when it hangs, it hangs until release.
	_, err = f.strike(context.Background(), OnClose)
	return err
}

// wait hangs until release or, unless told to ignore it, ctx is done.
func (f *faults) wait(ctx context.Context) error {
	done := ctx.Done()
	if f.ignoreContext {
		done = nil
	}
	select {
	case <-f.released:
		return nil
	case <-done:
		return context.Cause(ctx)
	}
}

func (f *faults) err(op Ops, cause error) error {
	return &weir.Error{Op: op.String(), Node: chaosName, Kind: f.kind, Err: &chaosError{f.text, cause}}
}

// chaosError reads as it was told to.
type chaosError struct {
	text  string
	cause error
}

func (e *chaosError) Error() string { return e.text }

func (e *chaosError) Unwrap() []error {
	if e.cause == ErrChaos {
		return []error{ErrChaos}
	}
	return []error{ErrChaos, e.cause}
}
