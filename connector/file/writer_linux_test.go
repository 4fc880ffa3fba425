package file_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// fillUp writes to path until it cannot, and returns how far it came and why
// not.
func fillUp(t *testing.T, path string, limit int) (written int, err error) {
	t.Helper()
	w := begin(t, sink(t, path, file.SinkOptions{}), "a")
	b := batchOf(string(noise(256 << 10)))
	for written < limit {
		if err = w.Write(t.Context(), b); err != nil {
			must(t, w.Abort(t.Context(), err))
			return written, err
		}
		written += b.Len()
	}
	must(t, w.Abort(t.Context(), errors.New("enough")))
	return written, nil
}

// Trap 2, with a file system that is full.
func TestTrap2AFullFileSystem(t *testing.T) {
	dir := tempDir(t)
	if err := syscall.Mount("weir-test", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	defer func() { must(t, syscall.Unmount(dir, 0)) }()
	path := filepath.Join(dir, "out")
	written, err := fillUp(t, path, 64<<20)
	if !errors.Is(err, syscall.ENOSPC) || written < 5<<19 {
		t.Errorf("after %d bytes: %v", written, err)
	}
	refused(t, err, weir.Other, path, "no space left on device", "at offset")
	if paths := tree(t, dir); len(paths) != 0 {
		t.Errorf("left: %q", paths)
	}
}

// Trap 2, with a limit on the size of a file. It is in the way of
// preallocation first, which must not matter.
func TestTrap2ALimitOnTheSizeOfAFile(t *testing.T) {
	const limit = 4 << 20
	if dir := os.Getenv("WEIR_TEST_LIMITED"); dir != "" {
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}))
		written, err := fillUp(t, filepath.Join(dir, "out"), 64<<20)
		if !errors.Is(err, syscall.EFBIG) || written != limit {
			t.Errorf("after %d bytes: %v", written, err)
		}
		refused(t, err, weir.Other, "file too large", "at offset 4194304")
		return
	}
	dir := tempDir(t)
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "WEIR_TEST_LIMITED="+dir)
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if paths := tree(t, dir); len(paths) != 0 {
		t.Errorf("left: %q", paths)
	}
}

func TestSpaceThatWasReservedIsGivenBack(t *testing.T) {
	dir := tempDir(t)
	for _, size := range []int64{weir.UnknownSize, 1 << 30} {
		path := filepath.Join(dir, "out")
		info := stream("a")
		info.Size = size
		w, err := sink(t, path, file.SinkOptions{Force: true}).Open(t.Context(), info)
		must(t, err)
		b := batchOf(string(noise(file.PreallocateAfter)))
		for range 2 {
			must(t, w.Write(t.Context(), b))
		}
		temp := tree(t, dir)
		reserved := blocks(t, filepath.Join(dir, temp[len(temp)-1]), filepath.Join(dir, temp[0]))
		must(t, w.Commit(t.Context()))
		if kept := blocks(t, path, path); kept > 3<<20 {
			t.Errorf("a file of 2 MiB takes %d bytes", kept)
		} else if reserved <= kept {
			t.Logf("this file system does not reserve: %d bytes", reserved)
		}
	}
}

// What of a large durable file is stored leaves the page cache while the rest is
// written. Where that cannot be, nothing else changes.
func TestALargeDurableFileLeavesThePageCache(t *testing.T) {
	const steps, behind = 3, file.SettleBehind / file.WriteBackStep
	content := noise((behind + steps) * file.WriteBackStep)
	for name, c := range map[string]struct {
		o    file.SinkOptions
		fail syscall.Errno
		want int // how often it is waited for
	}{
		"durable":     {want: steps},
		"not durable": {o: file.SinkOptions{NoSync: true}},
		"unknown":     {fail: syscall.EINVAL, want: 1},
		"disk fails":  {fail: syscall.EIO, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(tempDir(t), "out")
			s := sink(t, path, c.o)
			settled := 0
			s.Watch(func(act, _ string) error {
				if act != "settle" {
					return nil
				}
				settled++
				if c.fail != 0 {
					return c.fail
				}
				return nil
			})
			w := begin(t, s, "a")
			var err error
			for step := range slices.Chunk(content, 1<<20) {
				if err = w.Write(t.Context(), batchOf(string(step))); err != nil {
					break
				}
			}
			if c.fail == syscall.EIO {
				refused(t, err, weir.Other, path, "storing what is before offset", "input/output error")
				must(t, w.Abort(t.Context(), err))
			} else {
				must(t, err)
				must(t, w.Commit(t.Context()))
				if get(t, path) != string(content) {
					t.Error("the content is another")
				}
			}
			if settled != c.want {
				t.Errorf("it was waited for %d times, want %d", settled, c.want)
			}
		})
	}
}

// blocks returns the larger of what a and b take on the disk, in bytes.
func blocks(t *testing.T, a, b string) int64 {
	t.Helper()
	var most int64
	for _, path := range []string{a, b} {
		st, err := os.Stat(path)
		must(t, err)
		most = max(most, st.Sys().(*syscall.Stat_t).Blocks*512)
	}
	return most
}

func TestABlockDeviceIsRefusedWithoutForce(t *testing.T) {
	path := filepath.Join(tempDir(t), "dev")
	if err := syscall.Mknod(path, syscall.S_IFBLK|0o600, 259<<8|255); err != nil {
		t.Skipf("cannot make one: %v", err)
	}
	_, err := sink(t, path, file.SinkOptions{}).Open(t.Context(), stream("a"))
	refused(t, err, weir.Invalid, "block device", "--force")
}
