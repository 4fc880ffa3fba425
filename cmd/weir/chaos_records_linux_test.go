package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// numbered returns the record n: a line of JSON with its number.
func numbered(n int) []byte { return fmt.Appendf(nil, `{"n":%d,"text":"%0200d"}`+"\n", n, n) }

// writeNumbered writes the first records to a file.
func writeNumbered(t *testing.T, path string, records int) {
	t.Helper()
	var b bytes.Buffer
	for i := range records {
		b.Write(numbered(i))
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// countNumbered counts the records in a file of JSON lines. What is no such line
// counts as -1.
func countNumbered(t *testing.T, path string) map[int]int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[int]int{}
	for line := range bytes.Lines(data) {
		n, text := -1, ""
		if k, err := fmt.Sscanf(string(line), `{"n":%d,"text":%q}`, &n, &text); err != nil || k != 2 || text != fmt.Sprintf("%0200d", n) || !bytes.HasSuffix(line, []byte("}\n")) {
			n = -1
		}
		counts[n]++
	}
	return counts
}

// missing returns how many of the first records are not there, and how many too
// often; what is none of them counts as doubled.
func missing(counts map[int]int, records int) (lost, doubled int) {
	for i := range records {
		if counts[i] == 0 {
			lost++
		}
	}
	for n, times := range counts {
		if n < 0 || n >= records {
			doubled++
		}
		doubled += times - 1
	}
	return lost, doubled
}

func TestOracleSeesWhatIsLostAndWhatIsDoubled(t *testing.T) {
	for name, c := range map[string]struct {
		counts        map[int]int
		lost, doubled int
	}{
		"right":   {map[int]int{0: 1, 1: 1, 2: 1}, 0, 0},
		"lost":    {map[int]int{0: 1, 2: 1}, 1, 0},
		"doubled": {map[int]int{0: 1, 1: 3, 2: 1}, 0, 2},
		"foreign": {map[int]int{0: 1, 1: 1, 2: 1, 3: 1, -1: 2}, 0, 3},
		"nothing": {map[int]int{}, 3, 0},
	} {
		if lost, doubled := missing(c.counts, 3); lost != c.lost || doubled != c.doubled {
			t.Errorf("%s: %d lost, %d doubled; want %d, %d", name, lost, doubled, c.lost, c.doubled)
		}
	}
}
