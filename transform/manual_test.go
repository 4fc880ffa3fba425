package transform_test

import (
	"os"
	"strings"
	"testing"

	"github.com/weirflow/weir/transform"
)

// TestTheManualIsRight runs the examples of docs/transform.md. Blocks that are
// marked weir are programs; in those marked example, lines that begin with < go
// in and those with > must come out.
func TestTheManualIsRight(t *testing.T) {
	manual, err := os.ReadFile("../docs/transform.md")
	if err != nil {
		t.Fatal(err)
	}
	o := transform.Options{Bad: skipBad.Bad, Getenv: func(string) (string, bool) { return "pepper", true }}
	blocks := 0
	for i, part := range strings.Split(string(manual), "```") {
		kind, text, _ := strings.Cut(part, "\n")
		if i%2 == 0 || kind != "weir" && kind != "example" {
			continue
		}
		blocks++
		var program, in, want string
		for line := range strings.Lines(text) {
			switch {
			case strings.HasPrefix(line, "< "):
				in += line[2:]
			case strings.HasPrefix(line, "> "):
				want += line[2:]
			default:
				program += line
			}
		}
		if got, err := apply(t, program, o, in); err != nil || got != want {
			t.Errorf("%s on\n%sgot\n%s, %v; the manual says\n%s", program, in, got, err, want)
		}
	}
	if blocks < 15 {
		t.Errorf("the manual has %d examples", blocks)
	}
}
