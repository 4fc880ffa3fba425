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
	OpReserve Op = "reserve"
)

// A TooLargeError refuses a request that could never be granted, however long
// it waited. Its text shows the arithmetic, so that the operator sees which
// number to change. All sizes are bytes.
type TooLargeError struct {
	Op        Op
	Account   string
	Size      int64 // asked for
	Guarantee int64 // of the account, reserved bytes included; 0 for OpOpen
	Reserved  int64 // of the account
	Limit     int64 // of the semaphore
}

func (e *TooLargeError) Error() string {
	switch e.Op {
	case OpOpen:
		return fmt.Sprintf("open account %q: guarantee of %d bytes is over the limit of %d by %d",
			e.Account, e.Size, e.Limit, e.Size-e.Limit)
	case OpReserve:
		return fmt.Sprintf("reserve %d bytes for account %q: with its guarantee of %d that is over the limit of %d by %d",
			e.Size, e.Account, e.Guarantee, e.Limit, e.Size-(e.Limit-e.Guarantee))
	default:
		free := e.Guarantee - e.Reserved
		return fmt.Sprintf("acquire %d bytes for account %q: guarantee %d - reserved %d = %d bytes, short by %d",
			e.Size, e.Account, e.Guarantee, e.Reserved, free, e.Size-free)
	}
}
