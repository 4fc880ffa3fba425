package parquet

import (
	"strconv"
	"strings"

	"github.com/weirflow/weir"
)

// The text of a position is
//
//	row=4096,file=cbf29ce484222325
//
// the number of rows before it, and what tells this file from another one.
const (
	rowLabel  = "row="
	fileLabel = ",file="
)

// appendPosition adds the text of the position behind row rows to b.
func appendPosition(b []byte, row int64, file uint64) []byte {
	b = strconv.AppendInt(append(b, rowLabel...), row, 10)
	b = append(b, fileLabel...)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[file>>shift&0xf])
	}
	return b
}

// parsePosition reads what appendPosition wrote, and nothing else.
func parsePosition(p weir.Position) (row int64, file uint64, err error) {
	text, ok := strings.CutPrefix(string(p), rowLabel)
	number, id, found := strings.Cut(text, fileLabel)
	row, errRow := strconv.ParseInt(number, 10, 64)
	file, errFile := strconv.ParseUint(id, 16, 64)
	if !ok || !found || errRow != nil || errFile != nil || row < 0 || string(appendPosition(nil, row, file)) != string(p) {
		return 0, 0, invalid("the position %q is not of this source; it looks like row=4096,file=cbf29ce484222325", p.String())
	}
	return row, file, nil
}
