//go:build !unix

package file

import "io/fs"

// identity is not known here: positions are told apart by their fingerprint.
func identity(fs.FileInfo) (dev, ino uint64) { return 0, 0 }

// idPrefix begins the StreamInfo.ID of a file.
const idPrefix = "file:"

// streamID returns the StreamInfo.ID of a file. Hard links are not recognized.
func streamID(path string, _ fs.FileInfo) string { return idPrefix + canonical(path) }

// owner is not known here.
func owner(fs.FileInfo) (uid, gid int) { return -1, -1 }
