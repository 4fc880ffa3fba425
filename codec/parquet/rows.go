package parquet

import (
	"encoding/binary"
	"errors"

	"github.com/weirflow/weir/codec/jsonscan"
)

// cellSize is what a value takes in a row, or its absence: eight bytes, and one
// that says which.
const cellSize = 9

var errRowsFull = errors.New("it does not fit into a row group; raise RowGroupBytes")

// rows are the records of a row group, in one piece of memory of a fixed size: the
// bytes of values grow from its front, and the cells of one row after the other from
// its back. A cell holds a number or where the bytes are. They stay in rows until the
// group is written, column by column.
type rows struct {
	mem     []byte
	n       int // bytes of values
	count   int // rows
	columns int

	begun int    // n when the row began
	text  []byte // room for a value that must be unquoted first
}

// reset makes the rows empty, of so many columns.
func (r *rows) reset(columns int) { r.n, r.count, r.columns = 0, 0, columns }

// rowBytes is what the cells of a row take.
func (r *rows) rowBytes() int { return r.columns * cellSize }

// left is the room between the values and the cells, that of the row that has begun
// included.
func (r *rows) left() int { return len(r.mem) - r.n - (r.count+1)*r.rowBytes() }

// begin begins a row, with no value in it. It reports false when there is no room.
func (r *rows) begin() bool {
	if r.left() < 0 {
		return false
	}
	r.begun = r.n
	clear(r.row(r.count))
	return true
}

// end ends the row; drop takes it back.
func (r *rows) end()  { r.count++ }
func (r *rows) drop() { r.n = r.begun }

// row returns the cells of row i.
func (r *rows) row(i int) []byte {
	end := len(r.mem) - i*r.rowBytes()
	return r.mem[end-r.rowBytes() : end]
}

// cell returns the cell of a column of row i: its value if there is one.
func (r *rows) cell(i, column int) (v uint64, ok bool) {
	c := r.mem[len(r.mem)-(i+1)*r.rowBytes()+column*cellSize:]
	return binary.LittleEndian.Uint64(c), c[8] != 0
}

// set sets the cell of a column of row i.
func (r *rows) set(i, column int, v uint64) {
	c := r.mem[len(r.mem)-(i+1)*r.rowBytes()+column*cellSize:]
	binary.LittleEndian.PutUint64(c, v)
	c[8] = 1
}

// unset takes the value of a column of row i away.
func (r *rows) unset(i, column int) {
	r.mem[len(r.mem)-(i+1)*r.rowBytes()+column*cellSize+8] = 0
}

// place is the cell of n bytes at offset at.
func place(at, n int) uint64 { return uint64(at) | uint64(n)<<32 }

// bytes are what the cell v is the place of.
func (r *rows) bytes(v uint64) []byte {
	at, n := int(uint32(v)), int(v>>32)
	return r.mem[at : at+n : at+n]
}

// grow takes n more bytes. It reports false when there is no room for them.
func (r *rows) grow(n int) bool {
	if n > r.left() {
		return false
	}
	r.n += n
	return true
}

// keep adds b to the values.
func (r *rows) keep(b []byte) (uint64, error) {
	at := r.n
	if !r.grow(len(b)) {
		return 0, errRowsFull
	}
	copy(r.mem[at:], b)
	return place(at, len(b)), nil
}

// unquote adds what a string of JSON stands for to the values.
func (r *rows) unquote(raw []byte) (uint64, error) {
	at := r.n
	room := r.mem[at : at : at+max(0, r.left())]
	text, err := jsonscan.Unquote(room, raw)
	if err != nil {
		return 0, err
	}
	if len(text) > cap(room) {
		return 0, errRowsFull
	}
	r.n += len(text)
	return place(at, len(text)), nil
}
