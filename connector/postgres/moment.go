package postgres

import (
	"math"
	"strconv"
)

const (
	microsPerSecond = 1_000_000
	microsPerDay    = 24 * 60 * 60 * microsPerSecond
	// daysTo2000 is how many days 2000-01-01 is after 1970-01-01.
	daysTo2000 = 10957
)

// moment is a time as text gave it.
type moment struct {
	days   int64 // since 2000-01-01
	micros int64 // since midnight, may be the day after
	offset int64 // of the zone, in microseconds east of Greenwich
	timed  bool  // a time of day was given
	zoned  bool  // a zone was given
}

// parseMoment takes the forms of RFC 3339, with a blank in the place of the T or
// not, with or without a zone, or a date alone, of the years from 1 to 9999. The
// server takes more; what it takes of these it understands in the same way.
func parseMoment(b []byte) (m moment, ok bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return m, false
	}
	year, month, day := digits(b[:4]), digits(b[5:7]), digits(b[8:10])
	if year < 1 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month) {
		return m, false
	}
	m.days = daysSince2000(year, month, day)
	if len(b) == 10 {
		return m, true
	}
	if len(b) < 19 || b[10]|0x20 != 't' && b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return m, false
	}
	hour, minute, second := digits(b[11:13]), digits(b[14:16]), digits(b[17:19])
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return m, false
	}
	m.timed = true
	m.micros = ((hour*60+minute)*60 + second) * microsPerSecond
	b = b[19:]
	if len(b) > 0 && b[0] == '.' {
		n := 1
		for n < len(b) && isDigit(b[n]) {
			n++
		}
		micros, ok := fraction(b[:n])
		if !ok {
			return m, false
		}
		m.micros += micros
		b = b[n:]
	}
	m.offset, m.zoned, ok = parseZone(b)
	return m, ok
}

// fraction returns the microseconds of a fraction of a second, with its point. It
// rounds as the server does.
func fraction(b []byte) (micros int64, ok bool) {
	if len(b) < 2 {
		return 0, false
	}
	if len(b) > 7 {
		f, err := strconv.ParseFloat(string(b), 64)
		return int64(math.RoundToEven(f * microsPerSecond)), err == nil
	}
	scale := int64(microsPerSecond)
	for _, c := range b[1:] {
		micros = micros*10 + int64(c-'0')
		scale /= 10
	}
	return micros * scale, true
}

// parseZone takes Z, +hh, +hhmm, +hh:mm or nothing.
func parseZone(b []byte) (offset int64, zoned, ok bool) {
	switch {
	case len(b) == 0:
		return 0, false, true
	case len(b) == 1 && b[0]|0x20 == 'z':
		return 0, true, true
	case b[0] != '+' && b[0] != '-':
		return 0, false, false
	}
	sign := int64(1)
	if b[0] == '-' {
		sign = -1
	}
	b = b[1:]
	minute := int64(0)
	switch {
	case len(b) == 5 && b[2] == ':':
		minute = digits(b[3:])
	case len(b) == 4:
		minute = digits(b[2:])
	case len(b) != 2:
		return 0, false, false
	}
	hour := digits(b[:2])
	if hour < 0 || hour > 15 || minute < 0 || minute > 59 {
		return 0, false, false
	}
	return sign * (hour*60 + minute) * 60 * microsPerSecond, true, true
}

// digits returns the number that b stands for, -1 if it is none.
func digits(b []byte) int64 {
	n := int64(0)
	for _, c := range b {
		if !isDigit(c) {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func daysOf(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince2000 counts in years that begin in March, so that a leap day is the last
// of its year.
func daysSince2000(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	inYear := (153*(month-3)+2)/5 + day - 1
	era, of := year/400, year%400
	return era*146097 + of*365 + of/4 - of/100 + inYear - 719468 - daysTo2000
}
