package jsonscan_test

import (
	"errors"
	"math"
	"strconv"
	"syscall"
	"testing"

	"github.com/weirflow/weir/codec/jsonscan"
)

// TestScanRefusesWhatPositionsCannotName shows Scan two gigabytes of memory
// that may not even be read.
func TestScanRefusesWhatPositionsCannotName(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("no slice is longer than that here")
	}
	size := math.MaxInt32
	size++
	record, err := syscall.Mmap(-1, 0, size, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Munmap(record); err != nil {
			t.Error(err)
		}
	}()
	var o jsonscan.Object
	var syntax *jsonscan.SyntaxError
	if err := o.Scan(record); !errors.As(err, &syntax) || syntax.Offset != math.MaxInt32 {
		t.Errorf("%v; want a SyntaxError at %d", err, math.MaxInt32)
	}
}

// TestNoPageBehindTheSliceIsTouched scans documents that end where the memory
// ends: a read behind it kills the process.
func TestNoPageBehindTheSliceIsTouched(t *testing.T) {
	page := syscall.Getpagesize()
	pages, err := syscall.Mmap(-1, 0, 2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Munmap(pages); err != nil {
			t.Error(err)
		}
	}()
	if err := syscall.Mprotect(pages[page:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	var o jsonscan.Object
	for _, x := range documents {
		for end := 0; end <= len(x.doc) && len(x.doc) < page; end++ {
			b := pages[page-end : page : page]
			copy(b, x.doc)
			if valid, err := jsonscan.Valid(b), o.Scan(b); err == nil && !valid {
				t.Errorf("%q: Scan accepts what Valid does not", b)
			}
			_, _ = jsonscan.Unquote(nil, b) // only whether it reads too far is asked
			jsonscan.Compact(nil, b)
			jsonscan.Quote(nil, b)
		}
	}
}
