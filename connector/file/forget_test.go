package file_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// What a job has left of its streams goes, and nothing else.
func TestForgetRemovesTheTemporaryFilesOfAJob(t *testing.T) {
	dir := tempDir(t)
	all := []weir.StreamInfo{{ID: "1", Name: "a"}, {ID: "2", Name: "below/b"}, {ID: "3", Name: "below/gone"}}
	for _, job := range []string{"job", "other"} {
		s, err := file.NewSink(dir+"/", file.SinkOptions{Job: job})
		must(t, err)
		for _, info := range all[:2] {
			info.Resumable = true
			w, err := s.Open(t.Context(), info)
			must(t, err)
			must(t, w.Write(t.Context(), batchOf("data")))
			_, err = w.(weir.Flusher).Flush(t.Context(), nil)
			must(t, err)
			must(t, w.(weir.Resumer).Suspend(t.Context(), context.Canceled))
		}
		must(t, s.Close())
	}
	put(t, dir, "below/.b.weir-aaaaaa.tmp", "somebody's")
	before := temps(t, dir)
	must(t, file.Forget(dir+"/", "job", slices.Values(all)))
	if after := temps(t, dir); len(before) != 5 || len(after) != 3 {
		t.Errorf("of %q there are left %q", before, after)
	}
	must(t, file.Forget(dir, "other", slices.Values(all)))
	if after := temps(t, dir); len(after) != 1 {
		t.Errorf("there are left %q", after)
	}
	must(t, os.Remove(filepath.Join(dir, "below", ".b.weir-aaaaaa.tmp")))
	must(t, file.Forget(filepath.Join(dir, "nothing", "x"), "job", slices.Values(all)))
}

// temps returns the temporary files below dir.
func temps(t *testing.T, dir string) (all []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if file.IsTempName(filepath.Base(path)) {
			all = append(all, path)
		}
		return err
	}))
	return all
}
