package main

import (
	"errors"
	"fmt"
)

// childArg as the first argument makes this program a contestant: the next one
// says which.
const childArg = "child-of-bench"

var errUsage = errors.New("this is not how a contestant is called")

func runChild(args []string) error {
	switch rest := args[1:]; args[0] {
	case "copy":
		return copyChild(rest)
	case "streams":
		return streamsChild(rest)
	case "bounded":
		return boundedChild(rest)
	}
	return fmt.Errorf("%w: %q", errUsage, args)
}
