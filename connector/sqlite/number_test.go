package sqlite_test

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/weirflow/weir/connector/sqlite"
)

// What is taken as an integer or a float is the number: it has the same value as the
// text, or, of a float, its shortest form has.
func FuzzNumbersKeepTheirDigits(f *testing.F) {
	for _, s := range []string{"0", "-0", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "0.1", "1e400", "5e-324", "0.30000000000000004", "123456789012345.678", "1E+2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var n json.Number
		if strings.Trim(s, "0123456789+-.eE") != "" || json.Unmarshal([]byte(s), &n) != nil {
			return
		}
		want, err := strconv.ParseInt(s, 10, 64)
		if got, ok := sqlite.ParseInt([]byte(s)); ok != (err == nil) || ok && got != want {
			t.Errorf("%s is the integer %d, %t", s, got, ok)
		}
		got, ok := sqlite.ParseFloat([]byte(s))
		exponent := s[strings.IndexAny(s+"e", "eE"):]
		if len(exponent) > 5 || len(s) > 1000 {
			return // big would take for ever
		}
		exact, _ := new(big.Rat).SetString(s)
		short, _ := new(big.Rat).SetString(strconv.FormatFloat(got, 'g', -1, 64))
		if same := exact.Cmp(short) == 0; ok && !same {
			t.Errorf("%s became %v", s, got)
		}
	})
}
