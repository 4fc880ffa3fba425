package http

import "github.com/weirflow/weir"

// Name returns the name of the stream of a URL.
func Name(url string) (string, error) {
	s, err := NewSource(url, Options{})
	if err != nil {
		return "", err
	}
	return s.info(weir.UnknownSize).Name, nil
}

// What fuzzing looks at.
var (
	ParsePosition     = parsePosition
	ParseContentRange = parseContentRange
)

// AppendPosition writes a position.
func AppendPosition(off int64, v string) weir.Position {
	return appendPosition(nil, off, validator(v))
}
