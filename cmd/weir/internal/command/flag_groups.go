package command

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weirflow/weir/cmd/weir/internal/manpage"
)

// Groups of flags, in the order in which help shows them.
const (
	generalFlags   = "Flags"
	fileFlags      = "Flags for files"
	formatFlags    = "Flags for formats"
	transformFlags = "Flags for transforms, which are applied in the order in which they are given"
	badFlags       = "Flags for bad records"
	tableFlags     = "Flags for tables of databases"
	paceFlags      = "Flags for pace and limits"
	laterFlags     = "Flags for going on after an interruption"
)

// group adds flags to a set, as a group that help shows under a title.
func group(set *pflag.FlagSet, title string, add func(*pflag.FlagSet)) {
	g := pflag.NewFlagSet(title, pflag.ContinueOnError)
	g.SortFlags = false
	add(g)
	g.VisitAll(func(f *pflag.Flag) { f.Annotations = map[string][]string{manpage.Group: {title}} })
	set.AddFlagSet(g)
}

// groupFlags makes help show the flags of a command by their groups, on a terminal
// no wider than that is.
func groupFlags(sys System, cmd *cobra.Command) {
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		width := 0 // no limit
		if isTerminal(sys.Stdout) {
			width = widthOf(sys.Stdout)
		}
		_, err := io.WriteString(cmd.OutOrStderr(), groupedUsage(cmd, width))
		return err
	})
}

// groupedUsage returns how a command is used.
func groupedUsage(cmd *cobra.Command, width int) string {
	var titles []string
	groups := make(map[string]*pflag.FlagSet)
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		title := generalFlags
		if given := f.Annotations[manpage.Group]; len(given) > 0 {
			title = given[0]
		}
		if groups[title] == nil {
			titles = append(titles, title)
			groups[title] = pflag.NewFlagSet(title, pflag.ContinueOnError)
			groups[title].SortFlags = false
		}
		groups[title].AddFlag(f)
	})
	text := fmt.Sprintf("Usage:\n  %s\n\nExamples:\n%s\n", cmd.UseLine(), cmd.Example)
	for _, title := range titles {
		text += fmt.Sprintf("\n%s:\n%s", title, groups[title].FlagUsagesWrapped(width))
	}
	return text
}
