package codec

import (
	"errors"
	"fmt"
)

// Default expansions. What needs more makes the output larger while it is written.
const (
	expandRows   = 3    // to objects, which have the names of the columns in each record
	expandOpaque = 2    // to objects
	expandOthers = 1.25 // for other terminators
)

// newConversion returns the conversion between formats that are valid and have
// their defaults.
func newConversion(from, to Format, o ConvertOptions, finder *finder) (*conversion, error) {
	c := &conversion{
		name:    from.Name + " to " + to.Name,
		payload: from.Payload(),
		lines:   newFraming(from).line,
		framing: newFraming(to),
		bad:     o.Bad,
		expand:  expandOthers,
	}
	var err error
	switch familyOf(to) {
	case texts:
		// One bad element spoils an array, and brackets are all that was looked at
		// where JSON is read.
		o.Validate = o.Validate || to.Name == JSON || from.Name == JSON
		c.toTexts(from, o)
	case rows:
		err = c.toRows(from, to, o, finder)
	case opaque:
		w := bytesWriter{line: to.Name == Lines, nul: to.Name == NUL}
		c.writer = func() recordWriter { return w }
		if familyOf(from) == texts {
			texts := textWriter{check: o.Validate || from.Name == JSON}
			c.writer = func() recordWriter { return texts }
		}
	}
	return c, err
}

// toTexts sets how records of from become JSON values.
func (c *conversion) toTexts(from Format, o ConvertOptions) {
	switch familyOf(from) {
	case rows:
		c.expand, c.memory = expandRows, int64(keyMemory)
		c.writer = func() recordWriter { return newRowReader(from, o) }
	case texts:
		w := textWriter{check: o.Validate}
		c.writer = func() recordWriter { return w }
	case opaque:
		c.expand = expandOpaque
		c.writer = func() recordWriter { return newMessageWriter(o) }
	}
}

// toRows sets how records of from become rows.
func (c *conversion) toRows(from, to Format, o ConvertOptions, finder *finder) error {
	fields := newFieldWriter(to)
	var given *columns
	if o.Columns != nil {
		var err error
		if given, err = newColumns(o.Columns, to); err != nil {
			return fmt.Errorf("option Columns: %w", err)
		}
	}
	if familyOf(from) == rows {
		return c.toOtherRows(from, to, fields, given)
	}
	if given == nil && finder == nil {
		return errors.New("option Columns must name the columns of the rows that are made of objects, or these are found by Encoder")
	}
	if given != nil {
		finder = nil
	}
	c.memory, c.lead = int64(objectMemory), finder != nil
	c.writer = func() recordWriter {
		return &rowWriter{fieldWriter: fields, format: to, payload: c.payload, finder: finder, drop: o.DropOthers, columns: given}
	}
	return nil
}

// toOtherRows sets how rows become rows.
func (c *conversion) toOtherRows(from, to Format, fields fieldWriter, given *columns) error {
	fixed := 0
	switch {
	case from.hasHeader():
		given = nil // they have their names
	case given != nil:
		fixed = len(given.names)
	case to.hasHeader():
		return errors.New("option Columns must name the columns of rows that have no header and get one")
	}
	c.memory = int64(4 * maxHeader)
	c.writer = func() recordWriter {
		return &rowCopier{from: from, to: to, fields: fields, columns: given, fixed: fixed}
	}
	return nil
}
