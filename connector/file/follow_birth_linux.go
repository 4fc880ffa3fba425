package file

import (
	"os"

	"golang.org/x/sys/unix"
)

// birth returns when an open file was made, in nanoseconds, or 0 where that is not
// known. It tells a file from an earlier one with the same inode.
func birth(f *os.File) int64 {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	var st unix.Statx_t
	var failure error
	err = conn.Control(func(fd uintptr) {
		failure = unix.Statx(int(fd), "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &st)
	})
	if err != nil || failure != nil || st.Mask&unix.STATX_BTIME == 0 {
		return 0
	}
	return st.Btime.Sec*1e9 + int64(st.Btime.Nsec)
}
