package fairsem

import (
	"errors"
	"fmt"
)

// ErrClosed is returned to whoever uses an account after Close, and to whoever
// was waiting on it when it was closed.
var ErrClosed = errors.New("budget account closed")

// Op names the call that a TooLargeError refuses.
type Op string

// The calls that can be refused.
const (
	OpOpen    Op = "open"
	OpAcquire Op = "acquire"
)

// A TooLargeError refuses a request that could never be granted, however long
// it waited. Its text shows the arithmetic, so that the operator sees which
// number to change. All sizes are bytes.
type TooLargeError struct {
	Op        Op
	Account   string
	Size      int64 // asked for
	Guarantee int64 // of the account; 0 for OpOpen
	Limit     int64 // of the semaphore
}

func (e *TooLargeError) Error() string {
	if e.Op == OpOpen {
		return fmt.Sprintf("open account %q: guarantee of %d bytes is over the limit of %d by %d",
			e.Account, e.Size, e.Limit, e.Size-e.Limit)
	}
	return fmt.Sprintf("acquire %d bytes for account %q: over its guarantee of %d by %d",
		e.Size, e.Account, e.Guarantee, e.Size-e.Guarantee)
}
