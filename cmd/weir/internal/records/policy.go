package records

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/deadletter"
)

// OnError is what becomes of bad records.
type OnError string

// The policies.
const (
	Fail       OnError = "fail"
	Skip       OnError = "skip"
	DeadLetter OnError = "deadletter"
)

// OnErrors lists the policies.
func OnErrors() []string { return []string{string(Fail), string(Skip), string(DeadLetter)} }

// UTF8 is what becomes of text that is not UTF-8.
type UTF8 string

// The policies about text.
const (
	Keep    UTF8 = "keep"
	Reject  UTF8 = "reject"
	Replace UTF8 = "replace"
)

// UTF8s lists the policies about text.
func UTF8s() []string { return []string{string(Keep), string(Reject), string(Replace)} }

func (u UTF8) encoding() codec.Encoding {
	switch u {
	case Reject:
		return codec.RejectInvalid
	case Replace:
		return codec.ReplaceInvalid
	}
	return codec.AnyBytes
}

// StopBad says that a stream fails when Bad of its last Of records were bad. The
// zero value never does.
type StopBad struct{ Bad, Of int }

// DefaultStopBad stops at what looks like a change of format.
func DefaultStopBad() StopBad { return StopBad{25, 30} }

// ParseStopBad reads "25/30" or "off".
func ParseStopBad(text string) (StopBad, error) {
	if text == "off" {
		return StopBad{}, nil
	}
	const want = `it must be "off", or two numbers such as 25/30: so many bad ones of so many records`
	first, second, ok := strings.Cut(text, "/")
	bad, err1 := strconv.Atoi(first)
	of, err2 := strconv.Atoi(second)
	if !ok || errors.Join(err1, err2) != nil || bad < 1 || of < bad || of > 1e6 {
		return StopBad{}, errors.New(want)
	}
	return StopBad{bad, of}, nil
}

// String returns the text that ParseStopBad reads.
func (s StopBad) String() string {
	if s.Bad == 0 {
		return "off"
	}
	return fmt.Sprintf("%d/%d", s.Bad, s.Of)
}

// letters are where dead letters go.
type letters interface {
	Policy(ctx context.Context, r *weir.BadRecord) (weir.Fate, error)
	Sync() error
	Close() error
}

// policy returns what is done with bad records, and where dead letters go; nil:
// nowhere.
func (a Ask) policy() (weir.BadPolicy, letters, error) {
	var p weir.BadPolicy
	var box letters
	switch a.OnError {
	case Fail, "":
		if a.DeadLetters != "" {
			return nil, nil, errors.New("--dead-letters needs --on-error deadletter")
		}
		return nil, nil, nil
	case Skip:
		p = weir.SkipBad
	case DeadLetter:
		dir := a.DeadLetters
		if dir == "" {
			return nil, nil, errors.New("--on-error deadletter needs --dead-letters, the directory to keep them in or the address of a table")
		}
		var err error
		if box, err = a.openLetters(dir); err != nil {
			return nil, nil, err
		}
		p = box.Policy
	}
	if a.StopBad.Bad > 0 {
		p = deadletter.Window(a.StopBad.Bad, a.StopBad.Of, p)
	}
	return p, box, nil
}

func (a Ask) openLetters(dir string) (letters, error) {
	o := deadletter.Options{MaxBytes: a.DeadLettersMax}
	if a.LettersSink == nil {
		return deadletter.Open(dir, o)
	}
	sink, err := a.LettersSink()
	if err != nil {
		return nil, fmt.Errorf("--dead-letters: %w", err)
	}
	return deadletter.NewOutbox(sink, o), nil
}
