//go:build !linux

package file

import "os"

// birth is not looked up here.
func birth(*os.File) int64 { return 0 }
