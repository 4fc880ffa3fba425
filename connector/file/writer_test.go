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

// watch notes the acts of s on the disk.
func watch(s *file.Sink) *[]string {
	var acts []string
	s.Watch(func(act, base string) error {
		if file.IsTempName(base) {
			base = "temp"
		}
		acts = append(acts, act+" "+base)
		return nil
	})
	return &acts
}

// Trap 9: no fsync, no rename.
func TestTrap9CommitSyncsRenamesAndSyncsTheDirectory(t *testing.T) {
	dir := filepath.Join(tempDir(t), "dir")
	must(t, os.Mkdir(dir, 0o755))
	for _, c := range []struct {
		path string
		o    file.SinkOptions
		want []string
	}{
		{"a", file.SinkOptions{}, []string{"write temp", "sync temp", "close temp", "renameNew a", "syncDir dir"}},
		{"a", file.SinkOptions{Force: true}, []string{"write temp", "sync temp", "close temp", "rename a", "syncDir dir"}},
		{"b", file.SinkOptions{NoSync: true}, []string{"write temp", "close temp", "renameNew b"}},
		{"out/", file.SinkOptions{}, []string{ // directories are durable before there is anything in them
			"syncDir dir", "syncDir out", "syncDir x", "write temp", "sync temp", "close temp", "renameNew a", "syncDir y",
		}},
		{"out2/", file.SinkOptions{NoSync: true}, []string{"write temp", "close temp", "renameNew a"}},
	} {
		s := sink(t, dir+"/"+c.path, c.o)
		acts := watch(s)
		w := begin(t, s, "x/y/a")
		must(t, w.Write(t.Context(), batchOf("content")))
		must(t, w.Commit(t.Context()))
		if !slices.Equal(*acts, c.want) {
			t.Errorf("%s %+v does %q, want %q", c.path, c.o, *acts, c.want)
		}
	}
}

// Trap 3: the error of the last flush is ignored.
func TestTrap3AnErrorOnTheWayToTheDiskFailsCommit(t *testing.T) {
	broken := errors.New("broken disk")
	for _, act := range []string{"truncate", "sync", "close", "rename", "renameNew"} {
		for _, old := range []string{"", "old"} {
			if act == "rename" && old == "" || act == "renameNew" && old != "" {
				continue
			}
			dir := tempDir(t)
			path := filepath.Join(dir, "out")
			if old != "" {
				put(t, dir, "out", old)
			}
			s := sink(t, path, file.SinkOptions{Force: old != ""})
			s.Watch(func(a, _ string) error {
				if a == act {
					return broken
				}
				return nil
			})
			w := begin(t, s, "a")
			must(t, w.Write(t.Context(), batchOf(strings.Repeat("x", file.PreallocateAfter))))
			must(t, w.Write(t.Context(), batchOf("x"))) // something is preallocated
			err := w.Commit(t.Context())
			if !errors.Is(err, broken) {
				t.Errorf("%s fails and Commit returns %v", act, err)
				continue
			}
			refused(t, err, weir.Other, "commit: ", "stream a", path)
			if content, err := os.ReadFile(path); (err == nil) != (old != "") || string(content) != old {
				t.Errorf("%s fails and the target holds %d bytes, %v", act, len(content), err)
			}
			begun := begin(t, s, "a") // it may be tried again
			must(t, begun.Abort(t.Context(), broken))
		}
	}
}

func TestACommitWhoseDirectoryIsNotSyncedIsUnknown(t *testing.T) {
	dir := tempDir(t)
	s := sink(t, filepath.Join(dir, "out"), file.SinkOptions{})
	broken := errors.New("broken disk")
	s.Watch(func(act, _ string) error {
		if act == "syncDir" {
			return broken
		}
		return nil
	})
	w := begin(t, s, "a")
	err := w.Commit(t.Context())
	if !errors.Is(err, weir.ErrUnknown) || !errors.Is(err, broken) {
		t.Errorf("Commit returns %v", err)
	}
	get(t, filepath.Join(dir, "out"))
}

// Trap 4: Abort itself fails, and hides the cause.
func TestTrap4AnAbortThatFailsSaysWhatIsLeft(t *testing.T) {
	dir := t.TempDir() // with a file left behind
	s := sink(t, filepath.Join(dir, "out"), file.SinkOptions{})
	broken, full := errors.New("broken disk"), errors.New("full disk")
	s.Watch(func(act, _ string) error {
		switch act {
		case "remove":
			return broken
		case "sync":
			return full
		}
		return nil
	})
	w := begin(t, s, "a")
	err := w.Abort(t.Context(), errors.New("cut"))
	if !errors.Is(err, broken) {
		t.Errorf("Abort returns %v", err)
	}
	refused(t, err, weir.Other, "cannot remove "+dir+"/.out.weir-", "; remove it")

	err = begin(t, s, "a").Commit(t.Context())
	if !errors.Is(err, broken) || !errors.Is(err, full) || strings.Index(err.Error(), "full") > strings.Index(err.Error(), "broken") {
		t.Errorf("Commit returns %v", err)
	}
}

