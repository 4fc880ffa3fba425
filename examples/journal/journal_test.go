package journal_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
	"github.com/weirflow/weir/examples/journal"
	"github.com/weirflow/weir/weirtest"
)

// [sourcetest]

func TestSource(t *testing.T) {
	weirtest.TestSource(t, func(t *testing.T) weirtest.SourceHarness {
		dir := t.TempDir()
		whole := put(t, dir, "whole", frame(500))
		cut := put(t, dir, "cut", frame(500)[:20_000])
		open := func(path string) func(testing.TB) weir.Source {
			return func(testing.TB) weir.Source { return journal.NewSource(path) }
		}
		return weirtest.SourceHarness{
			Open:      open(whole),
			Truncated: open(cut),
			Want:      func(string) []byte { return content(500) },
		}
	})
}

// [sinktest]

func TestSink(t *testing.T) {
	weirtest.TestSink(t, func(t *testing.T) weirtest.SinkHarness {
		dir := t.TempDir()
		return weirtest.SinkHarness{
			Open: func(testing.TB) weir.Sink { return journal.NewSink(dir) },
			Read: func(t testing.TB, name string) ([]byte, bool) {
				data, err := os.ReadFile(filepath.Join(dir, name))
				return unframe(t, data), err == nil
			},
		}
	})
}

// [testend]

// record is record i of the test's journals: some do not fit a small batch.
func record(i int) []byte { return bytes.Repeat([]byte{byte('a' + i%26)}, 1+i*37%300) }

func content(n int) (all []byte) {
	for i := range n {
		all = append(all, record(i)...)
	}
	return all
}

func frame(n int) (all []byte) {
	for i := range n {
		all = binary.AppendUvarint(all, uint64(len(record(i))))
		all = append(all, record(i)...)
	}
	return all
}

func unframe(t testing.TB, data []byte) (all []byte) {
	for len(data) > 0 {
		n, head := binary.Uvarint(data)
		if head <= 0 || int(n) > len(data)-head {
			t.Fatalf("the journal is damaged before its last %d bytes", len(data))
		}
		all = append(all, data[head:head+int(n)]...)
		data = data[head+int(n):]
	}
	return all
}

func put(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A journal through the engine and back: the records are the same.
func TestRoundTrip(t *testing.T) {
	weirtest.CheckLeaks(t)
	dir := t.TempDir()
	g, err := sim.NewGenerator(sim.GeneratorOptions{Size: 1 << 20, Record: 300, Format: sim.NDJSON})
	if err != nil {
		t.Fatal(err)
	}
	first, err := weir.Ingest(t.Context(), g, journal.NewSink(dir), weir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := weirtest.NewMemSink(weir.Footprint{})
	again, err := weir.Ingest(t.Context(), journal.NewSource(filepath.Join(dir, "gen-000.ndjson")), got, weir.Options{})
	if err != nil || again.Read != first.Written {
		t.Errorf("%v; wrote %+v and read %+v", err, first.Written, again.Read)
	}
	if st := got.Streams(); len(st) != 1 || slices.ContainsFunc(st[0].Records[:len(st[0].Records)-1], func(n int) bool { return n != 300 }) {
		t.Errorf("%d streams", len(st))
	}
}

func TestDamageIsReportedWithItsOffset(t *testing.T) {
	dir := t.TempDir()
	for what, data := range map[string]string{
		"the last record is cut off after offset 3": "\x02ab\x05abc",
		"a length is out of bounds after offset 3":  "\x02ab\xff\xff\xff\xff\x0f",
		"a length is cut off or damaged":            "\x02ab\xff",
		"a length is out of bounds after offset 0":  "\x00",
	} {
		path := put(t, dir, "x", []byte(data))
		_, err := weir.Ingest(t.Context(), journal.NewSource(path), weir.SinkFunc(func(context.Context, *weir.Batch) error { return nil }), weir.Options{})
		if weir.KindOf(err) != weir.Corrupt || !strings.Contains(err.Error(), what) {
			t.Errorf("%q: %v", data, err)
		}
	}
	if _, err := journal.NewSource(filepath.Join(dir, "none")).Next(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// The page shows this code as it is: each excerpt between two marks of the
// files stands in it.
func TestThePageShowsThisCode(t *testing.T) {
	page, err := os.ReadFile("../../docs/writing-a-connector.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, marks := range map[string][]string{
		"journal.go":      {"source", "stream", "read", "sink", "writer", "end"},
		"journal_test.go": {"sourcetest", "sinktest", "testend"},
	} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, mark := range marks[:len(marks)-1] {
			_, rest, _ := strings.Cut(string(data), fmt.Sprintf("// [%s]\n", mark))
			excerpt, _, found := strings.Cut(rest, fmt.Sprintf("// [%s]\n", marks[i+1]))
			excerpt = strings.TrimSpace(excerpt)
			if !found || excerpt == "" || !strings.Contains(string(page), "```go\n"+excerpt+"\n```") {
				t.Errorf("the page does not show part %q of %s as it is:\n%s", mark, file, excerpt)
			}
		}
	}
}
