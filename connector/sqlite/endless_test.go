package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sqlite"
)

// A stream without an end that was told to stop, and committed, goes on where it was,
// whether the state of the runs before it is known or lost.
func TestEndlessStreamGoesOnAfterADrain(t *testing.T) {
	for name, known := range map[string]bool{"known": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			path := database(t, "CREATE TABLE t (n INTEGER)")
			tail := info("tail")
			tail.Endless = true
			var at weir.Position
			for n := range 3 {
				sink := newSink(t, sqlite.SinkOptions{Path: path, Table: "t"})
				w, err := sink.Open(t.Context(), tail)
				if err != nil {
					t.Fatal(err)
				}
				var last weir.Checkpoint
				if known {
					last.Position = at
				}
				r := w.(weir.Resumer)
				from, err := r.Resume(t.Context(), last)
				equal(t, "Resume", fmt.Sprint(string(from), err), fmt.Sprint(string(at), "<nil>"))
				equal(t, "Write", w.Write(t.Context(), batchOf(fmt.Sprintf("{\"n\":%d}\n", n))), nil)
				at = weir.Position(fmt.Sprintf("off=%d", n+1))
				_, err = r.Flush(t.Context(), at)
				equal(t, "Flush", err, nil)
				equal(t, "Commit", w.Commit(t.Context()), nil)
				equal(t, "Close", sink.Close(), nil)
			}
			equal(t, "rows", ask(t, path, "SELECT n FROM t ORDER BY n"), "0 1 2")
		})
	}
}
