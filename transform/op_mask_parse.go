package transform

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/weirflow/weir/codec/jsonscan"
)

// parseMask parses PATTERN {, PATTERN} [in PATH {, PATH}] [with TEXT].
func parseMask(s *scanner) (Statement, error) {
	o := maskOp{with: []byte("*"), each: true}
	var names []string
	for {
		f, name, err := s.finders()
		if err != nil {
			return Statement{}, err
		}
		o.finders, names = append(o.finders, f...), append(names, name)
		if !s.accept(',') {
			break
		}
		s.skipLines()
	}
	var all []path
	var err error
	if s.acceptWord("in") {
		if all, err = s.paths(); err != nil {
			return Statement{}, err
		}
	}
	if s.acceptWord("with") {
		with, err := s.textOrMark()
		if err != nil {
			return Statement{}, err
		}
		o.with, o.each = []byte(with), utf8.RuneCountInString(with) == 1
	}
	o.simple = len(jsonscan.Quote(nil, o.with)) == len(o.with)+len(`""`)
	return Statement{"mask " + strings.Join(names, ", "), func(b *builder) (op, error) {
		made := o
		made.at = b.refs(all)
		b.p.cost.mask(&made)
		return &made, nil
	}}, nil
}

// finders reads the name of a pattern or a regular expression /re/.
func (s *scanner) finders() (all []finder, name string, err error) {
	s.skip()
	at := s.i
	if s.i < len(s.src) && s.src[s.i] == '/' {
		re, err := s.regexp()
		if err != nil {
			return nil, "", err
		}
		return []finder{regexpFinder{re}}, "/…/", nil
	}
	name = s.word()
	if all = finderOf(name); all == nil {
		return nil, "", s.errorf(at, "mask takes email, ipv4, ipv6, ip, card or /regular expression/")
	}
	return all, name, nil
}

// regexp reads /re/ or, without regard to case, /re/i.
func (s *scanner) regexp() (*regexp.Regexp, error) {
	start := s.i
	var b strings.Builder
	for s.i++; ; s.i++ {
		if s.i >= len(s.src) || s.src[s.i] == '\n' {
			return nil, s.errorf(start, "the / that opens here is not closed")
		}
		c := s.src[s.i]
		if c == '/' {
			s.i++
			break
		}
		if c == '\\' && s.i+1 < len(s.src) && s.src[s.i+1] != '\n' {
			s.i++
			if s.src[s.i] != '/' {
				b.WriteByte(c)
			}
		}
		b.WriteByte(s.src[s.i])
	}
	expr := b.String()
	if s.i < len(s.src) && s.src[s.i] == 'i' {
		s.i++
		expr = "(?i:" + expr + ")"
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, s.errorf(start, "%v", err)
	}
	return re, nil
}

// textOrMark reads a text in quotes, or what stands up to the next white space.
func (s *scanner) textOrMark() (string, error) {
	text, ok, err := s.quoted()
	if ok || err != nil {
		return text, err
	}
	start := s.i
	for s.i < len(s.src) && s.src[s.i] > ' ' && !isSeparator(s.src[s.i]) {
		s.i++
	}
	if s.i == start {
		return "", s.unexpected("a character or a text")
	}
	return s.src[start:s.i], nil
}

// finderOf returns the built-in finder called name; nil: there is none.
func finderOf(name string) []finder {
	switch name {
	case "email":
		return []finder{emailFinder{}}
	case "ipv4":
		return []finder{ipv4Finder{}}
	case "ipv6":
		return []finder{ipv6Finder{}}
	case "ip":
		return []finder{ipv6Finder{}, ipv4Finder{}}
	case "card":
		return []finder{cardFinder{}}
	}
	return nil
}
