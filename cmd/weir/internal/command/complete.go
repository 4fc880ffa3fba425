package command

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir/cmd/weir/internal/registry"
)

// completeAddress completes the first argument as a source and further ones,
// which may be either, as both. Paths are left to the shell, which offers them
// when there is nothing else.
func completeAddress(reg *registry.Registry) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if looksLikePath(prefix) {
			return nil, cobra.ShellCompDirectiveDefault
		}
		found := reg.Complete(prefix, registry.Source)
		if len(args) > 0 {
			found = append(found, reg.Complete(prefix, registry.Sink)...)
		}
		seen := make(map[string]bool)
		var out []cobra.Completion
		for _, c := range found {
			if !seen[c.Text] {
				seen[c.Text] = true
				out = append(out, cobra.CompletionWithDesc(c.Text, c.Description))
			}
		}
		if len(out) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return out, cobra.ShellCompDirectiveNoSpace
	}
}

func looksLikePath(prefix string) bool {
	if prefix == "" {
		return true
	}
	found, err := filepath.Glob(prefix + "*")
	return err == nil && len(found) > 0
}

func completeProgress(cmd *cobra.Command) {
	how := []cobra.Completion{
		string(progressAuto), string(progressTerminal), string(progressPlain), string(progressNone),
	}
	err := cmd.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions(how, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag does not exist: a mistake in this package
	}
}
