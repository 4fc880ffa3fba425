package sqlite

import (
	"unsafe"

	"modernc.org/libc"
)

// region is memory of SQLite's side, which the collector of Go neither moves nor
// looks at: what SQLite is told to read must stand there.
type region struct {
	at uintptr
	b  []byte
}

func newRegion(tls *libc.TLS, size int) (region, error) {
	at := libc.Xmalloc(tls, libc.Tsize_t(size))
	if at == 0 {
		return region{}, &Error{Code: codeNoMem, Message: "out of memory"}
	}
	return region{at, bytesAt(at, size)}, nil
}

func (r *region) free(tls *libc.TLS) {
	if r.at != 0 {
		libc.Xfree(tls, r.at)
	}
	*r = region{}
}

// bytesAt returns the n bytes at p, which is an address on SQLite's side.
func bytesAt(p uintptr, n int) []byte {
	if p == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(pointer(p)), n)
}

// wordSize is the size of an address, in bytes.
const wordSize = unsafe.Sizeof(uintptr(0))

// wordAt returns the address that stands at p.
func wordAt(p uintptr) uintptr { return *(*uintptr)(pointer(p)) }

// pointer makes a pointer of an address on SQLite's side. It is a conversion by
// way of memory, because the direct one is for addresses of Go only.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }
