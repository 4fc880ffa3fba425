package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// program for a lossyDisk: what it does, it tells the disk.
type disked struct {
	t *testing.T
	d *lossyDisk
}

func (p disked) call(c call, do func() error) {
	p.t.Helper()
	p.d.before(c)
	if err := do(); err != nil {
		p.t.Fatal(err)
	}
	p.d.after(c)
}

func (p disked) sync(path string) {
	p.call(call{name: "sync", path: path}, func() error { return nil })
}

// The power fails again and again: what was synced is there each time, and what was
// not is there at one time and not at another.
func TestLossyDiskKeepsWhatWasSyncedAndNothingElseForSure(t *testing.T) {
	synced, after := bytes.Repeat([]byte("s"), 3000), bytes.Repeat([]byte("u"), 3000)
	seen := map[string]int{}
	for seed := range uint64(200) {
		dir := t.TempDir()
		d, err := newLossyDisk(dir, seed)
		if err != nil {
			t.Fatal(err)
		}
		p := disked{t, d}
		a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
		p.call(call{name: "open", path: a}, func() error { return os.WriteFile(a, synced, 0o600) })
		p.sync(a)
		p.sync(dir) // a is there for good, with its content
		p.call(call{name: "open", path: b}, func() error { return os.WriteFile(b, synced, 0o600) })
		p.sync(b) // b has its content, if it is there
		p.call(call{name: "rename", path: a, to: c}, func() error { return os.Rename(a, c) })
		if err := appendTo(c, after); err != nil {
			t.Fatal(err)
		}
		was := inodeOf(c)
		if err := d.lose(); err != nil {
			t.Fatal(err)
		}
		now := namesIn(dir)
		renamed := now["c"] == was
		if !renamed && now["a"] != was || renamed && now["a"] != 0 {
			t.Fatalf("seed %d: the file that was synced is not there once: %v", seed, now)
		}
		path := a
		if renamed {
			path = c
			seen["renamed"]++
		}
		data, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(data, synced) {
			t.Fatalf("seed %d: what was synced is not there: %v", seed, err)
		}
		switch tail := data[len(synced):]; {
		case len(tail) == 0:
			seen["nothing appended"]++
		case bytes.Equal(tail, after):
			seen["all appended"]++
		default:
			seen["holes"]++
		}
		if content, err := os.ReadFile(b); err == nil {
			seen["created"]++
			if !bytes.Equal(content, synced) {
				t.Fatalf("seed %d: a file that was synced has lost content", seed)
			}
		}
	}
	for _, what := range []string{"renamed", "created", "nothing appended", "holes"} {
		if n := seen[what]; n == 0 || n == 200 {
			t.Errorf("%s: %d times of 200", what, n)
		}
	}
}

func appendTo(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
