package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// errDied is what every act on the disk returns once the process has died.
var errDied = errors.New("died")

// A plant writes a stream of records in parts, over crashes. What it has is what
// survives one.
type plant struct {
	dir     string
	roll    file.Roll
	endless bool
	records []string
	last    weir.Checkpoint // that was saved
	now     time.Time
	seen    map[string]string // the parts that somebody saw, by name
}

func newPlant(t *testing.T, roll file.Roll, records int) *plant {
	t.Helper()
	p := &plant{dir: tempDir(t), roll: roll, now: time.Unix(windowStart, 0), seen: map[string]string{}}
	for i := range records {
		p.records = append(p.records, fmt.Sprintf("%d%s\n", i, strings.Repeat("x", i%23)))
	}
	return p
}

// run goes on where the last checkpoint is, until the process dies at act number dies
// of what it does to the disk; 0: never. It reports whether the stream is whole.
func (p *plant) run(t *testing.T, r *rand.Rand, dies int) bool {
	t.Helper()
	s := sink(t, filepath.Join(p.dir, "out.log"), file.SinkOptions{Job: "job", Roll: p.roll})
	s.SetClock(func() time.Time { return p.now })
	s.SyncNothing()
	acts := 0
	s.Watch(func(act, _ string) error {
		if act == "close" || dies == 0 {
			return nil // a descriptor is closed however a process ends
		}
		if acts++; acts >= dies {
			return errDied
		}
		return nil
	})
	info := stream("in")
	info.Resumable, info.Endless = true, p.endless
	w, err := s.Open(t.Context(), info)
	must(t, err)
	switch err := p.write(t, r, w.(weir.Resumer)); {
	case err == nil:
		return true
	case !errors.Is(err, errDied):
		t.Fatal(err)
	}
	must(t, w.(weir.Resumer).Suspend(t.Context(), errDied)) // closes what is open
	return false
}

// write does what the engine does.
func (p *plant) write(t *testing.T, r *rand.Rand, w weir.Resumer) error {
	from, err := w.Resume(t.Context(), p.last)
	if errors.Is(err, weir.ErrCommitted) {
		return w.Suspend(t.Context(), err)
	}
	if err != nil {
		return err
	}
	at := 0
	if len(from) > 0 {
		off, err := from.Offset()
		must(t, err)
		at = int(off)
	}
	for at < len(p.records) {
		b := weir.NewBatch(4 << 10)
		for n := 1 + r.IntN(9); n > 0 && at < len(p.records); n-- {
			b.Append([]byte(p.records[at]))
			at++
		}
		if err := w.(weir.Writer).Write(t.Context(), b); err != nil {
			return err
		}
		p.now = p.now.Add(time.Duration(r.IntN(20)) * time.Second)
		if r.IntN(4) == 0 {
			if err := p.checkpoint(t, w, at, false); err != nil {
				return err
			}
		}
	}
	if err := p.checkpoint(t, w, at, !p.endless); err != nil {
		return err
	}
	return w.(weir.Writer).Commit(t.Context())
}

func (p *plant) checkpoint(t *testing.T, w weir.Resumer, at int, whole bool) error {
	upTo := weir.Position(fmt.Sprintf("off=%d", at))
	mark, err := w.Flush(t.Context(), upTo)
	if err != nil {
		return err
	}
	p.last = weir.Checkpoint{Position: upTo, Mark: mark, Whole: whole}
	return w.(weir.Committer).Committed(t.Context(), upTo)
}

// look notes what is seen, and makes sure that it is covered by the checkpoint and is
// what was seen before.
func (p *plant) look(t *testing.T) {
	t.Helper()
	at := 0
	if len(p.last.Position) > 0 {
		off, err := p.last.Position.Offset()
		must(t, err)
		at = int(off)
	}
	seen := 0
	for name, content := range p.parts(t) {
		if before, known := p.seen[name]; known && before != content {
			t.Fatalf("%s was %q and is %q", name, before, content)
		}
		p.seen[name] = content
		seen += len(content)
	}
	if covered := len(strings.Join(p.records[:at], "")); seen > covered {
		t.Fatalf("%d bytes are seen and the checkpoint covers %d", seen, covered)
	}
}

