package checkpoint

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
)

// A sample is the content of a file with a table and a log, and the states it
// has been in: the last one is in it, the one before was saved before that.
type sample struct {
	content []byte
	log     int // where it begins
	states  []state
}

// newSample returns a sample of a store that was closed, or killed.
func newSample(t testing.TB, closed bool) sample {
	t.Helper()
	d := newMemDisk(1)
	s, err := d.store(Options{})
	if err != nil {
		t.Fatal(err)
	}
	sam := sample{}
	model := state{"A": "first false"}
	if err := s.PutJob(Job{ID: "A", Description: "first "}); err != nil {
		t.Fatal(err)
	}
	for i := range 24 {
		entries := []Entry{{ID: "every", Checkpoint: weir.Checkpoint{Position: weir.Position("off=4096"), Read: weir.Count{Bytes: int64(i)}, Whole: true}}}
		if i < 20 { // the last ones fit behind the log, whose end the header does not know
			entries = append(entries, Entry{ID: fmt.Sprint("stream ", i), Name: strings.Repeat("a", 3000), Checkpoint: weir.Checkpoint{Size: 9}})
		}
		if err := s.Save("A", entries); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			model["A/"+e.ID] = describe(e)
		}
		sam.states = append(sam.states, maps.Clone(model))
	}
	im := s.mu.image
	if im.end-im.header.durable < 250 { // three frames
		t.Fatalf("the log ends at %d, and the header knows of %d; want some frames more", im.end, im.header.durable)
	}
	if len(im.tail) == 0 || im.header.blocks < 3 {
		t.Fatalf("a sample with %d keys in its log and %d blocks; want more of both", len(im.tail), im.header.blocks)
	}
	if closed {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sam.content, sam.log = d.content(), int(im.header.logBegin())
	return sam
}

func (sam sample) last() state     { return sam.states[len(sam.states)-1] }
func (sam sample) previous() state { return sam.states[len(sam.states)-2] }

// read opens content, which may be written to, as a process that looks or one that writes, and returns
// what it says. The errors must be about damage.
func read(t *testing.T, what string, content []byte, o Options) (state, error) {
	t.Helper()
	s, err := diskWith(content).store(o)
	if err == nil {
		defer func() { _ = s.Close() }() // what it says is what counts
		var got state
		if got, err = stateOf(s); err == nil {
			return got, nil
		}
	}
	if weir.KindOf(err) != weir.Corrupt || !strings.Contains(err.Error(), fileName) || !strings.Contains(err.Error(), "remove it to start over") {
		t.Fatalf("%s: %v; want an error of damage that names the file and the way out", what, err)
	}
	return nil, err
}

// TestFlippedBitIsAnErrorOrHarmless flips a bit in each byte of a file (in every
// other one, of the table), and each bit where a block begins. After a Close the
// store says everything, or that it is damaged. After a kill the last Save may be
// taken for one that was interrupted, and no other.
func TestFlippedBitIsAnErrorOrHarmless(t *testing.T) {
	for _, closed := range []bool{true, false} {
		sam := newSample(t, closed)
		harmless, lost, damaged := 0, 0, 0
		for i := range sam.content {
			if i%256 != 0 && uniform(sam.content, i) {
				continue
			}
			bits := []int{i % 8}
			switch {
			case i >= sam.log:
			case (i-tableBegin)%blockSize < frameHead:
				bits = []int{0, 1, 2, 3, 4, 5, 6, 7}
			case (i/2%2 == 0) != closed:
				continue
			}
			for _, bit := range bits {
				content := slices.Clone(sam.content)
				content[i] ^= 1 << bit
				what := fmt.Sprintf("closed %v, byte %d, bit %d flipped", closed, i, bit)
				got, err := read(t, what, content, Options{ReadOnly: i%2 == 0})
				switch {
				case err != nil:
					damaged++
				case maps.Equal(got, sam.last()):
					harmless++
				case !closed && maps.Equal(got, sam.previous()):
					lost++
				default:
					t.Fatalf("%s: the store says, without an error,\n%v\nwant\n%v", what, got, sam.last())
				}
			}
		}
		if damaged < 500 || closed != (lost == 0) {
			t.Errorf("closed %v: %d harmless, %d lost the last save, %d reported", closed, harmless, lost, damaged)
		}
	}
}

