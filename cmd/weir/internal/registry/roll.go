package registry

import (
	"errors"
	"time"

	"github.com/weirflow/weir/connector/file"
)

// The parameters that divide what is written into parts.
const (
	rollSize  = "roll_size"
	rollEvery = "roll_every"
)

// ParseEvery reads the time of a part: whole seconds.
func ParseEvery(text string) (time.Duration, error) {
	d, err := ParseDuration(text)
	if err == nil && d%time.Second != 0 {
		err = errors.New("it must be whole seconds, such as 10m or 1h")
	}
	return d, err
}

// Roll returns how what is written to the address is divided: as its parameters say,
// or else as given.
func (a Address) Roll(given file.Roll) file.Roll {
	if v, ok := a.values[rollSize].(int64); ok {
		given.Size = v
	}
	if v, ok := a.values[rollEvery].(time.Duration); ok {
		given.Every = v
	}
	return given
}

// checkRoll reports a division of what is not divided.
func (a Address) checkRoll(env Env) error {
	if a.Roll(env.Roll) == (file.Roll{}) || a.connector.Scheme == fileScheme {
		return nil
	}
	if _, wraps := a.values["into"]; wraps {
		return nil // what is behind it answers
	}
	return a.fail(errors.New("--roll-size and --roll-every are about files, and this is none"))
}