// parts returns what has a name.
func (p *plant) parts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range tree(t, p.dir) {
		if !strings.HasSuffix(name, ".tmp") {
			all[name] = get(t, filepath.Join(p.dir, name))
		}
	}
	return all
}

// tear adds to the file that was written what a crash leaves behind the mark.
func (p *plant) tear(t *testing.T) {
	t.Helper()
	for _, name := range tree(t, p.dir) {
		path := filepath.Join(p.dir, name)
		if !strings.HasSuffix(name, ".tmp") || !file.HasOpenPart(p.last.Mark, path) {
			continue
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		must(t, err)
		_, err = f.WriteString("torn")
		must(t, errors.Join(err, f.Close()))
	}
}

// divided returns the parts by size that records make.
func divided(records []string, size int) (parts []string) {
	part := ""
	for _, rec := range records {
		if len(part) >= size {
			parts, part = append(parts, part), ""
		}
		part += rec
	}
	return append(parts, part)
}

// check wants all records, once, in order of the parts' names. By size they are
// divided as if nothing had happened.
func (p *plant) check(t *testing.T, life string) {
	t.Helper()
	p.seenStays(t)
	parts := p.parts(t)
	order := slices.Sorted(maps.Keys(parts))
	var all []string
	for _, name := range order {
		all = append(all, parts[name])
	}
	if got := strings.Join(all, ""); got != strings.Join(p.records, "") {
		t.Fatalf("%s: %d bytes in %q, want %d", life, len(got), order, len(strings.Join(p.records, "")))
	}
	if p.roll.Every == 0 && !slices.Equal(all, divided(p.records, int(p.roll.Size))) {
		t.Fatalf("%s: the parts are %q", life, all)
	}
	for i, name := range order {
		if want := fmt.Sprintf("out-%06d.log", i+1); p.roll.Every == 0 && name != want {
			t.Fatalf("%s: part %d is called %s", life, i+1, name)
		}
		if size := int(p.roll.Size); size > 0 && len(all[i]) >= size+30 {
			t.Fatalf("%s: %s has %d bytes", life, name, len(all[i]))
		}
	}
	for _, name := range tree(t, p.dir) {
		if strings.HasSuffix(name, ".tmp") {
			t.Fatalf("%s: %s is left", life, name)
		}
	}
}

func (p *plant) seenStays(t *testing.T) {
	t.Helper()
	parts := p.parts(t)
	for name, content := range p.seen {
		if got, is := parts[name]; !is || got != content {
			t.Fatalf("%s was %q and is %q", name, content, got)
		}
	}
}

// rolls are the ways of dividing that the crashes are tried with.
var rolls = map[string]file.Roll{
	"by size": {Size: 60}, "by time": {Every: time.Minute}, "by both": {Size: 60, Every: time.Minute},
}

// The process dies before every single act on the disk of a run: of writing, of ending
// parts and of giving them their names. The next run makes it good.
func TestDeathAtAnyActLeavesEveryRecordOnce(t *testing.T) {
	for name, roll := range rolls {
		t.Run(name, func(t *testing.T) {
			for dies := 1; ; dies++ {
				p := newPlant(t, roll, 30)
				whole := p.run(t, rand.New(rand.NewPCG(7, 7)), dies)
				if !whole {
					p.look(t)
					p.tear(t)
					p.now = p.now.Add(time.Hour)
					if !p.run(t, rand.New(rand.NewPCG(uint64(dies), 8)), 0) {
						t.Fatal("it is not whole")
					}
				}
				p.check(t, fmt.Sprintf("dead at act %d", dies))
				if whole {
					if dies < 10 {
						t.Errorf("only %d acts", dies)
					}
					return
				}
			}
		})
	}
}

// It dies again and again, at random, also while it makes good what was before. Somebody
// looks in between, and what was seen once stays as it was.
func TestManyDeathsLeaveEveryRecordOnce(t *testing.T) {
	for name, roll := range rolls {
		t.Run(name, func(t *testing.T) {
			most := 0
			for seed := range uint64(6) {
				p := newPlant(t, roll, 100)
				p.endless = seed%3 == 0
				r := rand.New(rand.NewPCG(seed, 9))
				lives := 1
				for ; !p.run(t, r, 1+r.IntN(20)); lives++ {
					p.look(t)
					p.tear(t)
					p.now = p.now.Add(time.Duration(r.IntN(200)) * time.Second)
					if lives > 2000 {
						t.Fatal("it does not get any further")
					}
				}
				p.check(t, fmt.Sprintf("seed %d, %d lives", seed, lives))
				most = max(most, lives)
			}
			if most < 5 {
				t.Errorf("at most %d lives", most)
			}
		})
	}
}

// The same through the engine: a copy that is cut short again and again makes the parts
// that one without a break makes.
func TestCopyInPartsThatIsCutShortContinues(t *testing.T) {
	const size = 37_000
	for seed := range uint64(4) {
		dir := tempDir(t)
		r := rand.New(rand.NewPCG(seed, 11))
		content := string(noise(300_000 + r.IntN(100_000)))
		from, m, runs := put(t, dir, "from", content), newMemory(), 0
		for ; ; runs++ {
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := m.n + 1 + r.IntN(4)
			m.saved = func(n int) {
				if n == stop && runs < 20 {
					cancel(errCut)
				}
			}
			src, err := file.NewSource([]string{from}, file.SourceOptions{})
			must(t, err)
			dst, err := file.NewSink(filepath.Join(dir, "out", "{n}"), file.SinkOptions{Job: "job", Roll: file.Roll{Size: size}})
			must(t, err)
			must(t, os.MkdirAll(filepath.Join(dir, "out"), 0o755))
			_, err = weir.Ingest(ctx, src, dst, weir.Options{
				Batch: 4 << 10, Checkpoints: m, CheckpointEvery: time.Millisecond, Rate: 20 << 20,
			})
			cancel(nil)
			if err == nil {
				break
			}
			if !errors.Is(err, errCut) {
				t.Fatal(err)
			}
		}
		if runs == 0 {
			t.Errorf("seed %d: it was never cut short", seed)
		}
		for n := 0; n*size < len(content); n++ {
			path := filepath.Join(dir, "out", fmt.Sprintf("%06d", n+1))
			if got := get(t, path); got != content[n*size:min(len(content), (n+1)*size)] {
				t.Errorf("seed %d: part %d is not what it should be, with %d bytes", seed, n+1, len(got))
			}
		}
	}
}

// An endless stream that is told to stop shows its last part, and goes on in another
// one. Parts that somebody has taken away since are not written again.
func TestEndlessStreamGoesOnInAnotherPart(t *testing.T) {
	p := newPlant(t, file.Roll{Size: 60}, 40)
	p.endless = true
	all := p.records
	var taken bytes.Buffer
	for _, upTo := range []int{0, 7, 13, 13, 40} {
		p.records = all[:upTo]
		if !p.run(t, rand.New(rand.NewPCG(1, uint64(upTo))), 0) {
			t.Fatal("it is not whole")
		}
		for _, name := range slices.Sorted(maps.Keys(p.parts(t))) {
			taken.WriteString(get(t, filepath.Join(p.dir, name)))
			must(t, os.Remove(filepath.Join(p.dir, name)))
		}
		if taken.String() != strings.Join(p.records, "") {
			t.Fatalf("up to %d: %q", upTo, taken.String())
		}
	}
}
