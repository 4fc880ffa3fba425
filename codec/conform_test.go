package codec_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/weirtest"
)

// idle is a source of a stream that never has anything.
type idle struct{ origin }

func newIdle() *idle { return &idle{*of("idle", []byte("x"), nil)} }

func (s *idle) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.origin.Next(ctx)
	if err != nil {
		return nil, err
	}
	return idleStream{st}, nil
}

type idleStream struct{ weir.Stream }

func (idleStream) Read(ctx context.Context, _ *weir.Batch) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestSourceConforms(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	lines := func(n int) []byte { return bytes.Repeat(append(makeLinesOf(r, 40), '\n'), n) }
	for name, x := range map[string]struct {
		format  string
		content map[string][]byte
		pieces  func() int
	}{
		"lines":                     {"lines", map[string][]byte{"a.txt": lines(500), "b/c.txt": []byte("x"), "empty.txt": nil}, nil},
		"lines, byte by byte":       {"lines", map[string][]byte{"a.txt": lines(40)}, always(1)},
		"lines, in pieces":          {"lines", map[string][]byte{"a.txt": lines(500)}, upTo(r, 3000)},
		"lines that need much room": {"lines", map[string][]byte{"a.txt": bytes.Repeat([]byte(strings.Repeat("y", 300)+"\n"), 300)}, upTo(r, 3000)},
		"json":                      {"json", map[string][]byte{"a.json": []byte("[" + strings.Repeat("{\"a\": [1, 2]},\n", 3000) + "{}]")}, upTo(r, 3000)},
		"csv":                       {"csv,header=no", map[string][]byte{"a.csv": bytes.Repeat([]byte("1,\"a\nb\",3\r\n"), 4000)}, upTo(r, 3000)},
		"length":                    {"length", map[string][]byte{"a": bytes.Repeat([]byte("\x00\x00\x00\x02ab\x00\x00\x00\x50"+strings.Repeat("z", 0x50)), 700)}, upTo(r, 3000)},
		"bytes":                     {"bytes", map[string][]byte{"a": lines(500)}, upTo(r, 3000)},
		"found out":                 {"", map[string][]byte{"a": lines(500), "b": []byte("{\"a\":1}\n{\"a\":2}\n")}, upTo(r, 3000)},
	} {
		for packing, pack := range packings {
			if packing != codec.None && name != "lines that need much room" && name != "json" {
				continue
			}
			t.Run(name+"+"+packing, func(t *testing.T) {
				weirtest.TestSource(t, func(*testing.T) weirtest.SourceHarness {
					return harness(r, x.format, packing, pack, x.content, x.pieces)
				})
			})
		}
	}
}

func makeLinesOf(r *rand.Rand, n int) []byte {
	line := make([]byte, n)
	for i := range line {
		line[i] = "abc\n"[r.IntN(4)]
	}
	return line
}

// harness serves content, packed, from memory.
func harness(r *rand.Rand, format, packing string, pack func(*rand.Rand, []byte) []byte, content map[string][]byte, pieces func() int) weirtest.SourceHarness {
	packed := map[string][]byte{}
	for name, data := range content {
		packed[name] = pack(r, data)
	}
	var inner *origin
	open := func(tb testing.TB, fails error, cut int) weir.Source {
		spec, err := codec.ParseSpec(format)
		must(tb, err)
		inner = new(origin)
		for name, data := range packed {
			inner.streams = append(inner.streams, originStream{name: name, data: data[:len(data)-min(cut, len(data))], piece: pieces, fails: fails})
		}
		src, err := codec.NewSource(inner, codec.SourceOptions{Format: spec.Format, Compression: packing})
		must(tb, err)
		return src
	}
	h := weirtest.SourceHarness{
		Open: func(tb testing.TB) weir.Source { return open(tb, nil, 0) },
		Want: func(name string) []byte { return bytes.TrimSuffix(content[name], []byte("]")) },
		Idle: func(tb testing.TB) weir.Source {
			src, err := codec.NewSource(newIdle(), codec.SourceOptions{})
			must(tb, err)
			return src
		},
		Taken: func() int64 {
			n := 0
			for _, st := range inner.opened {
				n += st.off
			}
			return int64(n)
		},
		Ahead: codec.DefaultCarry + 64<<10,
	}
	if packing != codec.None {
		h.Truncated = func(tb testing.TB) weir.Source { return open(tb, nil, 5) }
		h.Taken = nil // it is less than what is delivered
	}
	return h
}

func TestFilesWithRecordsConform(t *testing.T) {
	weirtest.TestSource(t, func(t *testing.T) weirtest.SourceHarness {
		dir := t.TempDir()
		var log bytes.Buffer
		must(t, logLines(&log, 300_000))
		must(t, os.WriteFile(filepath.Join(dir, "a.ndjson"), log.Bytes(), 0o600))
		must(t, os.WriteFile(filepath.Join(dir, "b.csv"), []byte("h1,h2\n1,2\n3,4\n"), 0o600))
		r := rand.New(rand.NewPCG(5, 6))
		must(t, os.WriteFile(filepath.Join(dir, "c.ndjson.gz"), packings["gzip"](r, log.Bytes()), 0o600))
		must(t, os.WriteFile(filepath.Join(dir, "d.ndjson.zst"), packings["zstd"](r, log.Bytes()), 0o600))
		return weirtest.SourceHarness{
			Open: func(tb testing.TB) weir.Source {
				inner, err := file.NewSource([]string{dir}, file.SourceOptions{})
				must(tb, err)
				src, err := codec.NewSource(inner, codec.SourceOptions{Rename: codec.TrimCompression})
				must(tb, err)
				return src
			},
			Want: func(name string) []byte {
				if name == "b.csv" {
					return []byte("1,2\n3,4\n")
				}
				return log.Bytes()
			},
		}
	})
}
