//go:build unix

package file

import (
	"io/fs"
	"strconv"
	"syscall"
)

// identity returns the device and inode of a file.
func identity(st fs.FileInfo) (dev, ino uint64) {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(sys.Dev), uint64(sys.Ino) // the types differ between systems
	}
	return 0, 0
}

// idPrefix begins the StreamInfo.ID of a file.
const idPrefix = "file:"

// streamID returns the StreamInfo.ID of a file: the same for all its names.
func streamID(_ string, st fs.FileInfo) string {
	dev, ino := identity(st)
	return idPrefix + strconv.FormatUint(dev, 10) + ":" + strconv.FormatUint(ino, 10)
}

// owner returns the user and group of a file.
func owner(st fs.FileInfo) (uid, gid int) {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return int(sys.Uid), int(sys.Gid)
	}
	return -1, -1
}
