package prove

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"time"
)

//go:embed page.html
var pageText string

// page returns report.html: one file that needs no network and no script.
func (r *Report) page() ([]byte, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"mib": mib, "class": class, "words": words, "safety": safety, "kib": kib, "same": r.sameContent,
		"seconds": func(s float64) string { return fmt.Sprintf("%.2f s", s) },
		"ms":      func(ms float64) string { return fmt.Sprintf("%.2f ms", ms) },
		"rate":    func(perSecond float64) string { return fmt.Sprintf("%.1f MiB/s", perSecond/(1<<20)) },
		"amount":  func(n float64) string { return fmt.Sprintf("%.2f MiB", n/(1<<20)) },
		"date":    func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
		"memory":  func(wide bool) template.HTML { return memoryChart(r, sizeOf(wide)) },
		"gap":     func(s Result) template.HTML { return gapChart(s) },
		"stand":   func(o Origin) template.HTML { return originChart(o) },
		"at": func(values []int64, i int) string {
			if i >= len(values) {
				return "–"
			}
			return group(values[i])
		},
	}).Parse(pageText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// class is the style class that gives a scenario its colour.
func class(s Result) string {
	switch s.Strategy {
	case Controlled, Gated, Idle:
		return "controlled"
	case Unbounded:
		return "unbounded"
	case CountBounded:
		if s.ID == "C4" {
			return "quarter"
		}
		return "counted"
	case Unlimited:
		return "unlimited"
	case ReadAll:
		return "readall"
	}
	return "controlled"
}

// words says what a strategy does.
func words(s Strategy) string {
	return map[Strategy]string{
		Controlled:   "reads when there is memory for what it reads; a write that waits stops the reading",
		Unbounded:    "reads as fast as it can and fires every write",
		CountBounded: "reads until 1,000 items are queued, whatever their size",
		Unlimited:    "as unbounded, into a sink that serves all writes at once",
		ReadAll:      "reads everything, then writes",
	}[s]
}

// safety says in a few words what the strategy risks.
func safety(s Result) string {
	switch s.Strategy {
	case Controlled:
		if s.Flat {
			return "safe: memory is bounded in bytes, and nothing is open when it returns"
		}
		return "not shown to be safe: see the checks"
	case Unbounded:
		return "dies when the source is larger than memory; floods the sink"
	case CountBounded:
		return "memory is the item's size times a thousand"
	case Unlimited:
		return "an illusion: no sink is like that"
	case ReadAll:
		return "dies when the source is larger than memory"
	}
	return ""
}

// kib is the size of a write: most are whole KiB.
func kib(n int) string {
	if n%(1<<10) == 0 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// group writes n with its thousands apart.
func group(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}
