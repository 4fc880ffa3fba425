package codec

import (
	"bytes"
	"encoding/base64"
	"errors"
	"unicode/utf8"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

// A textWriter passes JSON values on, without the line ends in them.
type textWriter struct{ check bool }

func (w textWriter) begin(_, out *weir.Batch) error {
	out.SetHeader(nil)
	return nil
}

func (w textWriter) put(dst, src []byte, i, end int) (int, error) {
	rec := src[i:end]
	if w.check {
		if err := jsonscan.Check(rec); err != nil {
			return 0, err
		}
	}
	if len(rec)+slack > len(dst) {
		return 0, weir.ErrBatchFull
	}
	if bytes.IndexByte(rec, '\n') >= 0 || bytes.IndexByte(rec, '\r') >= 0 {
		return len(jsonscan.Compact(dst[:0], rec)), nil
	}
	return copy(dst, rec), nil
}

// A messageWriter writes any bytes as an object with one member.
type messageWriter struct {
	key, keyBase64 rowKey
	text           InvalidText
}

func newMessageWriter(o ConvertOptions) *messageWriter {
	return &messageWriter{
		key:       newRowKey(0, []byte(o.Key)),
		keyBase64: newRowKey(0, []byte(o.Key+"_base64")),
		text:      o.Text,
	}
}

func (w *messageWriter) begin(_, out *weir.Batch) error {
	out.SetHeader(nil)
	return nil
}

func (w *messageWriter) put(dst, src []byte, i, end int) (int, error) {
	rec := src[i:end]
	if w.text == Base64 && !utf8.Valid(rec) {
		return w.base64(dst, rec)
	}
	if w.key.room > len(dst)-slack {
		return 0, weir.ErrBatchFull
	}
	n := w.key.put(dst, 0)
	dst[n] = '"'
	n, err := putText(dst, n+1, rec, false, w.text == Refuse)
	if err != nil {
		return 0, err
	}
	return n + copy(dst[n:], `"}`), nil
}

func (w *messageWriter) base64(dst, rec []byte) (int, error) {
	size := base64.StdEncoding.EncodedLen(len(rec))
	if w.keyBase64.room+size+slack > len(dst) {
		return 0, weir.ErrBatchFull
	}
	n := w.keyBase64.put(dst, 0)
	dst[n] = '"'
	base64.StdEncoding.Encode(dst[n+1:], rec)
	n += 1 + size
	return n + copy(dst[n:], `"}`), nil
}

var (
	errLineEnd = errors.New("the record holds a line end, which ends records of this format")
	errZero    = errors.New("the record holds a zero byte, which ends records of this format")
)

// A bytesWriter passes any bytes on.
type bytesWriter struct{ line, nul bool }

func (w bytesWriter) begin(_, out *weir.Batch) error {
	out.SetHeader(nil)
	return nil
}

func (w bytesWriter) put(dst, src []byte, i, end int) (int, error) {
	rec := src[i:end]
	switch {
	case w.line && (bytes.IndexByte(rec, '\n') >= 0 || bytes.HasSuffix(rec, []byte{'\r'})):
		return 0, errLineEnd
	case w.nul && bytes.IndexByte(rec, 0) >= 0:
		return 0, errZero
	case len(rec)+slack > len(dst):
		return 0, weir.ErrBatchFull
	}
	return copy(dst, rec), nil
}
