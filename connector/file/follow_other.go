//go:build !unix

package file

import "io/fs"

// unlinked is not known here: it takes two scans of the directory to notice.
func unlinked(fs.FileInfo) bool { return false }
