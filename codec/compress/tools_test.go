package compress_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/weirflow/weir/codec/compress"
)

var updateTools = flag.Bool("update", false, "make testdata/tools anew with the tools that are installed")

// A toolStream is what a tool makes of a content.
type toolStream struct {
	name    string
	method  compress.Method
	command string
	window  int64  // MaxWindow that it needs, in bytes; 0: the default will do
	later   bool   // a later section needs a larger window than the first
	refused string // what cannot be read, a part of the reason
}

// toolStreams are made by the reference tools, with the options that change what a
// stream looks like: testdata/tools has what gzip 1.12, zstd 1.5.4, lz4 1.9.4, xz
// 5.4.1 and bzip2 1.0.8 made. $f is a file with the content.
var toolStreams = []toolStream{
	{name: "gzip-1", method: compress.Gzip, command: "gzip -1 <$f"},
	{name: "gzip-9-name", method: compress.Gzip, command: "gzip -9 -N -c $f"},
	{name: "gzip-rsyncable", method: compress.Gzip, command: "gzip --rsyncable <$f"},
	{name: "gzip-members", method: compress.Gzip, command: "head -c 1000 $f | gzip -1; gzip -n </dev/null; tail -c +1001 $f | gzip -9"},
	{name: "gzip-empty", method: compress.Gzip, command: "gzip </dev/null"},
	{name: "gzip-of-zstd", method: compress.Gzip, command: "zstd -q --format=gzip <$f"},

	{name: "zstd-1", method: compress.Zstd, command: "zstd -q -1 -c $f"},
	{name: "zstd-fast", method: compress.Zstd, command: "zstd -q --fast=20 <$f"},
	{name: "zstd-19", method: compress.Zstd, command: "zstd -q -19 -c $f"},
	{name: "zstd-22", method: compress.Zstd, command: "zstd -q --ultra -22 -c $f"},
	{name: "zstd-stream", method: compress.Zstd, command: "cat $f | zstd -q"},
	{name: "zstd-no-check", method: compress.Zstd, command: "zstd -q --no-check -c $f"},
	{name: "zstd-no-size", method: compress.Zstd, command: "zstd -q --no-content-size -c $f"},
	{name: "zstd-size-of-stream", method: compress.Zstd, command: "cat $f | zstd -q --stream-size=$(wc -c <$f)"},
	{name: "zstd-rsyncable", method: compress.Zstd, command: "zstd -q --rsyncable -c $f"},
	{name: "zstd-literals", method: compress.Zstd, command: "zstd -q --no-compress-literals -c $f"},
	{name: "zstd-frames", method: compress.Zstd, command: "head -c 1000 $f | zstd -q -1; zstd -q </dev/null; tail -c +1001 $f | zstd -q -19", later: true},
	{name: "zstd-empty", method: compress.Zstd, command: "zstd -q </dev/null"},
	{name: "zstd-long", method: compress.Zstd, command: "cat $f | zstd -q --long=24", window: 16 << 20},
	{name: "zstd-22-stream", method: compress.Zstd, command: "cat $f | zstd -q --ultra -22", window: 128 << 20},

	{name: "lz4-1", method: compress.LZ4, command: "lz4 -q -1 <$f"},
	{name: "lz4-fast", method: compress.LZ4, command: "lz4 -q --fast=9 <$f"},
	{name: "lz4-12", method: compress.LZ4, command: "lz4 -q -12 <$f"},
	{name: "lz4-small-blocks", method: compress.LZ4, command: "lz4 -q -B4 <$f"},
	{name: "lz4-dependent", method: compress.LZ4, command: "lz4 -q -B4 -BD <$f"},
	{name: "lz4-block-checksums", method: compress.LZ4, command: "lz4 -q -B4 -BX <$f"},
	{name: "lz4-no-checksum", method: compress.LZ4, command: "lz4 -q --no-frame-crc <$f"},
	{name: "lz4-size", method: compress.LZ4, command: "lz4 -q --content-size -c $f"},
	{name: "lz4-all", method: compress.LZ4, command: "lz4 -q -9 -B5 -BD -BX --content-size -c $f"},
	{name: "lz4-frames", method: compress.LZ4, command: "head -c 1000 $f | lz4 -q; lz4 -q </dev/null; tail -c +1001 $f | lz4 -q -9 -BD"},
	{name: "lz4-larger-blocks", method: compress.LZ4, command: "head -c 1000 $f | lz4 -q -B4; tail -c +1001 $f | lz4 -q -B7 -BD"},
	{name: "lz4-empty", method: compress.LZ4, command: "lz4 -q </dev/null"},
	{name: "lz4-legacy", method: compress.LZ4, command: "lz4 -q -l <$f", refused: "legacy LZ4 frame"},

	{name: "xz-0", method: compress.Xz, command: "xz -0 <$f"},
	{name: "xz-6e", method: compress.Xz, command: "xz -6e <$f"},
	{name: "xz-9", method: compress.Xz, command: "xz -9 <$f", window: 64 << 20},
	{name: "xz-no-check", method: compress.Xz, command: "xz -0 --check=none <$f"},
	{name: "xz-crc32", method: compress.Xz, command: "xz -0 --check=crc32 <$f"},
	{name: "xz-sha256", method: compress.Xz, command: "xz -0 --check=sha256 <$f"},
	{name: "xz-blocks", method: compress.Xz, command: "xz -0 --block-size=1000 <$f"},
	{name: "xz-threads", method: compress.Xz, command: "xz -0 -T2 --block-size=2000 <$f"},
	{name: "xz-streams", method: compress.Xz, command: "head -c 1000 $f | xz -0; xz </dev/null; tail -c +1001 $f | xz -1", later: true},
	{name: "xz-empty", method: compress.Xz, command: "xz </dev/null"},
	{name: "xz-lc", method: compress.Xz, command: "xz --lzma2=preset=0,lc=0,lp=2,pb=0 <$f"},
	{name: "xz-delta", method: compress.Xz, command: "xz --delta=dist=4 --lzma2=preset=0 <$f", refused: "filter"},

	{name: "bzip2-1", method: compress.Bzip2, command: "bzip2 -1 <$f"},
	{name: "bzip2-9", method: compress.Bzip2, command: "bzip2 -9 <$f"},
	{name: "bzip2-streams", method: compress.Bzip2, command: "head -c 1000 $f | bzip2 -1; bzip2 </dev/null; tail -c +1001 $f | bzip2 -9", later: true},
	{name: "bzip2-empty", method: compress.Bzip2, command: "bzip2 </dev/null"},
}

