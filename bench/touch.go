package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// touchBuffer is the buffer of the bare loop, and what weir's batches come to by
// default.
const touchBuffer = 1 << 20

// runTouch reads a file from the page cache and looks at every byte of it.
func runTouch(ctx context.Context, b *bench) ([]table, error) {
	n := int64(b.size)
	src, err := b.scratch.random("touched", n)
	if err != nil {
		return nil, err
	}
	defer func() { _ = discard(src) }() // the directory goes as well
	buf := make([]byte, touchBuffer)
	want, err := touchBare(src, buf)
	if err != nil {
		return nil, err
	}
	checked := func(name string, touch func() (uint64, error)) contestant {
		return contestant{name, func(context.Context) (sample, error) {
			return measure(1, func() error {
				sum, err := touch()
				if err == nil && sum != want {
					err = errors.New("it has not seen the same bytes")
				}
				return err
			})
		}}
	}
	contestants := []contestant{
		checked("loop", func() (uint64, error) { return touchBare(src, buf) }),
		checked("weir", func() (uint64, error) { return touchWeir(ctx, src) }),
		checked("loop, again", func() (uint64, error) { return touchBare(src, buf) }),
		checked("weir, again", func() (uint64, error) { return touchWeir(ctx, src) }),
		checked("loop, buffer outside Go's heap", func() (uint64, error) { return touchOutside(src) }),
	}
	results, err := race(ctx, b.roundsOr(15, 5), contestants, nil)
	if err != nil {
		return nil, err
	}
	t := compareSeconds(fmt.Sprintf("TOUCH: %s in page cache, read and summed 8 bytes at a time, %d KiB a read", b.size.String(), touchBuffer>>10),
		"loop", contestants, results)
	s := speed(results[0], results[1])
	t.target(s >= 0.9, "weir at least 0.9 times as fast as the loop: %s", times(s))
	return []table{t}, nil
}

func touchBare(name string, buf []byte) (sum uint64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	for {
		n, err := f.Read(buf)
		sum += touch(buf[:n])
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// touchOutside is the loop with memory that comes straight from the system, as
// weir's does. What that costs is not the engine's.
func touchOutside(name string) (uint64, error) {
	buf, err := syscall.Mmap(-1, 0, touchBuffer, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return 0, err
	}
	sum, err := touchBare(name, buf)
	return sum, errors.Join(err, syscall.Munmap(buf))
}

func touchWeir(ctx context.Context, name string) (sum uint64, err error) {
	src, err := file.NewSource([]string{name}, file.SourceOptions{})
	if err != nil {
		return 0, err
	}
	_, err = weir.Ingest(ctx, src, weir.SinkFunc(func(_ context.Context, b *weir.Batch) error {
		sum += touch(b.Bytes())
		return nil
	}), weir.Options{})
	return sum, err
}

// touch returns the sum of b as words of 8 bytes; a rest is left out. All
// contestants call the same machine code: inlined, it lies differently in each, and
// that alone is worth several percent.
//
//go:noinline
func touch(b []byte) (sum uint64) {
	for len(b) >= 32 {
		sum += binary.LittleEndian.Uint64(b) + binary.LittleEndian.Uint64(b[8:]) +
			binary.LittleEndian.Uint64(b[16:]) + binary.LittleEndian.Uint64(b[24:])
		b = b[32:]
	}
	for ; len(b) >= 8; b = b[8:] {
		sum += binary.LittleEndian.Uint64(b)
	}
	return sum
}
