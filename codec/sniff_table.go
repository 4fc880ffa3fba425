package codec

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tableRows is how many rows must agree, with the header, before a stream that goes
// on is taken for a table.
const tableRows = 3

// longestName is the longest name of a column that is believed, in bytes.
const longestName = 64

// tables are the formats that a stream can be taken for.
var tables = []Format{
	{Name: CSV, Separator: ','},
	{Name: TSV, Separator: '\t'},
	{Name: CSV, Separator: ';'},
	{Name: CSV, Separator: '|'},
}

// sniffTable returns the format of a table that head is the beginning of, or all of
// it if whole. The first line must be a plausible header, and every row that is
// there must be well formed and have as many fields, two or more. Where two
// separators would do, none does.
func sniffTable(head []byte, whole bool) (Format, bool) {
	var found []Format
	for _, f := range tables {
		if isTable(head, f, whole) {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		return Format{}, false
	}
	return found[0], true
}

// enoughRows says that more of head would not help to tell whether it is a table:
// there are rows enough, or the first line is no header, so that nobody has to wait
// for the rows behind it.
func enoughRows(head []byte) bool {
	if len(head) >= sniffSize {
		return true
	}
	line, _ := firstLine(head)
	for _, f := range tables {
		var ends [tableRows]uint32
		n, _, err := newCSV(f).frame(head, 0, ends[:])
		if plausibleHeader(line, f) && n < tableRows && err == nil {
			return false
		}
	}
	return true
}

// isTable says that head is the beginning of a table of f.
func isTable(head []byte, f Format, whole bool) bool {
	var ends [sniffSize / 2]uint32
	framer := newCSV(f)
	n, _, err := framer.frame(head, 0, ends[:])
	if err != nil {
		return false
	}
	if record, err := framer.finish(); whole && record {
		if err != nil {
			return false
		}
		ends[n] = uint32(len(head))
		n++
	}
	if n < 2 || n < tableRows && !whole {
		return false
	}
	payload := filledLinePayload(f)
	header := payload(head[:ends[0]])
	if !plausibleHeader(header, f) {
		return false
	}
	fields := countFields(header, f.Separator, true)
	var rows [][]byte
	for i := 1; i < n; i++ {
		row := payload(head[ends[i-1]:ends[i]])
		if countFields(row, f.Separator, true) != fields {
			return false
		}
		rows = append(rows, row)
	}
	return hasEvidence(header, rows, f)
}

// plausibleHeader says that a row looks like the names of two columns or more: short
// words that differ, begin with a letter, and hold nothing that is more common in
// other texts, such as logs, code and prose.
func plausibleHeader(row []byte, f Format) bool {
	row = trimLineEnd(row)
	seen := map[string]bool{}
	for i := 0; ; {
		j, name, err := cutField(row, i, f)
		if err != nil || !plausibleName(name) || seen[strings.ToLower(string(name))] {
			return false
		}
		seen[strings.ToLower(string(name))] = true
		if j == len(row) {
			return len(seen) >= 2
		}
		i = j + 1
	}
}

func plausibleName(name []byte) bool {
	if len(name) == 0 || len(name) > longestName || !utf8.Valid(name) || bytes.ContainsAny(name, "={}<>\\\":;,|!?") {
		return false
	}
	if first, _ := utf8.DecodeRune(name); !unicode.IsLetter(first) && first != '_' {
		return false
	}
	last := name[len(name)-1]
	return last != ' ' && last != '.' && bytes.IndexFunc(name, unicode.IsControl) < 0 && bytes.Count(name, []byte{' '}) < 4
}

// hasEvidence says that the first row is a header and no row like the others: it is
// all in small letters, as identifiers are, or there is a column of numbers below.
func hasEvidence(header []byte, rows [][]byte, f Format) bool {
	small := !bytes.ContainsFunc(header, func(r rune) bool { return unicode.IsUpper(r) || r == ' ' })
	if small {
		return true
	}
	for k := range countFields(header, f.Separator, true) {
		numbers := 0
		for _, row := range rows {
			switch field := fieldAt(row, k, f); {
			case len(field) == 0:
			case numberEnd(field, 0, len(field)) == len(field):
				numbers++
			default:
				numbers = -len(rows)
			}
		}
		if numbers > 0 {
			return true
		}
	}
	return false
}

// fieldAt returns the text of the field at index k of a row that has it.
func fieldAt(row []byte, k int, f Format) []byte {
	for i := 0; ; k-- {
		j, field, err := cutField(row, i, f)
		if err != nil {
			return row // which is no number
		}
		if k == 0 {
			return field
		}
		i = j + 1
	}
}
