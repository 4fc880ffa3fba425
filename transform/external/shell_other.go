//go:build !unix

package external

import (
	"context"
	"os/exec"
)

func shell(ctx context.Context, commandLine string) *exec.Cmd {
	return exec.CommandContext(ctx, "cmd", "/C", commandLine)
}
