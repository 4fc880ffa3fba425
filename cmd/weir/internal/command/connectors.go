package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir/cmd/weir/internal/registry"
)

func newConnectors(reg *registry.Registry) *cobra.Command {
	return &cobra.Command{
		Use:   "connectors [SCHEME]",
		Short: "list what data can be read from and written to",
		Long: `List the schemes that an address can have, or the parameters of one. Parameters
follow a question mark and are separated by &, so quote the address for the shell.
Those of http, https and postgres follow a #, because what is behind the question mark
is the server's.`,
		Example: `  weir connectors
  weir connectors slow`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return show(cmd, listConnectors(reg))
			}
			c := reg.Find(strings.TrimSuffix(args[0], "://"))
			if c == nil {
				return usage(fmt.Errorf("unknown scheme %q; known are %s", args[0], strings.Join(reg.Schemes(), ", ")))
			}
			return show(cmd, describeConnector(*c))
		},
		ValidArgs: reg.Schemes(),
	}
}

func listConnectors(reg *registry.Registry) string {
	var b strings.Builder
	for _, c := range reg.Connectors() {
		fmt.Fprintf(&b, "%-9s  %-11s  %s\n", c.Scheme+"://", sides(c), c.Summary)
	}
	b.WriteString("\nA path without a scheme is a file, - is standard input or output.\n'weir connectors SCHEME' lists the parameters of one.\n")
	return b.String()
}

// sides says what a connector can be.
func sides(c registry.Connector) string {
	switch {
	case c.Reads() && c.Writes():
		return "read, write"
	case c.Reads():
		return "read"
	}
	return "write"
}

func describeConnector(c registry.Connector) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s://%s (%s)\n%s\n", c.Scheme, c.Place, sides(c), c.Summary)
	if len(c.Params) > 0 {
		b.WriteString("\nParameters, behind " + c.Mark() + ":\n")
	}
	for _, p := range c.Params {
		text := p.Text
		if p.Default != "" {
			text += " (default " + p.Default + ")"
		}
		fmt.Fprintf(&b, "  %-15s  %-8s  %s\n", p.Name+"=", p.Type(), text)
	}
	b.WriteString("\nExamples:\n  " + strings.Join(c.Examples, "\n  ") + "\n")
	return b.String()
}
