//go:build unix

package file

import (
	"io/fs"
	"syscall"
)

// unlinked reports whether an open file has no name any more.
func unlinked(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && sys.Nlink == 0
}
