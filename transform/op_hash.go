package transform

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/zeebo/xxh3"
)

// algorithms are what hash knows, each with the length of its digest in bytes.
// The order is that of the list in an error.
var algorithms = []struct {
	name string
	size int
	sum  func(dst, text []byte) []byte
}{
	{"sha256", sha256.Size, func(dst, text []byte) []byte { d := sha256.Sum256(text); return hex.AppendEncode(dst, d[:]) }},
	{"sha512", sha512.Size, func(dst, text []byte) []byte { d := sha512.Sum512(text); return hex.AppendEncode(dst, d[:]) }},
	{"sha1", sha1.Size, func(dst, text []byte) []byte { d := sha1.Sum(text); return hex.AppendEncode(dst, d[:]) }},
	{"md5", md5.Size, func(dst, text []byte) []byte { d := md5.Sum(text); return hex.AppendEncode(dst, d[:]) }},
	{"xxh3", 8, func(dst, text []byte) []byte {
		var d [8]byte
		binary.BigEndian.PutUint64(d[:], xxh3.Hash(text))
		return hex.AppendEncode(dst, d[:])
	}},
}

// hashOp replaces fields by the digest of the salt and their text.
type hashOp struct {
	at   []ref
	salt []byte
	sum  func(dst, text []byte) []byte
}

// parseHash parses PATH {, PATH} [with ALGORITHM [(SALT)]].
func parseHash(s *scanner) (Statement, error) {
	all, err := s.paths()
	if err != nil {
		return Statement{}, err
	}
	algorithm, k := algorithms[0], salt{}
	if s.acceptWord("with") {
		s.skip()
		at := s.i
		name, found := s.word(), false
		for _, a := range algorithms {
			if a.name == name {
				algorithm, found = a, true
			}
		}
		if !found {
			return Statement{}, s.errorf(at, "hash takes %s", algorithmNames())
		}
		if k, err = s.salt(); err != nil {
			return Statement{}, err
		}
	}
	return Statement{short("hash", all), func(b *builder) (op, error) {
		text := k.text
		if k.env != "" {
			var found bool
			if text, found = b.o.Getenv(k.env); !found || text == "" {
				return nil, s.errorf(k.at, "the environment variable %s, which holds the salt, is not set", k.env)
			}
		}
		b.p.cost.texts = true
		b.p.cost.add(len(all) * (2*algorithm.size + len(`""`) - len(`0`)))
		return &hashOp{at: b.refs(all), salt: []byte(text), sum: algorithm.sum}, nil
	}}, nil
}

func algorithmNames() string {
	names := make([]string, 0, len(algorithms))
	for _, a := range algorithms {
		names = append(names, a.name)
	}
	return strings.Join(names, ", ")
}

// A salt is what is hashed before a value, or where to find it.
type salt struct {
	text string
	env  string // the name of an environment variable; empty: text is the salt
	at   int    // in the program
}

// salt reads (SALT): a word, a text in quotes, or $NAME; or nothing.
func (s *scanner) salt() (k salt, err error) {
	k.at = s.i
	if !s.accept('(') {
		return k, nil
	}
	k.at = s.i
	ok := false
	k.text, ok, err = s.quoted()
	if !ok && err == nil {
		k.text = s.word()
		if name, isEnv := strings.CutPrefix(k.text, "$"); isEnv {
			k.text, k.env = "", name
		}
	}
	if err != nil || k.text+k.env == "" || !s.accept(')') {
		return k, s.errorf(k.at, "a salt is a word, a text in quotes or $NAME for an environment variable, in parentheses")
	}
	return k, nil
}

func (o *hashOp) apply(w *worker) (verdict, error) {
	for i := range o.at {
		if err := w.editAt(o.at[i], o); err != nil {
			return next, err
		}
	}
	return next, nil
}

// edit hashes what a string says, or the text of a number, true or false. Null
// stays null.
func (o *hashOp) edit(w *worker, dst, val []byte) ([]byte, change, error) {
	room := len(o.salt)
	if len(val) > 0 && val[0] == '"' {
		room += len(val)
	}
	buf, err := w.extend(w.text[0][:0], room)
	if err != nil {
		return dst, unchanged, err
	}
	buf = append(buf, o.salt...)
	switch k := kindOf(val); k {
	case missing, null:
		return dst, unchanged, nil
	case array, object:
		return dst, unchanged, &cannot{do: "hash it", kind: k, hint: "hash takes a string, a number, true or false"}
	case text:
		buf = appendText(buf, val)
	default:
		buf = append(buf, val...)
	}
	w.text[0] = buf
	dst = o.sum(append(dst, '"'), buf)
	return append(dst, '"'), changed, nil
}
