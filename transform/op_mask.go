package transform

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/weirflow/weir/codec/jsonscan"
)

// A finder finds one kind of text.
type finder interface {
	// find returns where the first match in s that begins at or behind from
	// stands; start is -1 if there is none.
	find(s []byte, from int) (start, end int)
}

// maskOp replaces what finders find in strings: in some fields, or in all. The
// finders work one after the other.
type maskOp struct {
	finders []finder
	at      []ref  // empty: everywhere
	with    []byte // written for a match
	each    bool   // with is one character, written for each of the match
	simple  bool   // with stands in a JSON string as it is
}

func (o *maskOp) apply(w *worker) (verdict, error) {
	if len(o.at) == 0 {
		return next, o.everywhere(w)
	}
	for i := range o.at {
		if err := w.editAt(o.at[i], o); err != nil {
			return next, err
		}
	}
	return next, nil
}

// edit masks a value that the statement names. Its numbers are masked too, and
// become strings.
func (o *maskOp) edit(w *worker, dst, val []byte) ([]byte, change, error) {
	return o.mask(w, dst, val, true)
}

// everywhere masks all strings of the record; names of members and numbers stay.
func (o *maskOp) everywhere(w *worker) error {
	if !w.rec.edited && o.impossible(w.rec.raw) {
		return nil
	}
	for i := range w.rec.obj.Members {
		if val := w.rec.valueAt(i); val != nil {
			if err := o.replace(w, int32(i), none, val); err != nil {
				return err
			}
		}
	}
	if !w.rec.edited {
		return nil
	}
	for _, c := range w.rec.added {
		if !w.rec.cells[c].gone {
			if err := o.replace(w, none, c, w.rec.cells[c].val); err != nil {
				return err
			}
		}
	}
	return nil
}

// impossible reports whether raw lacks what all matches have.
func (o *maskOp) impossible(raw []byte) bool {
	if len(o.finders) != 1 || o.finders[0] != (emailFinder{}) {
		return false
	}
	return bytes.IndexByte(raw, '@') < 0 && !bytes.Contains(raw, []byte(`\u`))
}

// replace masks val, which stands at place i or in the added cell c.
func (o *maskOp) replace(w *worker, i, c int32, val []byte) error {
	if k := kindOf(val); k != text && k != array && k != object {
		return nil
	}
	n := len(w.scratch)
	dst, what, err := o.mask(w, w.scratch, val, false)
	if err == nil && what == changed {
		w.scratch = dst
		w.rec.replace(i, c, dst[n:len(dst):len(dst)])
	}
	return err
}

// mask appends val with its matches replaced, if it has any.
//
// val[:done] is what has been dealt with. It need not be taken apart: a string
// is a member's name if a colon follows.
func (o *maskOp) mask(w *worker, dst, val []byte, numbers bool) ([]byte, change, error) {
	if val[0] == '"' {
		return o.maskScalar(w, dst, nil, val)
	}
	done := 0
	for i := 0; i < len(val); {
		c := val[i]
		isText, isNumber := c == '"', numbers && (c == '-' || '0' <= c && c <= '9')
		if !isText && !isNumber {
			i++
			continue
		}
		end := skipValue(val, i)
		if !isText || !isKey(val, end) {
			var what change
			var err error
			if dst, what, err = o.maskScalar(w, dst, val[done:i], val[i:end]); err != nil {
				return dst, unchanged, err
			}
			if what == changed {
				done = end
			}
		}
		i = end
	}
	if done == 0 {
		return dst, unchanged, nil
	}
	dst, err := w.extend(dst, len(val)-done)
	if err != nil {
		return dst, unchanged, err
	}
	return append(dst, val[done:]...), changed, nil
}

// isKey reports whether the string that ends before val[i] names a member.
func isKey(val []byte, i int) bool {
	for i < len(val) && val[i] <= ' ' {
		i++
	}
	return i < len(val) && val[i] == ':'
}

// maskScalar appends before and the string or number val with its matches
// replaced, if it has any.
func (o *maskOp) maskScalar(w *worker, dst, before, val []byte) ([]byte, change, error) {
	s, plain, turn := val, true, 0
	var err error
	if val[0] == '"' {
		s = val[1 : len(val)-1]
		if plain = plainText(val); !plain {
			if w.text[0], err = w.extend(w.text[0][:0], len(val)); err != nil {
				return dst, unchanged, err
			}
			w.text[0] = appendText(w.text[0], val)
			s, turn = w.text[0], 1
		}
	}
	what := unchanged
	for _, f := range o.finders {
		if re, ok := f.(regexpFinder); ok {
			if re.re.Match(s) {
				what = changed
				s, err = o.replaceMatches(w, re.re, s)
			}
		} else if start, end := f.find(s, 0); start >= 0 {
			what = changed
			if w.text[turn], err = w.extend(w.text[turn][:0], len(s)+len(s)/8); err == nil {
				w.text[turn], err = o.replaceFound(f, w.text[turn], s, start, end, w.limit)
			}
			s, turn = w.text[turn], 1-turn
		}
		if err != nil {
			return dst, unchanged, err
		}
	}
	if what == unchanged {
		return dst, unchanged, nil
	}
	if dst, err = w.extend(dst, len(before)+len(s)+len(s)/8); err != nil {
		return dst, unchanged, err
	}
	dst = append(dst, before...)
	if plain && o.simple { // what is left of it stays as it is
		return append(append(append(dst, '"'), s...), '"'), changed, nil
	}
	return jsonscan.Quote(dst, s), changed, nil
}

// replaceFound appends s with what f finds replaced, the first of it from start to
// end.
func (o *maskOp) replaceFound(f finder, dst, s []byte, start, end, limit int) ([]byte, error) {
	done := 0
	for start >= 0 {
		dst = o.appendMask(append(dst, s[done:start]...), s[start:end])
		if len(dst) > limit {
			return dst, errTooLong
		}
		done = end
		start, end = f.find(s, done)
	}
	return append(dst, s[done:]...), nil
}

// replaceMatches returns s with the matches of re replaced.
func (o *maskOp) replaceMatches(w *worker, re *regexp.Regexp, s []byte) ([]byte, error) {
	// The package regexp makes the text on the heap: what is borrowed stands for it.
	if n := 2 * len(s); w.large && n > unasked {
		if _, err := w.borrow(n); err != nil {
			return nil, err
		}
	}
	var mask []byte
	made, limit := 0, w.limit
	out := re.ReplaceAllFunc(s, func(match []byte) []byte {
		mask = mask[:0]
		if len(match) > 0 && made <= limit {
			mask = o.appendMask(mask, match)
			made += len(mask)
		}
		return mask
	})
	if made > limit {
		return nil, errTooLong
	}
	return out, nil
}

// appendMask appends what stands for match.
func (o *maskOp) appendMask(dst, match []byte) []byte {
	if !o.each {
		return append(dst, o.with...)
	}
	for range utf8.RuneCount(match) {
		dst = append(dst, o.with...)
	}
	return dst
}
