package sqlite_test

import (
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sqlite"
)

// A stream without an end that was told to stop, and committed, goes on where it was.
func TestEndlessStreamGoesOnAfterADrain(t *testing.T) {
	path := database(t, "CREATE TABLE t (n INTEGER)")
	tail := info("tail")
	tail.Endless = true
	last := weir.Checkpoint{}
	for run, record := range []string{`{"n":1}`, `{"n":2}`} {
		sink := newSink(t, sqlite.SinkOptions{Path: path, Table: "t"})
		w, err := sink.Open(t.Context(), tail)
		if err != nil {
			t.Fatal(err)
		}
		r := w.(weir.Resumer)
		from, err := r.Resume(t.Context(), last)
		if err != nil || string(from) != string(last.Position) {
			t.Fatalf("run %d goes on from %q: %v; want %q", run, from, err, last.Position)
		}
		last.Position = weir.Position(record)
		err = w.Write(t.Context(), batchOf(record))
		if err == nil {
			_, err = r.Flush(t.Context(), last.Position)
		}
		if err == nil {
			err = w.Commit(t.Context())
		}
		if err == nil {
			err = sink.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(t, path, "SELECT n FROM t ORDER BY n"); got != "1 2" {
		t.Errorf("the rows are %q", got)
	}
}
