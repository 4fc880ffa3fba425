package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newCompletion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion " + strings.Join(shells, "|"),
		Short: "print a script that completes weir's commands in a shell",
		Long: `Print a script that makes a shell complete weir's commands, flags, schemes and
their parameters. In bash it needs the package bash-completion. In bash and zsh, a
parameter is completed behind \?, as in slow://\?de and the tab key.`,
		Example: `  source <(weir completion bash)                              this shell only
  weir completion bash > /etc/bash_completion.d/weir          every bash
  weir completion zsh  > "${fpath[1]}/_weir"                  every zsh
  weir completion fish > ~/.config/fish/completions/weir.fish`,
		ValidArgs: shells,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return fmt.Errorf("completion needs the name of a shell: %s", strings.Join(shells, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return printCompletion(cmd.Root(), args[0], cmd.OutOrStdout())
		},
	}
}

func printCompletion(root *cobra.Command, shell string, w io.Writer) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(w, true)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	default:
		return root.GenPowerShellCompletionWithDesc(w)
	}
}
