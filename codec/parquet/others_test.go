package parquet_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/weirflow/weir/codec/parquet"
)

var update = flag.Bool("update", false, "write the records of testdata/others anew")

// Small files by many writers. What is read of them is what it was, lists and maps
// too, and the other implementation finds the same.
func TestSmallFilesOfOtherWritersAreRead(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "others", "*.parquet"))
	must(t, err)
	if len(paths) < 20 {
		t.Fatalf("there are %d files", len(paths))
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			must(t, err)
			compareRows(t, data)
			got, golden := toJSON(t, data, parquet.Options{}), strings.TrimSuffix(path, ".parquet")+".ndjson"
			if *update {
				must(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if got != string(want) {
				t.Errorf("the records are\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Larger ones, and more of them, which the other implementation keeps for its own
// tests.
func TestFilesOfOtherWritersAreRead(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/parquet-go/parquet-go").Output()
	if err != nil {
		t.Skipf("the module's files are not here: %v", err)
	}
	paths, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "testdata", "*.parquet"))
	must(t, err)
	if len(paths) == 0 {
		t.Skip("the module comes without its test files")
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			must(t, err)
			if strings.Contains(path, "lz4_raw_compressed_larger") {
				t.Skip("the other implementation does not read it right")
			}
			if len(data) > 300<<10 {
				t.Skip("too large for a quick test")
			}
			compareRows(t, data)
		})
	}
}

// compareRows reads a file with both implementations, and compares the columns that
// are in no list and whose values need no calendar.
func compareRows(t *testing.T, data []byte) {
	t.Helper()
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	d := json.NewDecoder(strings.NewReader(toJSON(t, data, parquet.Options{})))
	d.UseNumber()
	rows, compared := 0, 0
	for _, group := range f.RowGroups() {
		r := group.Rows()
		buf := make([]pq.Row, 16)
		for {
			n, err := r.ReadRows(buf)
			for _, row := range buf[:n] {
				var got map[string]any
				must(t, d.Decode(&got))
				for _, c := range f.Root().Columns() {
					want, ok := plainText(c, row)
					if !ok {
						continue
					}
					compared++
					if text := fmt.Sprint(got[c.Name()]); text != want {
						t.Fatalf("row %d: column %s is %q, want %q", rows, c.Name(), text, want)
					}
				}
				rows++
			}
			if err != nil {
				if err != io.EOF {
					t.Fatal(err)
				}
				break
			}
		}
		must(t, r.Close())
	}
	if err := d.Decode(new(any)); err != io.EOF {
		t.Errorf("there is more than %d rows: %v", rows, err)
	}
	t.Logf("%d rows, %d values compared", rows, compared)
}

// plainText is the value of a column of the record as fmt prints what JSON holds.
func plainText(c *pq.Column, row pq.Row) (string, bool) {
	if !c.Leaf() || c.Repeated() {
		return "", false
	}
	for _, v := range row {
		if v.Column() != int(c.Index()) {
			continue
		}
		if v.IsNull() {
			return "<nil>", true
		}
		logical := ""
		if l := c.Type().LogicalType(); l != nil {
			logical = l.String()
		}
		switch {
		case logical == "STRING":
			return string(v.ByteArray()), true
		case strings.HasPrefix(logical, "INT") && strings.HasSuffix(logical, "true)"):
		case logical != "":
			return "", false
		}
		switch v.Kind() {
		case pq.Boolean:
			return strconv.FormatBool(v.Boolean()), true
		case pq.Int32, pq.Int64:
			return strconv.FormatInt(v.Int64(), 10), true
		case pq.Double:
			return floatText(v.Double(), 64)
		case pq.Float:
			return floatText(float64(v.Float()), 32)
		case pq.ByteArray, pq.FixedLenByteArray:
			return base64.StdEncoding.EncodeToString(v.ByteArray()), true
		}
	}
	return "", false
}

func floatText(f float64, size int) (string, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "<nil>", true
	}
	s := strconv.FormatFloat(f, 'f', -1, size)
	if f == math.Trunc(f) {
		s += ".0"
	}
	abs := math.Abs(f)
	return s, abs == 0 || abs >= 1e-6 && abs < 1e21
}
