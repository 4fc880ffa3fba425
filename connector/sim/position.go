package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weirflow/weir"
)

const positionPrefix = "off="

// setPosition stores the offset as b's position.
func setPosition(b *weir.Batch, off int64) {
	var buf [len(positionPrefix) + 20]byte
	b.SetPosition(strconv.AppendInt(append(buf[:0], positionPrefix...), off, 10))
}

// parsePosition returns the offset in p. It accepts what setPosition writes
// and nothing else.
func parsePosition(p weir.Position) (int64, error) {
	text, ok := strings.CutPrefix(string(p), positionPrefix)
	off, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || off < 0 || strconv.FormatInt(off, 10) != text {
		return 0, fmt.Errorf("the position %q is not of this source; it looks like off=4096", p.String())
	}
	return off, nil
}
