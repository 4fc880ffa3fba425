package compress_test

import (
	"strings"
	"testing"

	"github.com/weirflow/weir/codec/compress"
)

func TestMethodsAreFoundByTheirNamesAndExtensions(t *testing.T) {
	for name, want := range map[string]compress.Method{
		"none": compress.None, "gzip": compress.Gzip, "gz": compress.Gzip, "zstd": compress.Zstd, "zst": compress.Zstd,
		"lz4": compress.LZ4, "snappy": compress.Snappy, "sz": compress.Snappy, "s2": compress.S2,
		"bzip2": compress.Bzip2, "bz2": compress.Bzip2, "xz": compress.Xz,
	} {
		if got, err := compress.ByName(name); got != want || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if _, err := compress.ByName("brotli"); err == nil || !strings.Contains(err.Error(), `"brotli"`) || !strings.Contains(err.Error(), "gzip, zstd") {
		t.Errorf("brotli: %v", err)
	}
	for extension, want := range map[string]compress.Method{
		"": compress.None, ".": compress.None, ".txt": compress.None, "gz": compress.None,
		".gz": compress.Gzip, ".GZ": compress.Gzip, ".zst": compress.Zstd, ".lz4": compress.LZ4, ".sz": compress.Snappy,
		".s2": compress.S2, ".bz2": compress.Bzip2, ".xz": compress.Xz,
	} {
		if got := compress.ByExtension(extension); got != want {
			t.Errorf("%q: %s", extension, got)
		}
	}
	for _, m := range readable {
		if got, err := compress.ByName(m.String()); got != m || err != nil {
			t.Errorf("%s: %s, %v", m, got, err)
		}
		for _, extension := range m.Extensions() {
			if got := compress.ByExtension(extension); got != m {
				t.Errorf("%s of %s: %s", extension, m, got)
			}
		}
	}
	if unknown := compress.Method(200); unknown.String() != "method(200)" || unknown.Extensions() != nil || compress.None.Extensions() != nil {
		t.Errorf("%s, %v", unknown, unknown.Extensions())
	}
}

func TestDetectKnowsEveryMagicNumber(t *testing.T) {
	for _, m := range readable {
		for _, data := range contents()[:3] {
			stream := section(t, m, data)
			if got := compress.Detect(stream[:min(len(stream), compress.DetectSize)]); got != m {
				t.Errorf("%s of %d bytes: %s", m, len(data), got)
			}
			for cut := range 3 {
				if got := compress.Detect(stream[:cut]); got != compress.None {
					t.Errorf("%s of %d bytes: %s", m, cut, got)
				}
			}
		}
	}
	for head, want := range map[string]compress.Method{
		"":                                 compress.None,
		"{\"id\":1}":                       compress.None,
		"BZh1 is no magic number":          compress.None,
		"\x1f\x8b\x08\xff reserved flags":  compress.None,
		"\x02\x21\x4c\x18 a legacy frame":  compress.LZ4,
		skippable + "\x04\x22\x4d\x18":     compress.LZ4,
		skippable + "\x28\xb5\x2f\xfd":     compress.Zstd,
		"\x50\x2a\x4d\x18\xff\xff\xff\xff": compress.Zstd,
	} {
		if got := compress.Detect([]byte(head)); got != want {
			t.Errorf("%q: %s; want %s", head, got, want)
		}
	}
}
