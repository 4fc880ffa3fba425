package postgres_test

import (
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
)

// A stream without an end that was told to stop, and committed, goes on where it was.
func TestEndlessStreamGoesOnAfterADrain(t *testing.T) {
	d := start(t)
	table := d.table("n int")
	tail := weir.StreamInfo{ID: table, Name: "tail", Size: weir.UnknownSize, Endless: true, Resumable: true}
	last := weir.Checkpoint{}
	for run, record := range []string{`{"n":1}`, `{"n":2}`} {
		sink := d.sink(table, postgres.SinkOptions{})
		w, err := sink.Open(t.Context(), tail)
		must(t, err)
		r := w.(weir.Resumer)
		from, err := r.Resume(t.Context(), last)
		if err != nil || string(from) != string(last.Position) {
			t.Fatalf("run %d goes on from %q: %v; want %q", run, from, err, last.Position)
		}
		must(t, w.Write(t.Context(), batch(record)))
		last.Position = weir.Position(record)
		_, err = r.Flush(t.Context(), last.Position)
		must(t, err)
		must(t, w.Commit(t.Context()))
		must(t, sink.Close())
	}
	same(t, "rows", d.rows("SELECT n FROM "+table+" ORDER BY n"), []string{"1", "2"})
}
