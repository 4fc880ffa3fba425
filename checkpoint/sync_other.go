//go:build !linux

package checkpoint

import "os"

// syncData makes what is in f durable. On macOS package os asks the disk, and
// not only the system, to store it.
func syncData(f *os.File) error { return f.Sync() }
