package manpage

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/weirflow/weir/cmd/weir/internal/registry"
)

func TestPageQuotesWhatRoffWouldInterpret(t *testing.T) {
	root := &cobra.Command{Use: "top", Short: "do - things", Long: "First.\n\n.dot\n'quote", Example: `  top "a" \b`}
	child := &cobra.Command{Use: "child ARG", Long: "Child.", Run: func(*cobra.Command, []string) {}}
	child.Flags().StringP("name", "n", "x", "a name")
	hidden := &cobra.Command{Use: "hidden", Hidden: true, Run: func(*cobra.Command, []string) {}}
	root.AddCommand(child, hidden)
	var out strings.Builder
	if err := Write(&out, root, []registry.Connector{{Scheme: "x", Summary: "ex", Examples: []string{"x://"}}}); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{
		`.TH "TOP" "1"`, "top \\- do \\- things\n", "First.\n.PP\n\\&.dot\n\\&'quote\n", `top "a" \eb`,
		`.SS "top child ARG [flags]"`, "\\-n, \\-\\-name string\"\na name (default x)\n", `.SS "x://"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "hidden") {
		t.Error("the page shows a hidden command")
	}
}
