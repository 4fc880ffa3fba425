package file_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

func TestAFileIsReadToItsEndInFullBatches(t *testing.T) {
	dir := tempDir(t)
	const size = 4096
	for _, n := range []int{0, 1, size - 1, size, size + 1, 3 * size, 3*size + 17} {
		content := noise(n)
		st := open(t, put(t, dir, "a", string(content)))
		b := weir.NewBatch(size)
		var all []byte
		for {
			b.Reset()
			err := st.Read(t.Context(), b)
			all = append(all, b.Bytes()...)
			if err == io.EOF {
				break
			}
			must(t, err)
			if b.Len() != size {
				t.Errorf("a batch has %d of %d bytes before the end", b.Len(), size)
			}
		}
		if !bytes.Equal(all, content) {
			t.Errorf("%d bytes are read as %d others", n, len(all))
		}
		if b.Records() != 0 {
			t.Errorf("opaque bytes have %d records", b.Records())
		}
		b.Reset()
		if err := st.Read(t.Context(), b); err != io.EOF || b.Len() != 0 {
			t.Errorf("after the end: %d bytes, %v", b.Len(), err)
		}
	}
}

func TestReadEndsWhenCancelled(t *testing.T) {
	dir := tempDir(t)
	st := open(t, put(t, dir, "a", "content"))
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	b := weir.NewBatch(64)
	if err := st.Read(ctx, b); !errors.Is(err, cause) || b.Len() != 0 {
		t.Errorf("%v with %d bytes", err, b.Len())
	}
}

func TestAReadAfterCloseFails(t *testing.T) {
	dir := tempDir(t)
	st, err := source(t, file.SourceOptions{}, put(t, dir, "a", "content")).Next(t.Context())
	must(t, err)
	must(t, st.Close())
	refused(t, st.Read(t.Context(), weir.NewBatch(64)), weir.Closed)
}

func TestAStreamContinuesAtEveryPosition(t *testing.T) {
	dir := tempDir(t)
	for _, n := range []int{1, 700, 1024, 10_000} {
		content := noise(n)
		path := put(t, dir, "a", string(content))
		_, positions, err := drain(open(t, path), 100)
		must(t, err)
		must(t, os.Rename(path, path+"2")) // a rename does not matter
		for i, p := range positions {
			st := open(t, path+"2")
			must(t, st.Seek(t.Context(), weir.Position(p)))
			rest, later, err := drain(st, 100)
			must(t, err)
			if want := content[min((i+1)*100, n):]; !bytes.Equal(rest, want) {
				t.Errorf("after %s come %d bytes, want %d", p, len(rest), len(want))
			}
			if last := positions[len(positions)-1]; later[len(later)-1] != last {
				t.Errorf("the last position is %s, want %s", later[len(later)-1], last)
			}
		}
	}
}

func TestAFileThatHasGrownIsContinued(t *testing.T) {
	dir := tempDir(t)
	for _, before := range []int{0, 10, 5000} { // the fingerprint covers less than a KiB, or all of it
		content := noise(before + 3000)
		path := put(t, dir, "a", string(content[:before]))
		_, positions, err := drain(open(t, path), 512)
		must(t, err)
		appendTo(t, path, content[before:])
		st := open(t, path)
		must(t, st.Seek(t.Context(), weir.Position(positions[len(positions)-1])))
		rest, _, err := drain(st, 512)
		must(t, err)
		if !bytes.Equal(rest, content[before:]) {
			t.Errorf("%d of %d bytes are continued", len(rest), 3000)
		}
	}
}

func TestAPositionOfAnotherFileIsRefused(t *testing.T) {
	dir := tempDir(t)
	content := string(noise(5000))
	path := put(t, dir, "a", content)
	_, positions, err := drain(open(t, path), 1000)
	must(t, err)
	middle := weir.Position(positions[2])

	for _, c := range []struct {
		name   string
		change func()
		kind   weir.Kind
		word   string
	}{
		{"replaced by rename", func() {
			must(t, os.Rename(put(t, dir, "new", content), path))
		}, weir.Corrupt, "replaced: "},
		{"overwritten", func() { put(t, dir, "a", "x"+content[1:]) }, weir.Corrupt, "replaced: "},
		{"overwritten behind the first KiB", func() { put(t, dir, "a", content[:2000]+"x"+content[2001:]); setTime(t, path) }, weir.Corrupt, "changed in place: it has 5000 bytes as before"},
		{"overwritten behind the offset", func() { put(t, dir, "a", content[:4000]+"x"+content[4001:]); setTime(t, path) }, weir.Corrupt, "changed in place: "},
		{"overwritten and grown", func() { put(t, dir, "a", content[:2990]+"x"+content[2991:]+"more") }, weir.Corrupt, "changed in place: the 3000 bytes before offset 3000"},
		{"truncated before the offset", func() { must(t, os.Truncate(path, 2999)) }, weir.Corrupt, "truncated: "},
		{"truncated after the offset", func() { must(t, os.Truncate(path, 3001)) }, weir.Corrupt, "truncated: "},
		{"truncated to nothing", func() { must(t, os.Truncate(path, 0)) }, weir.Corrupt, "truncated: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			put(t, dir, "a", content)
			_, positions, err := drain(open(t, path), 1000)
			must(t, err)
			middle = weir.Position(positions[2])
			c.change()
			err = open(t, path).Seek(t.Context(), middle)
			refused(t, err, c.kind, c.word, path)
		})
	}
	for _, text := range []string{"", "nonsense", positions[0] + "0000000000000000000"} {
		refused(t, open(t, path).Seek(t.Context(), weir.Position(text)), weir.Invalid, "not a position")
	}
	put(t, dir, "a", content)
	st := open(t, path)
	beyond := strings.Replace(middle.String(), "off=3000", "off=5001", 1)
	refused(t, st.Seek(t.Context(), weir.Position(beyond)), weir.Corrupt, "truncated: ")
}

