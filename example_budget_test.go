package weir_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/weirflow/weir"
)

// Two pipelines that run at once and hold 1 MiB together, whatever each of them
// moves.
func ExampleBudget() {
	budget := weir.NewBudget(1<<20, weir.BudgetOptions{})

	move := func(letter string, size int) {
		_, err := weir.Ingest(context.Background(),
			weir.FromReader(strings.NewReader(strings.Repeat(letter, size))),
			weir.ToWriter(io.Discard),
			weir.Options{Name: letter, Budget: budget})
		if err != nil {
			fmt.Println(err)
		}
	}
	var both sync.WaitGroup
	both.Go(func() { move("a", 8<<20) })
	both.Go(func() { move("b", 8<<20) })
	both.Wait()

	s := budget.Stats()
	fmt.Println("used:", s.Used, "of", s.Limit)
	fmt.Println("never above the limit:", s.Peak <= s.Limit)
	if err := budget.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// used: 0 of 1048576
	// never above the limit: true
}