// uniform reports whether byte i stands among its like, of which it is enough to
// try some.
func uniform(content []byte, i int) bool {
	around := content[max(0, i-8):min(len(content), i+8)]
	return bytes.Count(around, content[i:i+1]) == len(around)
}

// TestFileCutShortIsAnError cuts a file at each length that means something.
func TestFileCutShortIsAnError(t *testing.T) {
	for _, closed := range []bool{true, false} {
		sam := newSample(t, closed)
		for n := range sam.content {
			if n%256 != 0 && uniform(sam.content, n) {
				continue
			}
			what := fmt.Sprintf("closed %v, cut to %d bytes", closed, n)
			if got, err := read(t, what, slices.Clone(sam.content[:n]), Options{ReadOnly: n%2 == 0}); err == nil {
				t.Fatalf("%s: the store says, without an error,\n%v", what, got)
			}
		}
	}
}

// TestZeroedSectorsAreAnErrorOrHarmless clears each sector, as some file systems
// do after a crash.
func TestZeroedSectorsAreAnErrorOrHarmless(t *testing.T) {
	sam := newSample(t, true)
	for i := 0; i < len(sam.content); i += 512 {
		content := slices.Clone(sam.content)
		clear(content[i:min(i+512, len(content))])
		what := fmt.Sprintf("sector at %d zeroed", i)
		if got, err := read(t, what, content, Options{}); err == nil && !maps.Equal(got, sam.last()) {
			t.Fatalf("%s: the store says, without an error,\n%v", what, got)
		}
	}
}