// What is summed up before the offset lies in several reads, or in a part of one.
func TestAnyByteOfTheLast4KiBBeforeTheOffsetIsNoticed(t *testing.T) {
	dir := tempDir(t)
	content := noise(20_000)
	for _, size := range []int{100, 3000, 10_000} {
		path := put(t, dir, "a", string(content))
		_, positions, err := drain(open(t, path), size)
		must(t, err)
		p := weir.Position(positions[9_999/size])
		at, err := file.ParsePosition(p)
		must(t, err)
		for before, noticed := range map[int64]bool{1: true, 4096: true, 4097: false} {
			f := bytes.Clone(content)
			f[at.Offset-before] ^= 1
			put(t, dir, "a", string(f)+"grown")
			st := open(t, path)
			if err := st.Seek(t.Context(), p); noticed {
				refused(t, err, weir.Corrupt, "--fresh")
			} else {
				must(t, err)
			}
		}
	}
}

func TestAFileThatGrowsWhileItIsReadIsReadToItsEnd(t *testing.T) {
	dir := tempDir(t)
	content := noise(5000)
	path := put(t, dir, "a", string(content[:1500]))
	st := open(t, path)
	got := readOne(t, st, 1000)
	appendTo(t, path, content[1500:])
	rest, _, err := drain(st, 1000)
	must(t, err)
	if got = append(got, rest...); !bytes.Equal(got, content) {
		t.Errorf("%d bytes of %d", len(got), len(content))
	}
	if st.Info().Size != 1500 {
		t.Errorf("the size has become %d", st.Info().Size)
	}
}

func TestAFileThatIsTruncatedWhileItIsReadFails(t *testing.T) {
	dir := tempDir(t)
	content := string(noise(5000))
	for _, c := range []struct {
		name   string
		change func(path string)
		word   string
	}{
		{"below the offset", func(path string) { must(t, os.Truncate(path, 500)) }, "truncated"},
		{"between offset and size", func(path string) { must(t, os.Truncate(path, 4000)) }, "truncated"},
		{"to nothing", func(path string) { must(t, os.Truncate(path, 0)) }, "truncated"},
		{"and written anew", func(string) { put(t, dir, "a", string(noise(9000))[3:]) }, "overwritten"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := put(t, dir, "a", content)
			st := open(t, path)
			readOne(t, st, 1000)
			c.change(path)
			setTime(t, path) // clocks of file systems are coarse
			_, _, err := drain(st, 1000)
			refused(t, err, weir.Corrupt, c.word, path, "at offset")
		})
	}
	t.Run("after growing from nothing", func(t *testing.T) {
		path := put(t, dir, "a", "")
		st := open(t, path)
		appendTo(t, path, []byte(content))
		readOne(t, st, 5000)
		must(t, os.Truncate(path, 0))
		setTime(t, path)
		_, _, err := drain(st, 1000)
		refused(t, err, weir.Corrupt, "truncated")
	})
}

func TestAFileThatIsReplacedWhileItIsReadIsReadAsItWas(t *testing.T) {
	dir := tempDir(t)
	content := string(noise(5000))
	path := put(t, dir, "a", content)
	st := open(t, path)
	got := readOne(t, st, 1000)
	must(t, os.Rename(put(t, dir, "b", "new"), path))
	rest, _, err := drain(st, 1000)
	must(t, err)
	if string(append(got, rest...)) != content {
		t.Error("it is not what was there")
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	dir := tempDir(t)
	st := open(t, put(t, dir, "a", string(noise(4<<20))))
	b := weir.NewBatch(4096)
	must(t, st.Read(t.Context(), b)) // the batch's position grows once
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := testing.AllocsPerRun(500, func() {
		b.Reset()
		if err := st.Read(ctx, b); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

func TestTheKernelsOwnFilesAreReadWhole(t *testing.T) {
	want, err := os.ReadFile("/proc/version")
	if err != nil {
		t.Skip("there are none")
	}
	got, _, err := drain(open(t, "/proc/version"), 16)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// readOne reads one batch.
func readOne(t *testing.T, st weir.Stream, size int) []byte {
	t.Helper()
	b := weir.NewBatch(size)
	must(t, st.Read(t.Context(), b))
	return bytes.Clone(b.Bytes())
}

func appendTo(t *testing.T, path string, content []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.Write(content)
	must(t, err)
	must(t, f.Close())
}

// setTime gives path a time of modification that it cannot have had before.
func setTime(t *testing.T, path string) {
	t.Helper()
	st, err := os.Stat(path)
	must(t, err)
	later := st.ModTime().Add(3e9)
	must(t, os.Chtimes(path, later, later))
}
