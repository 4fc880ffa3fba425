package codec_test

import (
	"os"
	"strings"
	"testing"
)

// The examples in docs/formats.md are what happens.
func TestFormatsPageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../docs/formats.md")
	must(t, err)
	examples := strings.Split(string(page), "```example ")[1:]
	if len(examples) < 5 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, example := range examples {
		title, rest, _ := strings.Cut(example, "\n")
		body, _, _ := strings.Cut(rest, "```")
		from, to, ok := strings.Cut(title, " to ")
		var in, want strings.Builder
		for line := range strings.Lines(body) {
			switch {
			case strings.HasPrefix(line, "< "):
				in.WriteString(line[2:])
			case strings.HasPrefix(line, "> "):
				want.WriteString(line[2:])
			default:
				ok = false
			}
		}
		if !ok {
			t.Fatalf("not an example: %s", example)
		}
		if got := (copying{from: from, to: to}).data(t, "example", in.String()); got != want.String() {
			t.Errorf("%s\n got %s\nwant %s", title, got, want.String())
		}
	}
}
