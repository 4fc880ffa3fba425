package size

import (
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "4096": 4096, "12B": 12, "64MiB": 64 << 20, "64 MiB": 64 << 20,
		"64mib": 64 << 20, "200MB": 200e6, "1GiB": 1 << 30, "1GB": 1e9, "10k": 10 << 10,
		"10K": 10 << 10, "10kB": 10e3, "10KB": 10e3, "1T": 1 << 40, "1TB": 1e12,
		"1.5GiB": 3 << 29, "0.1KiB": 102, "2.5MB": 2_500_000,
		"9223372036854775807": math.MaxInt64, "8388607TiB": 8388607 << 40,
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
}

func TestParseRefusesWithTheReason(t *testing.T) {
	for in, want := range map[string]string{
		"": "not a size", "MiB": "not a size", "-1": "not a size", "+1": "not a size",
		"1.": "not a size", ".5M": "not a size", "1e3": "not a size", "1  MiB": "not a size",
		"1MiBs": "not a size", "0x10": "not a size", "1.5.5M": "not a size", "64Mi": "not a size",
		"1.5": "no fraction", "1.5B": "no fraction", "1.0000000001G": "not a size",
		"10Mb": "could mean bits", "10kb": "KiB",
		"9223372036854775808": "too large", "8388608TiB": "too large", "8388607.999999999T": "",
		"99999999999999999999": "too large", "9223372036854775807k": "too large",
	} {
		_, err := Parse(in)
		switch {
		case want == "" && err != nil:
			t.Errorf("Parse(%q): %v", in, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("Parse(%q) error = %v; want it to say %q", in, err, want)
		}
	}
}

func TestParseRate(t *testing.T) {
	for in, want := range map[string]int64{"10MiB/s": 10 << 20, "10MiB": 10 << 20, "500kB/s": 500e3, "1/s": 1} {
		if got, err := ParseRate(in); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	if _, err := ParseRate("fast"); err == nil || !strings.Contains(err.Error(), "10MiB/s") {
		t.Errorf("ParseRate(fast) error = %v; want an example of a rate", err)
	}
}

func TestFormat(t *testing.T) {
	for in, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1023: "1023 B", 1024: "1.00 KiB", 1536: "1.50 KiB",
		10 << 20: "10.0 MiB", 431 << 20: "431 MiB", 1 << 30: "1.00 GiB", 1000 << 20: "0.98 GiB",
		3 << 29: "1.50 GiB", math.MaxInt64: "8.00 EiB", -2048: "-2.00 KiB", math.MinInt64: "-8.00 EiB",
	} {
		if got := Format(in); got != want {
			t.Errorf("Format(%d) = %q; want %q", in, got, want)
		}
	}
}

func TestFlagIsReadBackExactly(t *testing.T) {
	for _, n := range []int64{0, 1, 1023, 1024, 64 << 20, 200e6, 1 << 40, math.MaxInt64} {
		if got, err := Parse(Flag(n)); err != nil || got != n {
			t.Errorf("Parse(Flag(%d) = %q) = %d, %v", n, Flag(n), got, err)
		}
	}
}

// FuzzParse compares with exact rational arithmetic.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"64MiB", "1.5GB", "8388607.9T", "10Mb", "0.000000001k", "9223372036854775807", "1 K", "٣MiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse(s)
		if err != nil {
			return
		}
		if got < 0 {
			t.Fatalf("Parse(%q) = %d", s, got)
		}
		number := strings.TrimRight(s, "kKmMgGtTiBb ")
		want, ok := new(big.Rat).SetString(number)
		if !ok {
			t.Fatalf("Parse accepted %q", s)
		}
		unit := strings.ToLower(strings.TrimSpace(s[len(number):]))
		base := int64(1024)
		if strings.HasSuffix(unit, "b") && !strings.HasSuffix(unit, "ib") {
			base = 1000
		}
		if unit != "" && unit != "b" {
			for range strings.IndexByte("kmgt", unit[0]) + 1 {
				want.Mul(want, new(big.Rat).SetInt64(base))
			}
		}
		floor := new(big.Int).Quo(want.Num(), want.Denom())
		if !floor.IsInt64() || floor.Int64() != got {
			t.Fatalf("Parse(%q) = %d; want %v", s, got, floor)
		}
	})
}
