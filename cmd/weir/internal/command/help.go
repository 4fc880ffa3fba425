package command

import "github.com/spf13/cobra"

// wordHelp gives the command that cobra adds to root, "help", a text like that
// of the others.
func wordHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() != "help" {
			continue
		}
		c.Short = "show what a command does, its flags and examples"
		c.Long = "Show what a command does, with its flags and examples: the same as COMMAND --help."
		c.Example = `  weir help cp
  weir help plan`
	}
}
