package file_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// memory is a store of checkpoints.
type memory struct {
	mu    sync.Mutex
	all   map[string]weir.Checkpoint
	saved func(n int) // after each
	n     int
}

func newMemory() *memory { return &memory{all: map[string]weir.Checkpoint{}} }

func (m *memory) Load(_ context.Context, s weir.StreamInfo) (weir.Checkpoint, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.all[s.ID]
	return c, ok, nil
}

func (m *memory) Save(_ context.Context, s weir.StreamInfo, c weir.Checkpoint) error {
	m.mu.Lock()
	m.all[s.ID] = c
	m.n++
	m.mu.Unlock()
	if m.saved != nil {
		m.saved(m.n)
	}
	return nil
}

// copyFile copies from to to with checkpoints as often as can be, slowly.
func copyFile(ctx context.Context, t *testing.T, from, to string, m *memory) (weir.Result, error) {
	t.Helper()
	src, err := file.NewSource([]string{from}, file.SourceOptions{})
	must(t, err)
	dst, err := file.NewSink(to, file.SinkOptions{Job: "job"})
	must(t, err)
	return weir.Ingest(ctx, src, dst, weir.Options{
		Batch: 4 << 10, Checkpoints: m, CheckpointEvery: time.Millisecond, Rate: 20 << 20,
	})
}

// However often a copy is cut short, and whatever stands behind the mark then, the
// copy that is finished in the end is the source, and nothing else is left.
func TestCopyThatIsCutShortContinues(t *testing.T) {
	for seed := range uint64(8) {
		dir := tempDir(t)
		r := rand.New(rand.NewPCG(seed, 9))
		content := string(noise(200_000 + r.IntN(400_000)))
		from, to := put(t, dir, "from", content), filepath.Join(dir, "to")
		m := newMemory()
		runs := 0
		for ; ; runs++ {
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := m.n + 1 + r.IntN(4)
			m.saved = func(n int) {
				if n == stop && runs < 20 {
					cancel(errCut)
				}
			}
			_, err := copyFile(ctx, t, from, to, m)
			cancel(nil)
			if err == nil {
				break
			}
			if !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			for _, path := range tree(t, dir) {
				if strings.HasSuffix(path, ".tmp") { // what a crash may leave behind the mark
					f, err := os.OpenFile(filepath.Join(dir, path), os.O_WRONLY|os.O_APPEND, 0)
					must(t, err)
					_, err = f.WriteString("torn")
					must(t, err)
					must(t, f.Close())
				}
			}
		}
		if got := get(t, to); got != content {
			t.Errorf("seed %d: %d bytes after %d runs, want %d", seed, len(got), runs, len(content))
		}
		if runs == 0 {
			t.Errorf("seed %d: it was never cut short", seed)
		}
	}
}

var errCut = errors.New("cut short")

// A crash after the file has its name and before anybody noted it: the next run
// sees that. If the target is gone, or is another file, it says so.
func TestCommittedFileIsRecognized(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, from, to string)
		want   string
	}{
		"as it was":      {func(*testing.T, string, string) {}, ""},
		"gone":           {func(t *testing.T, _, to string) { must(t, os.Remove(to)) }, "again"},
		"replaced":       {func(t *testing.T, _, to string) { must(t, os.Rename(put(t, filepath.Dir(to), "x", "other"), to)) }, "file already exists"},
		"source changed": {func(t *testing.T, from, _ string) { must(t, os.Truncate(from, 70_000)) }, "it has 70000 bytes and had 50000"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tempDir(t)
			from, to := put(t, dir, "from", string(noise(50_000))), filepath.Join(dir, "to")
			m := newMemory()
			_, err := copyFile(t.Context(), t, from, to, m)
			must(t, err)
			c.change(t, from, to)
			res, err := copyFile(t.Context(), t, from, to, m)
			if c.want == "again" {
				if err != nil || res.Streams.Already != 0 || get(t, to) != get(t, from) {
					t.Errorf("%+v, %v", res.Stats, err)
				}
				return
			}
			if c.want == "" {
				if err != nil || res.Streams.Already != 1 || res.Read.Bytes != 0 {
					t.Errorf("%+v, %v", res.Stats, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %q", err, c.want)
			}
		})
	}
}

func TestTemporaryFileThatIsNotAsItWasLeftIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, temp string)
		want   string
	}{
		"shorter": {func(t *testing.T, temp string) { must(t, os.Truncate(temp, 1)) }, "is not as an earlier run left it"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			from, to := put(t, dir, "from", string(noise(300_000))), filepath.Join(dir, "to")
			m := newMemory()
			ctx, cancel := context.WithCancelCause(t.Context())
			m.saved = func(int) { cancel(errCut) }
			if _, err := copyFile(ctx, t, from, to, m); !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			for _, path := range tree(t, dir) {
				if strings.HasSuffix(path, ".tmp") {
					c.change(t, filepath.Join(dir, path))
				}
			}
			if _, err := copyFile(t.Context(), t, from, to, m); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzMark(f *testing.F) {
	f.Add("dev=2049,ino=131075,len=1048576,tmp=abc234")
	f.Add("dev=1,ino=2,len=-1,tmp=../../")
	f.Fuzz(func(t *testing.T, text string) {
		back, err := file.MarkText([]byte(text))
		if err == nil && back != text {
			t.Errorf("%q is read as %q", text, back)
		}
		if err != nil && fmt.Sprint(err) == "" {
			t.Error("an error without text")
		}
	})
}
