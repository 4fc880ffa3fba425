package main

import (
	"math"
	"strings"
	"testing"
)

func TestTableStandsInColumns(t *testing.T) {
	tab := table{title: "a title", header: []string{"what", "s", "× cp"}}
	tab.row("cp", "1.00", "1.00")
	tab.row("a longer name", "12.0", "0.08")
	tab.note("of %d runs", 3)
	tab.target(true, "at least 1")
	tab.target(false, "at most 2")
	var got strings.Builder
	if err := tab.write(&got); err != nil {
		t.Fatal(err)
	}
	want := `a title

  what              s  × cp
  cp             1.00  1.00
  a longer name  12.0  0.08

  of 3 runs
  target: at least 1: met
  target: at most 2: MISSED

`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestAColumnWithoutMeasurementsIsNotShown(t *testing.T) {
	for _, c := range []struct {
		second string
		want   int
	}{{missing, 1}, {"7", 2}} {
		tab := table{header: []string{"what", "peak"}}
		tab.row("a", missing)
		tab.row("b", c.second)
		tab.hideEmpty()
		if len(tab.header) != c.want || len(tab.rows[0]) != c.want || len(tab.rows[1]) != c.want {
			t.Errorf("with %q: %v %v", c.second, tab.header, tab.rows)
		}
	}
}

func TestNumbersHaveThreeDigitsThatMatter(t *testing.T) {
	for _, c := range []struct {
		x    float64
		want string
	}{
		{0, "0.00"}, {0.0123, "0.0123"}, {0.5, "0.50"}, {1, "1.00"}, {12.34, "12.3"}, {1234.5, "1234"}, {math.NaN(), "-"}, {math.Inf(1), "-"},
	} {
		if got := number(c.x); got != c.want {
			t.Errorf("number(%v) = %s, want %s", c.x, got, c.want)
		}
	}
	if times(math.NaN()) != "-" || times(1.256) != "1.26" || percent(0.123) != "12.3 %" || percent(math.NaN()) != "-" {
		t.Errorf("times or percent: %s %s %s", times(math.NaN()), times(1.256), percent(0.123))
	}
}

func TestSizesOnTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		text string
		want size
	}{{"2GiB", 2 << 30}, {"512MiB", 512 << 20}, {"2048KiB", 2 << 20}} {
		var s size
		if err := s.Set(c.text); err != nil || s != c.want {
			t.Errorf("%s: %d, %v", c.text, s, err)
		}
	}
	for _, bad := range []string{"", "2", "GiB", "-1GiB", "0GiB", "3MiB", "1KiB", "99999999999GiB", "1.5GiB"} {
		var s size
		if err := s.Set(bad); err == nil {
			t.Errorf("%q was taken as %d", bad, s)
		}
	}
	s := size(1536 << 20)
	if s.String() != "1536MiB" {
		t.Errorf("shown as %s", s.String())
	}
}
