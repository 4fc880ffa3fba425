package registry

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirflow/weir/cmd/weir/internal/size"
)

// Kind is what a parameter's value looks like.
type Kind uint8

// The kinds, and the Go type that each is parsed into.
const (
	Text     Kind = iota // string
	Bool                 // bool
	Int                  // int64
	Size                 // int64: bytes
	Rate                 // int64: bytes a second
	Duration             // time.Duration
	Seconds              // time.Duration: whole seconds
	Choice               // string, one of Param.Choices
	Set                  // string, some of Param.Choices, separated by commas
	URL                  // Address: another connector
)

var kindText = [...]string{"text", "bool", "number", "size", "rate", "duration", "duration", "choice", "list", "address"}

// String returns what help calls the kind.
func (k Kind) String() string { return kindText[k] }

// Param is a query parameter of a connector.
type Param struct {
	Name    string
	Kind    Kind
	Text    string // what it does, one clause
	Default string // as it would be written; "": off or none
	Example string // a value
	Choices []string
	Min     int64 // of Int
	Max     int64 // of Int; 0: any
	Secret  bool  // never printed
	Many    bool  // it may be given again; only Text
	Side    Side
}

// Type returns the kind, or what may be chosen.
func (p Param) Type() string {
	if p.Kind == Choice {
		return strings.Join(p.Choices, "|")
	}
	return p.Kind.String()
}

// Check reports whether text is a value of the parameter.
func (p Param) Check(text string) error {
	if _, err := p.parse(text); err != nil {
		return fmt.Errorf("%w; example: %s", err, p.Example)
	}
	return nil
}

// separator stands between the values of a parameter that was given again.
const separator = "\n"

// nested is the address of another connector before it is parsed.
type nested string

// parse returns the value that text says, as its kind's type.
func (p Param) parse(text string) (any, error) {
	if text == "" {
		return nil, errors.New("it has no value")
	}
	switch p.Kind {
	case Bool:
		return parseBool(text)
	case Int:
		return p.parseInt(text)
	case Size:
		return size.Parse(text)
	case Rate:
		return size.ParseRate(text)
	case Duration:
		return ParseDuration(text)
	case Seconds:
		return ParseEvery(text)
	case Choice:
		if !slices.Contains(p.Choices, text) {
			return nil, fmt.Errorf("it must be one of %s", strings.Join(p.Choices, ", "))
		}
		return text, nil
	case Set:
		for one := range strings.SplitSeq(text, ",") {
			if !slices.Contains(p.Choices, one) {
				return nil, fmt.Errorf("it must be some of %s, separated by commas", strings.Join(p.Choices, ", "))
			}
		}
		return text, nil
	case URL:
		return nested(text), nil
	case Text:
	}
	return text, nil
}

func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, errors.New("it must be true or false")
}

func (p Param) parseInt(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, errors.New("not a whole number")
	}
	if n < p.Min || p.Max != 0 && n > p.Max {
		if p.Max == 0 {
			return 0, fmt.Errorf("it must be at least %d", p.Min)
		}
		return 0, fmt.Errorf("it must be from %d to %d", p.Min, p.Max)
	}
	return n, nil
}

// ParseCount reads a number from 1 to most.
func ParseCount(text string, most int64) (int64, error) {
	return Param{Min: 1, Max: most}.parseInt(text)
}

// ParseDuration reads a duration that is not negative, such as 50ms or 1m30s.
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New("not a duration")
	}
	if d < 0 {
		return 0, errors.New("it must not be negative")
	}
	return d, nil
}

// param returns the parameter of a name.
func (c *Connector) param(name string) *Param {
	for i := range c.Params {
		if c.Params[i].Name == name {
			return &c.Params[i]
		}
	}
	return nil
}