// Trap 11: cancel does not interrupt a hanging write.
func TestTrap11AbortDoesNotWaitForAWriteThatHangs(t *testing.T) {
	dir := tempDir(t)
	s := sink(t, filepath.Join(dir, "out")+"/", file.SinkOptions{})
	hanging, release := make(chan struct{}), make(chan struct{})
	s.Watch(func(act, _ string) error {
		if act == "write" {
			close(hanging)
			<-release
		}
		return nil
	})
	w := begin(t, s, "x/a")
	written := make(chan error, 1)
	go func() { written <- w.Write(context.Background(), batchOf("content")) }()
	<-hanging
	within(t, "Abort", func() { must(t, w.Abort(t.Context(), errors.New("cut"))) })
	if paths := tree(t, dir); len(paths) != 0 {
		t.Errorf("left: %q", paths)
	}
	close(release)
	refused(t, <-written, weir.Closed)
	if paths := tree(t, dir); len(paths) != 0 {
		t.Errorf("the write came back and left: %q", paths)
	}
}

// Trap 12: cancel during the last steps is ignored and reported as success.
func TestTrap12ACommitIsCancelledOrDone(t *testing.T) {
	cause := errors.New("enough")
	for _, at := range []string{"", "sync", "close", "renameNew", "syncDir"} {
		dir := tempDir(t)
		path := filepath.Join(dir, "out")
		s := sink(t, path, file.SinkOptions{})
		ctx, cancel := context.WithCancelCause(t.Context())
		s.Watch(func(act, _ string) error {
			if act == at {
				cancel(cause)
			}
			return nil
		})
		w := begin(t, s, "a")
		must(t, w.Write(t.Context(), batchOf("content")))
		if at == "" {
			cancel(cause)
		}
		err := w.Commit(ctx)
		_, absent := os.Stat(path)
		if (err == nil) != (absent == nil) || err != nil && !errors.Is(err, cause) {
			t.Errorf("cancelled at %q: Commit returns %v, the target: %v", at, err, absent)
		}
		cancel(nil)
	}
}

// Trap 2: the disk is full in the middle.
func TestTrap2AFullDiskFailsTheWriteAndLeavesNothing(t *testing.T) {
	dir := tempDir(t)
	path := filepath.Join(dir, "out")
	s := sink(t, path, file.SinkOptions{})
	n := 0
	s.Watch(func(act, _ string) error {
		if act == "write" {
			if n++; n == 3 {
				return &os.PathError{Op: "write", Path: "hidden", Err: errors.New("no space left on device")}
			}
		}
		return nil
	})
	w := begin(t, s, "a")
	must(t, w.Write(t.Context(), batchOf("1234567890")))
	must(t, w.Write(t.Context(), batchOf("1234567890")))
	err := w.Write(t.Context(), batchOf("1234567890"))
	refused(t, err, weir.Other, "write: stream a: "+path+": at offset 20: no space left on device")
	must(t, w.Abort(t.Context(), err))
	if paths := tree(t, dir); len(paths) != 0 {
		t.Errorf("left: %q", paths)
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	dir := tempDir(t)
	w := begin(t, sink(t, filepath.Join(dir, "out"), file.SinkOptions{}), "a")
	b := batchOf(string(noise(512 << 10)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// Enough for all that is done only now and then.
	n := testing.AllocsPerRun(2*file.WriteBackStep/b.Len(), func() {
		if err := w.Write(ctx, b); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
	must(t, w.Abort(t.Context(), errors.New("enough")))
}

func TestAWrongSizeDoesNoHarm(t *testing.T) {
	dir := tempDir(t)
	content := noise(file.PreallocateAfter * 3)
	for _, size := range []int64{weir.UnknownSize, 0, 10, file.PreallocateAfter + 5, int64(len(content)), 1 << 40} {
		path := filepath.Join(dir, fmt.Sprint(size))
		info := stream("a")
		info.Size = size
		w, err := sink(t, path, file.SinkOptions{}).Open(t.Context(), info)
		must(t, err)
		for chunk := range slices.Chunk(content, 300_001) {
			must(t, w.Write(t.Context(), batchOf(string(chunk))))
		}
		must(t, w.Commit(t.Context()))
		if get(t, path) != string(content) {
			t.Errorf("with size %d the content is another", size)
		}
	}
}
