package command

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir/cmd/weir/internal/records"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
	"github.com/weirflow/weir/codec"
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
	completeFlag(cmd, "progress", cobra.FixedCompletions(how, cobra.ShellCompDirectiveNoFileComp))
}

func completeFlag(cmd *cobra.Command, name string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(name, f); err != nil {
		panic(err) // the flag does not exist: a mistake in this package
	}
}

// completeRecords completes the flags about records that are words.
func completeRecords(cmd *cobra.Command) {
	for name, words := range map[string][]string{"on-error": records.OnErrors(), "utf8": records.UTF8s()} {
		completeFlag(cmd, name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
	completeFlag(cmd, "from", completeFormat(records.ReadCompressions()))
	completeFlag(cmd, "to", completeFormat(records.WrittenCompressions()))
}

// completeFormat completes the name of a format, or of a compression behind a plus.
func completeFormat(compressions []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		format, _, plus := strings.Cut(prefix, "+")
		words := append(codec.FormatNames(), "parquet")
		if plus {
			words = nil
			for _, c := range compressions {
				words = append(words, format+"+"+c)
			}
		}
		var out []cobra.Completion
		for _, w := range words {
			if strings.HasPrefix(w, prefix) {
				out = append(out, w)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}
