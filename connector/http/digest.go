package http

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"net/http"
	"strings"
)

// A digest checks content against what the server said of it.
type digest struct {
	name string
	want []byte
	hash hash.Hash
}

// algorithms are those that are checked, the strongest first.
var algorithms = []struct {
	name string
	new  func() hash.Hash
}{
	{"sha-512", sha512.New},
	{"sha-256", sha256.New},
}

// digestOf returns the strongest digest that a whole answer (200) came with, or
// nil. What cannot be understood is as good as not sent.
func digestOf(h http.Header) *digest {
	sent := map[string][]byte{}
	for _, name := range []string{"Repr-Digest", "Content-Digest"} { // RFC 9530: a dictionary of byte sequences
		members(h.Values(name), func(key, value string) {
			if inner, ok := strings.CutPrefix(value, ":"); ok && strings.HasSuffix(inner, ":") {
				note(sent, key, strings.TrimSuffix(inner, ":"))
			}
		})
	}
	members(h.Values("Digest"), func(key, value string) { note(sent, key, value) }) // RFC 3230
	for _, a := range algorithms {
		if want := sent[a.name]; len(want) == a.new().Size() {
			return &digest{name: a.name, want: want, hash: a.new()}
		}
	}
	return nil
}

// members calls f with each key=value of comma-separated lists.
func members(lists []string, f func(key, value string)) {
	for _, list := range lists {
		for member := range strings.SplitSeq(list, ",") {
			if key, value, ok := strings.Cut(strings.TrimSpace(member), "="); ok {
				f(strings.ToLower(key), value)
			}
		}
	}
}

func note(sent map[string][]byte, key, text string) {
	if sum, err := base64.StdEncoding.DecodeString(text); err == nil {
		sent[key] = sum
	}
}

// ok reports whether the content that was hashed is what was meant.
func (d *digest) ok() bool { return subtle.ConstantTimeCompare(d.hash.Sum(nil), d.want) == 1 }
