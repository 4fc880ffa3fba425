package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

func TestIngestCopiesADirectory(t *testing.T) {
	dir := tempDir(t)
	for i := range 60 {
		put(t, dir, fmt.Sprintf("in/%d/file %d", i%7, i), string(noise(i*i*100)))
	}
	src, dst := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	res, err := weir.Ingest(t.Context(), source(t, file.SourceOptions{}, src), sink(t, dst+"/", file.SinkOptions{}), weir.Options{})
	must(t, err)
	if res.Status != weir.Succeeded || res.Streams.Committed != 60 || res.Acknowledged != res.Read {
		t.Errorf("%+v", res)
	}
	if got, want := tree(t, dst), tree(t, src); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
	for i := range 60 {
		if name := fmt.Sprintf("%d/file %d", i%7, i); get(t, filepath.Join(dst, name)) != string(noise(i*i*100)) {
			t.Errorf("%s differs", name)
		}
	}
}

// Trap 5, through the engine: a failed stream ends its own stream only.
func TestTrap5IngestReadsTheOthers(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "in/a", "a")
	put(t, dir, "in/c", "c")
	put(t, dir, "out/a", "old")
	must(t, os.Symlink("nowhere", filepath.Join(dir, "in", "b")))
	res, err := weir.Ingest(t.Context(),
		source(t, file.SourceOptions{}, filepath.Join(dir, "in"), filepath.Join(dir, "*.none")),
		sink(t, filepath.Join(dir, "out"), file.SinkOptions{}), weir.Options{})
	if res.Status != weir.Failed || res.Streams.Committed != 1 || res.Streams.Failed != 2 {
		t.Errorf("%+v", res)
	}
	for _, word := range []string{"/in/b: no such file", "/out/a: file already exists; use --force", "no file matches"} {
		if !strings.Contains(fmt.Sprint(err), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
	if got, want := tree(t, filepath.Join(dir, "out")), []string{"a", "c"}; !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

func TestIngestThatIsCancelledLeavesNothing(t *testing.T) {
	dir := tempDir(t)
	path := put(t, dir, "in", string(noise(4<<20)))
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := sink(t, filepath.Join(dir, "out"), file.SinkOptions{})
	n := 0
	s.Watch(func(act, _ string) error {
		if n++; act == "write" && n == 5 {
			cancel(cause)
		}
		return nil
	})
	_, err := weir.Ingest(ctx, source(t, file.SourceOptions{}, path), s, weir.Options{Batch: 64 << 10})
	if !errors.Is(err, cause) {
		t.Errorf("Ingest returns %v", err)
	}
	if got := tree(t, dir); !slices.Equal(got, []string{"in"}) {
		t.Errorf("there are %q", got)
	}
}
