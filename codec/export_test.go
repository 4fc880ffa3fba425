package codec

import "github.com/weirflow/weir"

// Reparse returns the text of the position that text is parsed as.
func Reparse(text weir.Position) (string, error) {
	p, err := parsePosition(text)
	if err != nil {
		return "", err
	}
	return string(p.append(nil)), nil
}

// InnerOf returns the part of a position that is the inner stream's.
func InnerOf(text weir.Position) (weir.Position, error) {
	p, err := parsePosition(text)
	return p.inner, err
}

// FrameAll returns the ends of the records of data, which is shown to the framer of
// f in pieces whose sizes piece gives, and for which there is room for few at a
// time.
func FrameAll(f Format, data []byte, piece, room func() int) (ends []int, err error) {
	f = f.withDefaults()
	row, _ := lookup(f.Name)
	fr := row.framer(f)
	at, start := 0, 0
	for seen := 0; seen < len(data) || at < seen; {
		if at == seen {
			seen = min(len(data), seen+piece())
		}
		some := make([]uint32, room())
		n, next, err := fr.frame(data[:seen], at, some)
		for _, end := range some[:n] {
			ends = append(ends, int(end))
			start = int(end)
		}
		at = next
		if err != nil {
			return ends, err
		}
	}
	record, err := fr.finish()
	if err == nil && record && start < len(data) {
		ends = append(ends, len(data))
	}
	return ends, err
}
