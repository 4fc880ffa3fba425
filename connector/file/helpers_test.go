package file_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// patience bounds what must end at once.
const patience = 10 * time.Second

// tempDir returns a directory and makes sure that, at the end of the test, there
// is no temporary file in it and no descriptor is left.
func tempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if r, w, err := os.Pipe(); err == nil { // the runtime's poller keeps its own
		must(t, r.Close())
		must(t, w.Close())
	}
	before := descriptors(t)
	t.Cleanup(func() {
		for _, path := range tree(t, dir) {
			if strings.HasSuffix(path, ".tmp") {
				t.Errorf("left behind: %s", path)
			}
		}
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors at the end, %d at the beginning", after, before)
		}
	})
	return dir
}

// descriptors counts those of this process, 0 where that is not known.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// tree lists what is below dir.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			rel, _ := filepath.Rel(dir, path)
			paths = append(paths, filepath.ToSlash(rel))
		}
		return err
	}))
	return paths
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes a file, with the directories it needs, and returns its path.
func put(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
	return path
}

// get reads a file.
func get(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content)
}

// noise returns n bytes without a short period.
func noise(n int) []byte {
	p := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range p {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		p[i] = byte(x)
	}
	return p
}

// within runs f and fails the test if it takes longer than patience.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s did not end", what)
	}
}

// source opens a source and closes it at the end of the test.
func source(t *testing.T, o file.SourceOptions, args ...string) *file.Source {
	t.Helper()
	s, err := file.NewSource(args, o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// open opens path as a stream and closes it at the end of the test.
func open(t *testing.T, path string) weir.Stream {
	t.Helper()
	st, err := source(t, file.SourceOptions{}, path).Next(t.Context())
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	return st
}

// batchOf returns a batch that holds content.
func batchOf(content string) *weir.Batch {
	b := weir.NewBatch(max(len(content), 1))
	b.Advance(copy(b.Space(), content))
	return b
}

// drain reads st to its end in batches of size, and returns the bytes and the
// position after each batch.
func drain(st weir.Stream, size int) ([]byte, []string, error) {
	var all bytes.Buffer
	var positions []string
	b := weir.NewBatch(size)
	for {
		b.Reset()
		err := st.Read(context.Background(), b)
		if err != nil && err != io.EOF {
			return all.Bytes(), positions, err
		}
		all.Write(b.Bytes())
		positions = append(positions, b.Position().String())
		if err == io.EOF {
			return all.Bytes(), positions, nil
		}
	}
}

// names reads all streams of a source and returns their names.
func names(t *testing.T, s *file.Source) []string {
	t.Helper()
	var all []string
	for {
		st, err := s.Next(t.Context())
		if err == io.EOF {
			return all
		}
		must(t, err)
		all = append(all, st.Info().Name)
		must(t, st.Close())
	}
}

// sink makes a sink.
func sink(t *testing.T, path string, o file.SinkOptions) *file.Sink {
	t.Helper()
	s, err := file.NewSink(path, o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// stream describes a stream that comes from elsewhere.
func stream(name string) weir.StreamInfo {
	return weir.StreamInfo{ID: "test:" + name, Name: name, Size: weir.UnknownSize}
}

// begin opens a Writer.
func begin(t *testing.T, s *file.Sink, name string) weir.Writer {
	t.Helper()
	w, err := s.Open(t.Context(), stream(name))
	must(t, err)
	return w
}

// refused makes sure that err is a *weir.Error of the kind, whose text holds all
// of words.
func refused(t *testing.T, err error, kind weir.Kind, words ...string) {
	t.Helper()
	var e *weir.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v (%T), want a *weir.Error", err, err)
	}
	if weir.KindOf(err) != kind {
		t.Errorf("kind of %q is %v, want %v", err, weir.KindOf(err), kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}
