package checkpoint

import (
	"errors"
	"io"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
)

// An image is one file of the store: a table that never changes, and a log that
// grows at its end. A compaction begins a new one; the old one lives as long as
// somebody reads it.
type image struct {
	file   file
	header header
	first  []key         // of each block of the table
	tail   map[key]int64 // offset of the newest record of each key in the log
	end    int64         // of the log
	frames uint64        // in the log
	size   int64         // of the file
	refs   atomic.Int64  // whoever brings it to 0 closes the file
}

// place is where the log has the newest record of a key.
type place struct {
	key key
	off int64
}

// release gives up one reference.
func (im *image) release() {
	if im.refs.Add(-1) == 0 {
		_ = im.file.Close() // what was written was synced
	}
}

// blocks holds buffers of the size of a block. There are as many as calls that
// read.
var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// readIndex reads the index of the table.
func (im *image) readIndex() error {
	b := make([]byte, im.header.blocks*keySize)
	if _, err := im.file.ReadAt(b, im.header.tableEnd()); err != nil {
		return err
	}
	if checksum(im.header.salt, im.header.tableEnd(), b) != im.header.index {
		return damaged(im.header.tableEnd(), "the index does not match its checksum")
	}
	im.first = make([]key, im.header.blocks)
	for i := range im.first {
		copy(im.first[i][:], b[i*keySize:])
	}
	return nil
}

// readRecord reads the record of the log at off into b.
func (im *image) readRecord(off int64, b *[blockSize]byte) (record, error) {
	const most = 512 // holds nearly every record
	n, err := im.file.ReadAt(b[:most], off)
	if n >= recordHead && recordSize(b[:]) > n {
		n, err = im.file.ReadAt(b[:min(recordSize(b[:]), maxRecord)], off)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return record{}, err
	}
	r, ok := parseRecord(b[:n], im.header.salt, off)
	if !ok {
		return record{}, damaged(off, "a record does not match its checksum")
	}
	return r, nil
}

// find looks k up in the table, with b to read a block into.
func (im *image) find(k key, b *[blockSize]byte) (record, bool, error) {
	c := im.seek(k, b)
	r, ok, err := c.next()
	return r, ok && r.key == k, err
}

// seek returns a cursor on the first record of the table whose key is not
// before k.
func (im *image) seek(k key, b *[blockSize]byte) *cursor {
	i := sort.Search(len(im.first), func(i int) bool { return k.before(im.first[i]) })
	return &cursor{im: im, block: max(i-1, 0), from: k, buf: b}
}

// A cursor reads the table in the order of keys.
type cursor struct {
	im    *image
	block int // the next to read
	from  key // what is before it is passed over
	buf   *[blockSize]byte
	rest  []byte // of the block, behind the records that were returned
	off   int64  // where rest stands
	left  int    // records in rest
}

// next returns the next record, which is valid until the call after it, or no
// record at the end.
func (c *cursor) next() (record, bool, error) {
	for {
		if c.left == 0 {
			if c.block == len(c.im.first) {
				return record{}, false, nil
			}
			if err := c.load(); err != nil {
				return record{}, false, err
			}
		}
		r, ok := parseRecord(c.rest, c.im.header.salt, c.off)
		if !ok {
			return record{}, false, damaged(c.off, "a record does not match its checksum")
		}
		c.rest, c.off, c.left = c.rest[r.size():], c.off+int64(r.size()), c.left-1
		if !r.key.before(c.from) {
			return r, true, nil
		}
	}
}

// load reads the next block.
func (c *cursor) load() error {
	off := tableBegin + int64(c.block)*blockSize
	if _, err := c.im.file.ReadAt(c.buf[:], off); err != nil {
		return err
	}
	n, block, ok := parseFrameHead(c.buf[:], blockMagic, c.im.header.salt, off)
	if !ok || block != uint64(c.block) || n == 0 {
		return damaged(off, "a block does not match its checksum")
	}
	c.rest, c.off, c.left = c.buf[frameHead:], off+frameHead, n
	c.block++
	return nil
}

// places returns what the log has from key from to before key to, in order: 24
// bytes for each.
func (im *image) places(from, to key) []place {
	all := make([]place, 0, len(im.tail))
	for k, off := range im.tail {
		if !k.before(from) && k.before(to) {
			all = append(all, place{k, off})
		}
	}
	slices.SortFunc(all, compareKeys)
	return all
}

// walk calls visit, in the order of keys, for each record from key from to
// before key to that is not removed, until it returns false or an error. log is
// what places returned for the same keys. A record is valid during the call.
func (im *image) walk(from, to key, log []place, visit func(record) (bool, error)) error {
	block, other := blocks.Get().(*[blockSize]byte), blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)
	defer blocks.Put(other)
	c := im.seek(from, block)
	old, more, err := c.next()
	for err == nil {
		more = more && old.key.before(to)
		if !more && len(log) == 0 {
			return nil
		}
		r, fresh := old, false
		if len(log) > 0 && (!more || !old.key.before(log[0].key)) {
			fresh = true
			if r, err = im.readRecord(log[0].off, other); err != nil {
				return err
			}
		}
		if r.kind == put {
			if on, err := visit(r); !on || err != nil {
				return err
			}
		}
		if more && (!fresh || old.key == r.key) {
			old, more, err = c.next()
		}
		if fresh {
			log = log[1:]
		}
	}
	return err
}
