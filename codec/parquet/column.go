package parquet

import (
	"context"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/format"
	"github.com/weirflow/weir"
)

// A column reads the entries of one column of a row group, in order, with one page
// in memory.
type column struct {
	leaf   *leaf
	chunk  chunk
	room   []byte // for a page
	dict   dictionary
	words  []byte // room for the dictionary's page
	joined []byte // a value that had to be put together; the capacity is all there is

	cursor
	saved *saved // of a column in lists
}

// saved is where a column was when a record began.
type saved struct {
	cursor
	joined []byte
}

// A cursor is where a column is.
type cursor struct {
	next    int64 // offset of the header of the next page
	page    int64 // offset of the header of the page in memory; 0: there is none
	after   int64 // entries of the pages behind it
	entries int   // of the page, not yet read
	reps    hybrid
	defs    hybrid
	values  values

	// The entry that was read last, if there is one: its levels, and its value if
	// def is that of the column.
	there bool
	rep   uint8
	def   uint8
	value value
}

// newColumn makes the room that the plan says.
func newColumn(l *leaf, p columnPlan) *column {
	c := &column{leaf: l, room: make([]byte, p.page), words: make([]byte, p.dictionary)}
	c.dict.ends = make([]uint32, 0, p.entries)
	if l.maxRep > 0 {
		c.saved = &saved{}
	}
	if p.joined > 0 {
		c.joined = make([]byte, 0, p.joined)
		if c.saved != nil {
			c.saved.joined = make([]byte, 0, p.joined)
		}
	}
	return c
}

// open begins a chunk.
func (c *column) open(chunk chunk) {
	c.chunk = chunk
	c.dict.close()
	c.cursor = cursor{next: chunk.at, after: chunk.values}
}

// advance reads the next entry. Where there is none, it leaves there false.
func (c *column) advance(ctx context.Context, p *pages) error {
	for c.entries == 0 {
		if c.after == 0 {
			c.there = false
			return nil
		}
		if err := c.load(ctx, p); err != nil {
			return err
		}
	}
	c.entries--
	c.there = true
	if c.leaf.maxRep > 0 {
		level, err := c.reps.next()
		if err != nil || level > uint32(c.leaf.maxRep) {
			return c.levelError(err, level)
		}
		c.rep = uint8(level)
	}
	if c.leaf.maxDef > 0 {
		level, err := c.defs.next()
		if err != nil || level > uint32(c.leaf.maxDef) {
			return c.levelError(err, level)
		}
		if c.def = uint8(level); c.def < c.leaf.maxDef {
			return nil
		}
	}
	if err := c.values.next(&c.value, &c.dict, &c.joined); err != nil {
		return c.fail(c.page, err)
	}
	return nil
}

func (c *column) levelError(err error, level uint32) error {
	if err == nil {
		err = fmt.Errorf("it has the level %d, which the schema does not have", level)
	}
	return c.fail(c.page, err)
}

// fail says in which page of the column something is wrong.
func (c *column) fail(page int64, err error) error {
	var read *readError
	if errors.As(err, &read) {
		return err
	}
	kind := weir.Corrupt
	if e, ok := err.(*weir.Error); ok {
		kind, err = e.Kind, e.Err
	}
	return &weir.Error{Kind: kind, Err: fmt.Errorf("column %q, page at offset %d: %w", c.leaf.path, page, err)}
}

// load reads the next page that has entries.
func (c *column) load(ctx context.Context, p *pages) error {
	for {
		at := c.next
		h, err := p.header(ctx, at)
		if err != nil {
			return err
		}
		c.next = h.next()
		if h.isData() {
			if int64(h.values) > c.after {
				return c.fail(at, errPlanned)
			}
			c.after -= int64(h.values)
			if err = c.begin(ctx, p, at, &h); err != nil {
				return c.fail(at, err)
			}
			return nil
		}
		if h.kind == format.DictionaryPage {
			if err = c.learn(ctx, p, &h); err != nil {
				return c.fail(at, err)
			}
		}
	}
}

// begin reads the page of h, whose header is at offset at.
func (c *column) begin(ctx context.Context, p *pages, at int64, h *pageHeader) error {
	c.page, c.entries = 0, 0
	page, err := p.body(ctx, c.chunk.codec, h, c.room)
	if err != nil {
		return err
	}
	rep, def, rest, err := splitPage(h, c.leaf, page)
	if err == nil {
		c.reps, err = newHybrid(rep, width(c.leaf.maxRep))
	}
	if err == nil {
		c.defs, err = newHybrid(def, width(c.leaf.maxDef))
	}
	if err == nil {
		c.values, err = newValues(c.leaf, h.encoding, rest)
	}
	if err != nil {
		return err
	}
	c.page, c.entries, c.joined = at, h.values, c.joined[:0]
	return nil
}

// learn reads the dictionary.
func (c *column) learn(ctx context.Context, p *pages, h *pageHeader) error {
	if h.encoding != format.Plain && h.encoding != plainDictionary || c.leaf.physical == format.Boolean {
		return fmt.Errorf("it is a dictionary of %s encoded as %s, which is not supported", c.leaf.physical, h.encoding)
	}
	data, err := p.body(ctx, c.chunk.codec, h, c.words)
	if err != nil {
		return err
	}
	return c.dict.open(c.leaf, data, h.values)
}

// save remembers where the column, which is in lists, is.
func (c *column) save() {
	c.saved.cursor = c.cursor
	if cap(c.saved.joined) > 0 {
		c.saved.joined = append(c.saved.joined[:0], c.joined...)
	}
}

// restore goes back to where save was called.
func (c *column) restore(ctx context.Context, p *pages) error {
	if at := c.saved.page; at != c.page && at != 0 {
		h, err := p.header(ctx, at)
		if err == nil {
			_, err = p.body(ctx, c.chunk.codec, &h, c.room)
		}
		if err != nil {
			c.page, c.entries, c.after = 0, 0, 0
			return c.fail(at, err)
		}
	}
	c.cursor = c.saved.cursor
	if cap(c.saved.joined) > 0 {
		c.joined = append(c.joined[:0], c.saved.joined...)
	}
	return nil
}

// skip passes over n records, without reading pages that have no others.
func (c *column) skip(ctx context.Context, p *pages, n int64) error {
	if c.leaf.maxRep > 0 {
		return c.skipLists(ctx, p, n)
	}
	for n > 0 {
		if c.entries == 0 {
			h, err := p.header(ctx, c.next)
			if err != nil {
				return err
			}
			if h.isData() && int64(h.values) <= min(n, c.after) {
				n, c.after, c.next = n-int64(h.values), c.after-int64(h.values), h.next()
				continue
			}
		}
		if err := c.advance(ctx, p); err != nil {
			return err
		}
		n--
	}
	return nil
}

// skipLists passes over n records of a column in lists: those begin where the
// repetition level is 0.
func (c *column) skipLists(ctx context.Context, p *pages, n int64) error {
	for entry := 1; c.there && n > 0; entry++ {
		if err := c.advance(ctx, p); err != nil {
			return err
		}
		if !c.there || c.rep == 0 {
			n--
		}
		if entry%(1<<16) == 0 && ctx.Err() != nil {
			return &readError{context.Cause(ctx)}
		}
	}
	return nil
}
