//go:build unix

package pgtest

import "syscall"

// attributes makes a command run as the user.
func (u *user) attributes() *syscall.SysProcAttr {
	if u == nil {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.gid)}}
}

// What is done to a process. One that has just ended is no error.
func kill(pid int)   { _ = syscall.Kill(pid, syscall.SIGKILL) }
func pause(pid int)  { _ = syscall.Kill(pid, syscall.SIGSTOP) }
func resume(pid int) { _ = syscall.Kill(pid, syscall.SIGCONT) }
