//go:build !unix

package pgtest

import (
	"os"
	"syscall"
)

// attributes is for systems where a server runs as whoever started it.
func (u *user) attributes() *syscall.SysProcAttr { return nil }

// kill ends a process.
func kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill() // one that has just ended is no error
	}
}

// pause and resume are for systems with signals.
func pause(int) {}

func resume(int) {}
