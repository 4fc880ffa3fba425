package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/weirflow/weir"
)

// A table collects what has become of the routes.
type table struct {
	mu      sync.Mutex
	tallies map[string]tally
}

func (x *table) add(route string, y tally) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tallies[route] = y
}

// text returns the table, with a sum for each guarantee.
func (x *table) text(routes []route) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	width := len("route")
	for _, r := range routes {
		width = max(width, len(r.name))
	}
	var text strings.Builder
	line := func(name string, promise any, cells ...any) {
		fmt.Fprintf(&text, "%-*s  %-13s", width, name, promise)
		for _, c := range cells {
			fmt.Fprintf(&text, "  %9v", c)
		}
		text.WriteByte('\n')
	}
	line("route", "guarantee", "transfers", "kills", "others", "lost", "doubled")
	sums := map[weir.Label]tally{}
	for _, r := range routes {
		y, ok := x.tallies[r.name]
		if !ok { // it was left out, or failed
			line(r.name, r.promise, "-", "-", "-", "-", "-")
			continue
		}
		line(r.name, r.promise, y.transfers, y.kills, y.harms, y.lost, y.doubled)
		sums[r.promise] = sums[r.promise].plus(y)
	}
	for _, promise := range []weir.Label{weir.ExactlyOnce, weir.AtLeastOnce} {
		if y, ok := sums[promise]; ok {
			line("all", promise, y.transfers, y.kills, y.harms, y.lost, y.doubled)
		}
	}
	return text.String()
}

func (y tally) plus(o tally) tally {
	return tally{y.transfers + o.transfers, y.kills + o.kills, y.harms + o.harms, y.lost + o.lost, y.doubled + o.doubled}
}

func TestTableAddsUp(t *testing.T) {
	x := table{tallies: map[string]tally{}}
	x.add("a", tally{transfers: 1, kills: 20, harms: 3, doubled: 1})
	x.add("b", tally{transfers: 2, kills: 5, lost: 4})
	x.add("c", tally{transfers: 7})
	text := x.text([]route{{name: "a", promise: weir.ExactlyOnce}, {name: "b", promise: weir.ExactlyOnce}, {name: "c", promise: weir.AtLeastOnce}, {name: "d", promise: weir.ExactlyOnce}})
	if lines := strings.Split(text, "\n"); len(lines) != 8 ||
		strings.Join(strings.Fields(lines[5]), " ") != "all exactly-once 3 25 3 4 1" || strings.Join(strings.Fields(lines[6]), " ") != "all at-least-once 7 0 0 0 0" {
		t.Errorf("the table is\n%s", text)
	}
}
