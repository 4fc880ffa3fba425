package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestFileIsAwaitedUnderWhateverName(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := temporary(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty directory: %v", err)
	}
	path := filepath.Join(dir, ".weir-x")
	grown := make(chan error, 1) // one result
	go func() {
		time.Sleep(10 * time.Millisecond) // it works without as well
		grown <- os.WriteFile(path, make([]byte, 100), 0o600)
	}()
	if err := awaitSize(t.Context(), dir, 100); err != nil {
		t.Error(err)
	}
	if err := <-grown; err != nil {
		t.Fatal(err)
	}
	if got, size, err := temporary(dir); got != path || size != 100 || err != nil {
		t.Errorf("%s, %d, %v", got, size, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := awaitSize(ctx, dir, 101); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
