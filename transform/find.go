package transform

import (
	"bytes"
	"regexp"
)

// emailFinder finds e-mail addresses: letters, digits and ._%+-' before the @,
// labels of letters, digits and - behind it, of which the last has two letters
// or more. Characters beyond ASCII count as letters.
type emailFinder struct{}

func (emailFinder) find(s []byte, from int) (start, end int) {
	for i := from; i < len(s); i++ {
		n := bytes.IndexByte(s[i:], '@')
		if n < 0 {
			break
		}
		i += n
		start := i
		for start > from && inLocal(s, start-1) {
			start--
		}
		for start < i && s[start] == '.' {
			start++
		}
		if end := domainEnd(s, i+1); start < i && end > 0 {
			return start, end
		}
	}
	return -1, -1
}

// inLocal reports whether s[i] can stand before the @ of an address.
func inLocal(s []byte, i int) bool {
	switch c := s[i]; {
	case isAlnum(c) || c >= 0x80:
		return true
	case c == '\'':
		return i > 0 && isAlnum(s[i-1])
	default:
		return c == '.' || c == '_' || c == '%' || c == '+' || c == '-'
	}
}

// domainEnd returns where the domain that begins at s[i] ends; -1: it is none.
func domainEnd(s []byte, i int) int {
	end, label, letters := -1, i, 0
	for ; i <= len(s); i++ {
		switch {
		case i < len(s) && (isLetter(s[i]) || s[i] >= 0x80):
			letters++
		case i < len(s) && (isDigit(s[i]) || s[i] == '-' && i > label):
			if letters >= 2 && s[label-1] == '.' {
				end = i // a last label has letters only: what is here follows it
			}
			letters = -len(s)
		default:
			if i == label {
				return end
			}
			if s[label-1] == '.' && letters >= 2 {
				end = i
			}
			if i == len(s) || s[i] != '.' {
				return end
			}
			label, letters = i+1, 0
		}
	}
	return end
}

func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { return c|0x20-'a' < 26 }
func isAlnum(c byte) bool  { return isDigit(c) || isLetter(c) }

func isHex(c byte) bool { return isDigit(c) || c|0x20-'a' < 6 }

// ipv4Finder finds addresses of four numbers up to 255. More than four numbers
// with dots between them are no address.
type ipv4Finder struct{}

func (ipv4Finder) find(s []byte, from int) (start, end int) {
	for i := from; i < len(s); i++ {
		n := bytes.IndexByte(s[i:], '.')
		if n < 0 {
			break
		}
		i += n
		start := i
		for start > from && isDigit(s[start-1]) {
			start--
		}
		if start == i || start > 1 && s[start-1] == '.' && isDigit(s[start-2]) {
			continue
		}
		if end := ipv4End(s, start); end > 0 {
			return start, end
		}
	}
	return -1, -1
}

// ipv4End returns where the address that begins at s[i] ends; -1: it is none.
func ipv4End(s []byte, i int) int {
	for part := range 4 {
		if part > 0 {
			if i >= len(s) || s[i] != '.' {
				return -1
			}
			i++
		}
		n, first := 0, i
		for i < len(s) && isDigit(s[i]) && i-first < 3 {
			n = n*10 + int(s[i]-'0')
			i++
		}
		if i == first || n > 255 {
			return -1
		}
	}
	if i < len(s) && isDigit(s[i]) || i+1 < len(s) && s[i] == '.' && isDigit(s[i+1]) {
		return -1
	}
	return i
}

// ipv6Finder finds addresses of eight groups, or fewer with :: between them; the
// last two may be an IPv4 address.
type ipv6Finder struct{}

func (ipv6Finder) find(s []byte, from int) (start, end int) {
	for i := from; i < len(s); i++ {
		n := bytes.IndexByte(s[i:], ':')
		if n < 0 {
			break
		}
		i += n
		start, end := i, i
		for start > from && inIPv6(s[start-1]) {
			start--
		}
		for end < len(s) && inIPv6(s[end]) {
			end++
		}
		next := end
		if end-start > 2 && s[start] == ':' && s[start+1] != ':' {
			start++
		}
		for end > start && s[end-1] == '.' {
			end--
		}
		if end-start > 2 && s[end-1] == ':' && s[end-2] != ':' {
			end--
		}
		open := start == 0 || !isAlnum(s[start-1]) && s[start-1] != '_'
		closed := next >= len(s) || !isAlnum(s[next]) && s[next] != '_'
		if open && closed && isIPv6(s[start:end]) {
			return start, end
		}
		i = next - 1
	}
	return -1, -1
}

func inIPv6(c byte) bool { return isHex(c) || c == ':' || c == '.' }

// isIPv6 reports whether s is an address other than "::".
func isIPv6(s []byte) bool {
	if len(s) < 3 {
		return false
	}
	groups, short := 0, false
	for i := 0; i < len(s); {
		switch {
		case bytes.HasPrefix(s[i:], []byte("::")):
			if i += 2; short || i < len(s) && s[i] == ':' {
				return false
			}
			short = true
			continue
		case s[i] == ':':
			if i == 0 {
				return false
			}
			i++
		}
		first := i
		for i < len(s) && isHex(s[i]) {
			i++
		}
		if i < len(s) && s[i] == '.' {
			return ipv4End(s, first) == len(s) && (groups == 6 && !short || short && groups < 6)
		}
		if i == first || i-first > 4 {
			return false
		}
		groups++
	}
	return groups == 8 && !short || short && groups < 8
}

// cardFinder finds card numbers: 13 to 19 digits, single spaces or hyphens
// between them, that begin with 2 to 6 and satisfy the Luhn checksum.
type cardFinder struct{}

const (
	minCard = 13
	maxCard = 19
)

func (cardFinder) find(s []byte, from int) (start, end int) {
	for i := from; i <= len(s)-minCard; i++ {
		if !isDigit(s[i]) {
			continue
		}
		if i == 0 || !isDigit(s[i-1]) && (s[i-1] != '.' || i < 2 || !isDigit(s[i-2])) {
			if end := cardEnd(s, i); end > 0 {
				return i, end
			}
		}
		for i+1 < len(s) && isDigit(s[i+1]) {
			i++
		}
	}
	return -1, -1
}

// cardEnd returns where the longest card number that begins at s[i] ends; -1: it
// is none.
func cardEnd(s []byte, i int) int {
	if s[i] < '2' || s[i] > '6' {
		return -1
	}
	var digits [maxCard]byte
	n, end := 0, -1
	for ; i < len(s); i++ {
		switch {
		case isDigit(s[i]):
			if n == maxCard {
				return end
			}
			digits[n] = s[i] - '0'
			n++
		case (s[i] == ' ' || s[i] == '-') && i+1 < len(s) && isDigit(s[i+1]):
			continue
		default:
			return end
		}
		ends := i+1 == len(s) || !isDigit(s[i+1])
		if ends && n >= minCard && luhn(digits[:n]) {
			end = i + 1
		}
	}
	return end
}

// luhn reports whether the checksum of digits is right.
func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// regexpFinder is a custom pattern. Its matches are replaced by the regexp
// package, which sees what stands before a match.
type regexpFinder struct{ re *regexp.Regexp }

func (f regexpFinder) find(s []byte, from int) (start, end int) {
	at := f.re.FindIndex(s[from:])
	if at == nil {
		return -1, -1
	}
	return from + at[0], from + at[1]
}
