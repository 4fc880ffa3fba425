package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
	"github.com/weirflow/weir/weirtest"
)

func TestEachLoopMovesEveryByte(t *testing.T) {
	const size = 100*chunk + 17
	for name, move := range map[string]mover{"loop": moveLoop, "fire": moveFire, "channel": moveChannel} {
		t.Run(name, func(t *testing.T) {
			weirtest.CheckLeaks(t)
			src, err := sim.NewGenerator(sim.GeneratorOptions{Size: size, Streams: 3, Opaque: true})
			if err != nil {
				t.Fatal(err)
			}
			dst, err := sim.NewSlow(sim.SlowOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := join(t.Context(), src, dst, move); err != nil {
				t.Error(err)
			}
			if got := dst.Count().Bytes; got != size {
				t.Errorf("%d bytes arrived, want %d", got, size)
			}
		})
	}
}

func TestALoopReturnsWhatTheSinkSays(t *testing.T) {
	boom := errors.New("boom")
	for name, move := range map[string]mover{"loop": moveLoop, "fire": moveFire, "channel": moveChannel} {
		sink := weir.SinkFunc(func(context.Context, *weir.Batch) error { return boom })
		if err := join(t.Context(), &idleSource{batches: 3}, sink, move); !errors.Is(err, boom) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheIdleSourceGivesItsBatches(t *testing.T) {
	var batches, bytes int
	sink := weir.SinkFunc(func(_ context.Context, b *weir.Batch) error {
		batches++
		bytes += b.Len()
		return nil
	})
	if _, err := weir.Ingest(t.Context(), &idleSource{batches: 7}, sink, weir.Options{Batch: chunk}); err != nil || batches != 7 || bytes != 7*chunk {
		t.Errorf("%d batches of %d bytes, %v", batches, bytes, err)
	}
}

func TestAllThatTouchSeeTheSameBytes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	content := make([]byte, 3*touchBuffer/2)
	var want uint64
	for i := range content {
		content[i] = byte(i * i >> 3)
		want += uint64(content[i]) << (8 * (i % 8))
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for who, f := range map[string]func() (uint64, error){
		"loop":    func() (uint64, error) { return touchBare(name, make([]byte, touchBuffer)) },
		"weir":    func() (uint64, error) { return touchWeir(t.Context(), name) },
		"outside": func() (uint64, error) { return touchOutside(name) },
	} {
		if got, err := f(); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", who, got, err, want)
		}
	}
}

func TestScratchIsRefusedWithoutRoomAndRemoved(t *testing.T) {
	s, err := newScratch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.need(1 << 60); err == nil {
		t.Error("there was room for an exbibyte")
	}
	path, err := s.random("file", 2<<20)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Size() != 2<<20 {
		t.Errorf("%v, %v", st, err)
	}
	if err := s.remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}
