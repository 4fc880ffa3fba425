//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package checkpoint

import (
	"io"
	"runtime"
)

// lock refuses: without a lock that ends with its process two writers would
// destroy each other's store.
func lock(string) (io.Closer, error) {
	return nil, invalid("a state directory cannot be locked on %s", runtime.GOOS)
}
