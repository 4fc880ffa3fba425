package http

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weirflow/weir"
)

// A validator tells whether content is still the same: a strong entity tag, or
// the date of the last modification, as they stand in If-Range. "": there is
// none.
type validator string

// validatorOf returns the strong validator of an answer (RFC 9110, section 8.8).
// A date is strong when the answer is at least a second younger.
func validatorOf(h http.Header) validator {
	if tag := h.Get("ETag"); strongTag(tag) {
		return validator(tag)
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return ""
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || date.Sub(modified) < time.Second {
		return ""
	}
	return validator(modified.UTC().Format(http.TimeFormat))
}

// strongTag reports whether tag is a quoted string that is not weak.
func strongTag(tag string) bool {
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return false
	}
	for _, c := range []byte(tag[1 : len(tag)-1]) {
		if c <= ' ' || c == '"' || c == 0x7f {
			return false
		}
	}
	return true
}

// A position's text is off=N, then a space and the validator, if there is one
// that has room.
const positionPrefix = "off="

// maxValidator is the longest validator that fits a position.
const maxValidator = weir.MaxPosition - len(positionPrefix) - 20

func appendPosition(b []byte, off int64, v validator) []byte {
	b = strconv.AppendInt(append(b, positionPrefix...), off, 10)
	if v == "" || len(v) > maxValidator {
		return b
	}
	return append(append(b, ' '), v...)
}

// parsePosition reads what appendPosition writes, and nothing else.
func parsePosition(p weir.Position) (off int64, v validator, err error) {
	text, ok := strings.CutPrefix(string(p), positionPrefix)
	number, rest, found := strings.Cut(text, " ")
	off, err = strconv.ParseInt(number, 10, 64)
	v = validator(rest)
	if !ok || err != nil || off < 0 || found && !v.valid() || string(appendPosition(nil, off, v)) != string(p) {
		return 0, "", fmt.Errorf("the position %q is not of a download; it looks like off=4096 \"tag\"", p.String())
	}
	return off, v, nil
}

func (v validator) valid() bool {
	if strongTag(string(v)) {
		return true
	}
	t, err := http.ParseTime(string(v))
	return err == nil && t.UTC().Format(http.TimeFormat) == string(v)
}

// parseContentRange reads the Content-Range of a 206: "bytes 5-9/10", of which
// the total may be "*" (RFC 9110, section 14.4). total is then unknown.
func parseContentRange(text string) (first, last, total int64, err error) {
	bad := errors.New("the Content-Range is malformed")
	unit, rest, ok := strings.Cut(text, " ")
	span, size, found := strings.Cut(rest, "/")
	from, to, dash := strings.Cut(span, "-")
	if !ok || !found || !dash || !strings.EqualFold(unit, "bytes") {
		return 0, 0, 0, bad
	}
	if first, err = parseDigits(from); err != nil {
		return 0, 0, 0, bad
	}
	if last, err = parseDigits(to); err != nil || last < first {
		return 0, 0, 0, bad
	}
	if size == "*" {
		return first, last, weir.UnknownSize, nil
	}
	if total, err = parseDigits(size); err != nil || total <= last {
		return 0, 0, 0, bad
	}
	return first, last, total, nil
}

// parseDigits reads a number that is written with digits alone.
func parseDigits(text string) (int64, error) {
	if strings.Trim(text, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(text, 10, 64)
}
