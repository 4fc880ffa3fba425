package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// table is what a scenario found out. The first column is text, the others are
// numbers.
type table struct {
	title   string
	notes   []string // printed below
	header  []string
	rows    [][]string
	targets []target
}

// target is a bound that weir is meant to keep, and what was measured.
type target struct {
	text string
	met  bool
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// hideEmpty takes the last column away if nothing in it was measured.
func (t *table) hideEmpty() {
	last := len(t.header) - 1
	for _, row := range t.rows {
		if row[last] != missing {
			return
		}
	}
	t.header = t.header[:last]
	for i := range t.rows {
		t.rows[i] = t.rows[i][:last]
	}
}

// target notes whether a bound was kept. format and args say what was measured.
func (t *table) target(met bool, format string, args ...any) {
	t.targets = append(t.targets, target{fmt.Sprintf(format, args...), met})
}

// write writes the table as text, in columns.
func (t *table) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", t.title)
	all := append([][]string{t.header}, t.rows...)
	widths := make([]int, len(t.header))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range all {
		b.WriteString("  ")
		for i, cell := range row {
			fill := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case i == 0 && len(row) == 1:
				b.WriteString(cell)
			case i == 0:
				b.WriteString(cell + fill)
			default:
				b.WriteString("  " + fill + cell)
			}
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	for _, note := range t.notes {
		fmt.Fprintf(&b, "  %s\n", note)
	}
	for _, g := range t.targets {
		state := "MISSED"
		if g.met {
			state = "met"
		}
		fmt.Fprintf(&b, "  target: %s: %s\n", g.text, state)
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}

// missing is shown for what was not measured.
const missing = "-"

// number shows x with three digits that matter, and missing for what says
// nothing.
func number(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return missing
	case a >= 100:
		return fmt.Sprintf("%.0f", x)
	case a >= 10:
		return fmt.Sprintf("%.1f", x)
	case a >= 0.1 || x == 0:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.4f", x)
}

// times shows a ratio.
func times(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return missing
	}
	return fmt.Sprintf("%.2f", x)
}

// percent shows a share.
func percent(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return missing
	}
	return number(100*x) + " %"
}
