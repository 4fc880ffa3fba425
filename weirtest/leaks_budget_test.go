package weirtest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/weirflow/weir"
)

// witness is a test that others fail, and that ends when it is told to.
type witness struct {
	testing.TB
	said []string
	ends []func()
}

func (w *witness) Helper()           {}
func (w *witness) Error(args ...any) { w.said = append(w.said, fmt.Sprint(args...)) }
func (w *witness) Cleanup(f func())  { w.ends = append(w.ends, f) }

func TestABudgetThatIsNotGivenBackIsFound(t *testing.T) {
	CheckLeaks(t)
	b := weir.NewBudget(1<<20, weir.BudgetOptions{})
	before, after := &witness{TB: t}, &witness{TB: t}
	CheckBudget(before, b)
	CheckBudget(after, b)
	writing, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
	sink := weir.SinkFunc(func(context.Context, *weir.Batch) error {
		close(writing)
		<-goOn
		return nil
	})
	go func() {
		_, err := weir.Ingest(context.Background(), weir.FromReader(strings.NewReader("water")), sink, weir.Options{Budget: b})
		done <- err
	}()
	<-writing
	before.ends[0]()
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	after.ends[0]()
	if len(before.said) != 1 || !strings.Contains(before.said[0], "the budget was not given back") {
		t.Errorf("while a batch is written it says %q", before.said)
	}
	if len(after.said) != 0 {
		t.Errorf("when all is home it says %q", after.said)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
