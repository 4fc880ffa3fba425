package command

import (
	"github.com/spf13/cobra"

	"github.com/weirflow/weir/cmd/weir/internal/manpage"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
)

func newMan(reg *registry.Registry) *cobra.Command {
	return &cobra.Command{
		Use:    "man",
		Short:  "print the manual page",
		Long:   "Print the manual page of weir, for a file weir.1 in a directory of man pages.",
		Hidden: true,
		Example: `  weir man > /usr/local/share/man/man1/weir.1
  weir man | man -l -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return manpage.Write(cmd.OutOrStdout(), cmd.Root(), reg.Connectors())
		},
	}
}