// TestTornSaveIsTakenBack cuts the last frame of a killed process at each byte,
// with zeros or garbage behind, which is what a crash leaves.
func TestTornSaveIsTakenBack(t *testing.T) {
	sam := newSample(t, false)
	s, err := diskWith(slices.Clone(sam.content)).store(Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	number, _, err := s.number("A")
	if err != nil {
		t.Fatal(err)
	}
	begin, end := int(s.mu.image.tail[newKey(number, "every")])-frameHead, int(s.mu.image.end)
	for n := end - 1; n >= begin; n-- {
		for _, garbage := range []bool{false, true} {
			content := slices.Clone(sam.content)
			clear(content[n:])
			if garbage {
				for i := n; i < len(content); i++ {
					content[i] = byte(rng.Uint32())
				}
				content[n] = sam.content[n] ^ 1
			}
			d := diskWith(content)
			s, _ := checkState(t, fmt.Sprintf("cut %d bytes before the end", end-n), d, sam.previous())
			if err := s.Save("A", []Entry{{ID: "new"}}); err != nil {
				t.Fatal(err)
			}
			want := maps.Clone(sam.previous())
			want["A/new"] = describe(Entry{ID: "new"})
			checkState(t, "and saved to", d.crashed(), want)
		}
	}
}

// lateFile is a file whose content at a place is not there yet when it is read
// for the first time.
type lateFile struct {
	file
	off  int64
	seen bool
}

func (f *lateFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.file.ReadAt(b, off)
	if i := f.off - off; !f.seen && i >= 0 && i < int64(n) {
		b[i] ^= 1
		f.seen = true
	}
	return n, err
}

// TestFrameThatIsWholeAtTheSecondLookIsNotDamaged: a process that looks meets one
// that another is just writing, and then those behind it.
func TestFrameThatIsWholeAtTheSecondLookIsNotDamaged(t *testing.T) {
	sam := newSample(t, false)
	s, err := diskWith(sam.content).store(Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	im := &image{file: &lateFile{file: s.mu.image.file, off: s.mu.image.end - 200}}
	if err := s.read(im); err != nil || im.frames != s.mu.image.frames {
		t.Errorf("%d frames, %v; want %d", im.frames, err, s.mu.image.frames)
	}
}

// TestTwoTornSavesAreNotMixed: of a torn Save the second record is left, of a
// later one at the same place, whose records have the same size, the first. What
// is left of the one must be gone from the disk before the other begins.
func TestTwoTornSavesAreNotMixed(t *testing.T) {
	pair := func(n int64) []Entry { return []Entry{{ID: "one", Checkpoint: At(n)}, {ID: "two", Checkpoint: At(n)}} }
	d := newMemDisk(1)
	s, err := open(d, "state", Options{}, defaultLimits) // zeros ahead for all that follows
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutJob(Job{ID: "A"}); err != nil {
		t.Fatal(err)
	}
	begin, torn := s.mu.image.end, d.content()
	if err := s.Save("A", pair(1)); err != nil {
		t.Fatal(err)
	}
	number, _, err := s.number("A")
	if err != nil {
		t.Fatal(err)
	}
	second := s.mu.image.tail[newKey(number, "two")]
	copy(torn[second:], d.content()[second:])

	before := state{"A": "false"}
	d = diskWith(torn)
	s, _ = checkState(t, "one torn save", d, before)
	d.failAt, d.err = d.steps+2, errCrash // the sync
	if err := s.Save("A", pair(2)); err == nil {
		t.Fatal("a Save that was not synced")
	}
	f := d.names[s.path]
	copy(f.stored[begin:second], f.data[begin:])
	checkState(t, "two torn saves", diskWith(f.stored), before)
}

// TestOtherFilesAreRefused: none of them becomes a store.
func TestOtherFilesAreRefused(t *testing.T) {
	sam := newSample(t, true)
	future := slices.Clone(sam.content)
	for off := int64(0); off < tableBegin; off += headerStep {
		b := future[off : off+headerSize]
		b[16] = version + 1
		sum := checksum(0, off, b[:headerSize-4])
		b[headerSize-4], b[headerSize-3], b[headerSize-2], b[headerSize-1] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
	}
	for _, x := range []struct {
		name    string
		content []byte
		kind    weir.Kind
		want    string
	}{
		{"empty", nil, weir.Corrupt, "the file is empty; restore"},
		{"text", []byte("position=4096\n"), weir.Corrupt, "not a file of checkpoints"},
		{"zeros", make([]byte, 100_000), weir.Corrupt, "not a file of checkpoints"},
		{"cut", sam.content[:len(sam.content)-1], weir.Corrupt, fmt.Sprintf("the file had %d bytes and ends at byte %d", len(sam.content), len(sam.content)-1)},
		{"future", future, weir.Invalid, "version 2"},
	} {
		for _, o := range []Options{{}, {ReadOnly: true}} {
			d := diskWith(slices.Clone(x.content))
			_, err := d.store(o)
			if weir.KindOf(err) != x.kind || !strings.Contains(fmt.Sprint(err), x.want) || !strings.Contains(fmt.Sprint(err), fileName) {
				t.Errorf("%s: %v; want %s: %s", x.name, err, x.kind, x.want)
			}
			if !slices.Equal(d.content(), x.content) {
				t.Errorf("%s: the file was changed", x.name)
			}
		}
	}
}

// FuzzFile puts bytes somewhere into a file: it is damaged, or says what it said.
func FuzzFile(f *testing.F) {
	sam := newSample(f, true)
	f.Add(uint(0), []byte("weir"))
	f.Add(uint(tableBegin+4), []byte{1, 2, 3, 4})
	f.Add(uint(len(sam.content)-600), []byte("wlog\x00\x00\x00\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, off uint, patch []byte) {
		content := slices.Clone(sam.content)
		off %= uint(len(content))
		copy(content[off:], patch[:min(len(patch), headerStep)])
		got, err := read(t, "patched", content, Options{})
		if err == nil && !maps.Equal(got, sam.last()) {
			t.Fatalf("the store says, without an error,\n%v", got)
		}
	})
}