// toolContent is what the tools were given: lines, a run of one byte, and bytes that
// do not compress. It is nothing where the name says so.
func toolContent(name string) []byte {
	if strings.HasSuffix(name, "-empty") {
		return []byte{}
	}
	return bytes.Join([][]byte{text(11, 3000), bytes.Repeat([]byte{'r'}, 3000), noise(11, 700)}, nil)
}

// makeWithTools runs a command line that makes a stream of content. It reports false
// if a tool is not installed.
func makeWithTools(t *testing.T, command string, content []byte) ([]byte, bool) {
	t.Helper()
	for _, tool := range []string{"gzip", "zstd", "lz4", "xz", "bzip2"} {
		if !strings.Contains(command, tool+" ") {
			continue
		}
		if _, err := exec.LookPath(tool); err != nil {
			return nil, false
		}
	}
	path := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)); err != nil { // gzip stores it
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-ec", command)
	cmd.Env = append(os.Environ(), "f="+path)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stream, err := cmd.Output()
	if err != nil {
		t.Skipf("%s: %v: %s", command, err, complaints.String())
	}
	return stream, true
}

// What the reference tools made is read back as it was, in pieces of any size, with
// the options that a stream declares and no more.
func TestStreamsOfTheReferenceToolsAreRead(t *testing.T) {
	for _, x := range toolStreams {
		t.Run(x.name, func(t *testing.T) {
			want := toolContent(x.name)
			path := filepath.Join("testdata", "tools", x.name)
			if *updateTools {
				stream, ok := makeWithTools(t, x.command, want)
				if !ok {
					t.Fatal("a tool is not installed")
				}
				if err := os.WriteFile(path, stream, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			stream, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			x.check(t, stream, want)
		})
	}
}

// So is what those make that are installed here.
func TestStreamsOfTheInstalledToolsAreRead(t *testing.T) {
	for _, x := range toolStreams {
		t.Run(x.name, func(t *testing.T) {
			want := toolContent(x.name)
			stream, ok := makeWithTools(t, x.command, want)
			if !ok {
				t.Skip("a tool is not installed")
			}
			x.check(t, stream, want)
		})
	}
}

func (x *toolStream) check(t *testing.T, stream, want []byte) {
	t.Helper()
	if got := compress.Detect(stream[:min(len(stream), compress.DetectSize)]); got != x.method {
		t.Errorf("it is taken for %s", got)
	}
	if x.refused != "" || x.window > 0 {
		x.checkRefusal(t, stream)
	}
	if x.refused != "" || x.window > 64<<20 { // which would be held
		return
	}
	o := compress.ReadOptions{MaxWindow: x.window}
	need, err := compress.Inspect(x.method, stream[:min(len(stream), compress.HeadSize)], o)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxWindow = need.Window
	if x.later {
		if _, err := read(t, x.method, stream, o); err == nil || !strings.Contains(err.Error(), "allowed") {
			t.Errorf("with a window of %d bytes the error is %v", need.Window, err)
		}
		o.MaxWindow = compress.NeedOf(x.method, 8<<20).Window
	}
	for name, source := range map[string]io.Reader{
		"at once":      bytes.NewReader(stream),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(stream)),
	} {
		r, err := compress.NewReader(x.method, source, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(want), err)
		}
	}
	if got, err := read(t, x.method, stream[:len(stream)-1], o); err == nil {
		t.Errorf("without its last byte it is taken for whole: %d bytes", len(got))
	}
}

// checkRefusal wants the reason why a stream is not read without more being allowed,
// or at all.
func (x *toolStream) checkRefusal(t *testing.T, stream []byte) {
	t.Helper()
	_, err := read(t, x.method, stream, compress.ReadOptions{})
	if err == nil || !strings.Contains(err.Error(), x.refused) {
		t.Fatalf("the error is %v, want %q", err, x.refused)
	}
	var large *compress.WindowError
	if x.window > 0 && (!errors.As(err, &large) || large.Window != x.window) {
		t.Fatalf("the error is %v, want a WindowError of %d bytes", err, x.window)
	}
}
