//go:build unix

package external

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// shell returns a command that is killed with everything it started.
func shell(ctx context.Context, commandLine string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", commandLine)
	// A group of its own: an interrupt from the terminal is for weir, which
	// drains, and not for the program in the middle of a batch.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
	return cmd
}
