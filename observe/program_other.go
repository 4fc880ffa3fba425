//go:build !linux

package observe

import "errors"

// ReleaseProgram makes the program's own code and constants leave this process's
// resident memory. Here that is not possible.
func ReleaseProgram() error { return errors.ErrUnsupported }
