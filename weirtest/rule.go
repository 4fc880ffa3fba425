package weirtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// bound is how long a call may take to notice that its context is done or that
// it was closed, on a busy machine.
const bound = 2 * time.Second

// errUntested is returned by a rule that the harness gives no means to check.
var errUntested = errors.New("untested")

// untested says what the harness would have to offer.
func untested(missing string) error { return fmt.Errorf("%w: %s", errUntested, missing) }

// A rule pairs a sentence of the contract with the check that enforces it.
// The check returns an error if the sentence is broken; it uses t only for
// what the harness does.
type rule[H any] struct {
	id, name, text string
	holds          func(t testing.TB, h H) error
}

// run checks every rule, each against a fresh harness.
func run[H any](t *testing.T, rules []rule[H], harness func(*testing.T) H) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.id+"_"+r.name, func(t *testing.T) {
			err := r.holds(t, harness(t))
			switch {
			case errors.Is(err, errUntested):
				t.Skip(err)
			case err != nil:
				t.Errorf("broken rule %s: %s\n%v", r.id, r.text, err)
			}
		})
	}
}

// within calls f and waits for it, but not longer than bound: then f is left
// behind and the error says so.
func within(what string, f func() error) error {
	done := make(chan error, 1) // one result, so that f can end after we gave up
	go func() { done <- f() }()
	timer := time.NewTimer(bound)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return &lateError{what}
	}
}

// lateError says that a call did not return within bound.
type lateError struct{ what string }

func (e *lateError) Error() string { return fmt.Sprintf("%s has not returned after %v", e.what, bound) }

var errCancelled = errors.New("cancelled by weirtest")

// cancelledSoon returns a context that is cancelled, with errCancelled as its
// cause, when a call that is given it can be expected to wait.
func cancelledSoon(t testing.TB) context.Context {
	ctx, cancel := context.WithCancelCause(t.Context())
	timer := time.AfterFunc(20*time.Millisecond, func() { cancel(errCancelled) })
	t.Cleanup(func() {
		timer.Stop()
		cancel(nil)
	})
	return ctx
}

// isCancelled says that err is how a call reports the end of cancelledSoon.
func isCancelled(err error) bool {
	return errors.Is(err, errCancelled) || errors.Is(err, context.Canceled)
}
