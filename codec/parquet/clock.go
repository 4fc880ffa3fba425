package parquet

import (
	"encoding/binary"
	"strconv"
)

const (
	secondsOfDay = 24 * 60 * 60
	// julianEpoch is the Julian day of 1970-01-01.
	julianEpoch = 2440588
)

// powersOf10 are the parts of a second by the number of digits.
var powersOf10 = [...]int64{3: 1e3, 6: 1e6, 9: 1e9}

// floorDiv divides and rounds down, so that what is left is not negative.
func floorDiv(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		return quotient - 1, rest + b
	}
	return quotient, rest
}

// appendDate appends the date that is so many days after 1970-01-01, in the
// Gregorian calendar, as "2006-01-02". A year outside of 0 to 9999 has a sign and
// six digits or more.
func appendDate(b []byte, days int64) []byte {
	// Years begin in March here, so that the leap day is the last one.
	era, day := floorDiv(days+719468, 146097) // days of 400 years
	year := (day - day/1460 + day/36524 - day/146096) / 365
	day -= 365*year + year/4 - year/100
	month := (5*day + 2) / 153
	day -= (153*month+2)/5 - 1
	year += 400 * era
	if month += 3; month > 12 {
		month -= 12
		year++
	}
	switch {
	case year > 9999:
		b = appendFar(append(b, '+'), year)
	case year >= 0:
		b = two(two(b, year/100), year%100)
	default:
		b = appendFar(append(b, '-'), -year)
	}
	return two(append(two(append(b, '-'), month), '-'), day)
}

// appendFar appends a year with six digits or more.
func appendFar(b []byte, year int64) []byte {
	for limit := int64(100_000); limit > year && limit > 1; limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, year, 10)
}

func two(b []byte, n int64) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// appendClock appends a time of day in parts of a second of so many digits.
func appendClock(b []byte, parts int64, digits int) []byte {
	var part, of int64
	if digits > 0 {
		of = powersOf10[digits]
		parts, part = floorDiv(parts, of)
	}
	_, seconds := floorDiv(parts, secondsOfDay)
	b = append(two(b, seconds/3600), ':')
	b = append(two(b, seconds/60%60), ':')
	b = two(b, seconds%60)
	if digits == 0 {
		return b
	}
	b = append(b, '.')
	for of /= 10; of > 0; of /= 10 {
		b = append(b, byte('0'+part/of%10))
	}
	return b
}

// appendTimestamp appends the time that is so many parts of a second after
// 1970-01-01T00:00:00, with a Z if it is UTC.
func appendTimestamp(b []byte, parts int64, digits int, utc bool) []byte {
	perDay := int64(secondsOfDay)
	if digits > 0 {
		perDay *= powersOf10[digits]
	}
	days, rest := floorDiv(parts, perDay)
	b = appendClock(append(appendDate(b, days), 'T'), rest, digits)
	if utc {
		b = append(b, 'Z')
	}
	return b
}

// appendInt96 appends an old timestamp: nanoseconds of the day, and the Julian
// day.
func appendInt96(b, v []byte) []byte {
	day := int64(int32(binary.LittleEndian.Uint32(v[8:]))) - julianEpoch
	more, rest := floorDiv(int64(binary.LittleEndian.Uint64(v)), secondsOfDay*1e9)
	b = appendClock(append(appendDate(b, day+more), 'T'), rest, 9)
	return append(b, 'Z')
}

// appendInterval appends months, days and milliseconds as an ISO 8601 duration.
func appendInterval(b, v []byte) []byte {
	b = strconv.AppendUint(append(b, 'P'), uint64(binary.LittleEndian.Uint32(v)), 10)
	b = strconv.AppendUint(append(b, 'M'), uint64(binary.LittleEndian.Uint32(v[4:])), 10)
	millis := binary.LittleEndian.Uint32(v[8:])
	b = strconv.AppendUint(append(b, 'D', 'T'), uint64(millis/1000), 10)
	b = append(b, '.', byte('0'+millis/100%10), byte('0'+millis/10%10), byte('0'+millis%10))
	return append(b, 'S')
}
