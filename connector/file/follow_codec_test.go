package file_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/file"
)

// asLines makes lines of a source's streams.
func asLines(t *testing.T) func(weir.Source) weir.Source {
	return func(inner weir.Source) weir.Source {
		s, err := codec.NewSource(inner, codec.SourceOptions{Format: codec.Format{Name: codec.Lines}})
		must(t, err)
		return s
	}
}

// A line arrives when it ends, however short what came before it is, and a part of
// one does not; a drain delivers what there is.
func TestFollowedLinesArriveWhenTheyEnd(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, log.path)
	f.wrap = asLines(t)
	f.start()
	log.text("a\n")
	f.await("a\n")
	log.text("bc\nd")
	f.settles("a\nbc\n")
	log.text("e\n\nf\n")
	f.settles("a\nbc\nde\n\nf\n")
}

// Lines that are followed across rotations and restarts come once, and whole.
func TestFollowedLinesComeOnce(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		log := opens(t, t.TempDir(), "app.log")
		f := follow(t, log.path)
		f.wrap = asLines(t)
		f.start()
		log.lines(1)
		f.keep(log.all.String())
		for rotations := 0; rotations < 8; {
			log.lines(r.IntN(100))
			if r.IntN(3) == 0 {
				log.text("half a ")
				time.Sleep(time.Duration(r.IntN(3)) * poll)
				log.text("line\n")
			}
			if r.IntN(2) == 0 {
				f.crash()
				if r.IntN(2) == 0 {
					log.lines(r.IntN(100))
					log.rotate()
					rotations++
				}
				f.start()
			}
			if r.IntN(4) == 0 {
				log.rotate()
				rotations++
			}
		}
		log.lines(1)
		f.await(log.all.String())
		f.stop()
	}
}

// A file is truncated while nobody looks: nothing of what is there now is skipped.
func TestFollowedLinesAfterATruncationWhileDown(t *testing.T) {
	for _, copied := range []bool{true, false} {
		log := opens(t, tempDir(t), "app.log")
		f := follow(t, log.path)
		f.wrap = asLines(t)
		f.start()
		log.lines(100)
		f.keep(log.all.String())
		_, err := log.f.WriteString("a part of a line")
		must(t, err)
		time.Sleep(10 * poll)
		f.crash()
		if copied {
			log.copyTruncate()
			log.all.WriteString("a part of a line")
		} else {
			must(t, os.Truncate(log.path, 0))
		}
		log.lines(1000)
		f.start()
		f.settles(log.all.String())
		f.stop()
	}
}

// has reports whether a mark has text in it.
func (m *memory) has(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.all {
		if strings.Contains(string(c.Mark), text) {
			return true
		}
	}
	return false
}

// A followed name is written to one file by a sink that can be continued.
func TestFollowedNameIntoAResumableFile(t *testing.T) {
	dir := tempDir(t)
	log := opens(t, filepath.Dir(put(t, dir, "in/x", "")), "app.log")
	to := filepath.Join(dir, "out")
	m := newMemory()
	run := func(end func(*weir.Control, context.CancelFunc)) error {
		src, err := file.NewSource([]string{log.path}, file.SourceOptions{Follow: true, FollowOptions: file.FollowOptions{Poll: poll}})
		must(t, err)
		dst, err := file.NewSink(to, file.SinkOptions{Job: "tail"})
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var c weir.Control
		stop := make(chan struct{})
		go func() { // until all of it is behind a checkpoint: before the first there is nothing to continue
			defer close(stop)
			mark := fmt.Sprintf(",len=%d,", log.all.Len())
			for deadline := time.Now().Add(patience); time.Now().Before(deadline) && !m.has(mark); time.Sleep(poll) {
			}
			end(&c, cancel)
		}()
		defer func() { <-stop }()
		_, err = weir.Ingest(ctx, asLines(t)(src), dst, weir.Options{Checkpoints: m, CheckpointEvery: time.Millisecond, Control: &c})
		return err
	}
	for range 3 {
		log.lines(100)
		if err := run(func(_ *weir.Control, cancel context.CancelFunc) { cancel() }); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		log.lines(100)
		log.rotate()
	}
	log.lines(100)
	for range 50 { // until a run was long enough, on a machine that is busy
		must(t, run(func(c *weir.Control, _ context.CancelFunc) { c.Drain() }))
		if len(get(t, to)) >= log.all.Len() {
			break
		}
	}
	if got, want := get(t, to), log.all.String(); got != want {
		t.Fatalf("there are %d bytes, want %d\n%s", len(got), len(want), firstDifference(got, want))
	}
}
