package main

import (
	"fmt"
	"strconv"
	"strings"
)

// size is a number of bytes on the command line: 512MiB, 2GiB.
type size int64

var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// String implements flag.Value.
func (s *size) String() string {
	for _, u := range units {
		if n := int64(*s); n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(*s), 10) + "B"
}

// Set implements flag.Value. A size is a whole number of MiB, so that every
// contestant reads and writes in whole blocks.
func (s *size) Set(text string) error {
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n <= 0 || n > 1<<50/u.bytes || n*u.bytes%(2<<20) != 0 {
			break
		}
		*s = size(n * u.bytes)
		return nil
	}
	return fmt.Errorf("it must be an even number of MiB or a number of GiB, such as 512MiB")
}
