package receipt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/receipt"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/weirtest"
)

type whole struct {
	Streams []receipt.Stream `json:"streams"`
	receipt.Summary
}

func TestReceiptHoldsWhatWasReadAndWritten(t *testing.T) {
	weirtest.CheckLeaks(t)
	dir := t.TempDir()
	content := map[string][]byte{"a": bytes.Repeat([]byte("weir"), 50_000), "b": nil}
	for name, data := range content {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	src, err := file.NewSource([]string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}, file.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dst, err := file.NewSink(filepath.Join(dir, "out")+"/", file.SinkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "receipt.json")
	r, err := receipt.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	res, err := weir.Ingest(t.Context(), r.Source(src), r.Sink(dst), weir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Finish(receipt.Summary{Status: "done", Ledger: receipt.LedgerOf(res.Stats)}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got whole
	if err := json.Unmarshal(text, &got); err != nil || len(got.Streams) != 2 || got.Status != "done" || !got.Ledger.Balances {
		t.Fatalf("%v: %s", err, text)
	}
	for _, s := range got.Streams {
		want := receipt.Sum{Bytes: int64(len(content[s.Name])), XXH3: fmt.Sprintf("%016x", xxh3.Hash(content[s.Name]))}
		if *s.Read != want || *s.Written != want || s.Status != "committed" {
			t.Errorf("%s: %+v, read %+v, written %+v, want %+v", s.Name, s, *s.Read, *s.Written, want)
		}
	}
}

func TestReceiptThatCannotBeWrittenSaysWhere(t *testing.T) {
	_, err := receipt.Create(filepath.Join(t.TempDir(), "missing", "r.json"))
	if err == nil || !strings.Contains(err.Error(), "r.json: no such file or directory") {
		t.Errorf("err = %v", err)
	}
}

func TestLedgerThatDoesNotBalanceSaysSo(t *testing.T) {
	if receipt.LedgerOf(weir.Stats{Read: weir.Count{Records: 3}, Written: weir.Count{Records: 2}}).Balances {
		t.Error("3 read, 2 written, and it balances")
	}
}
