package parquet

import (
	"math/bits"
	"slices"
	"unsafe"

	"github.com/parquet-go/parquet-go/format"
	"github.com/weirflow/weir/codec/jsonscan"
)

// Limits on a schema, so that one is known to take little before it is read.
const (
	maxElements = 1 << 14 // columns and groups
	maxName     = 1 << 16 // bytes of one name
	maxNames    = 1 << 20 // bytes of all names
	maxNesting  = 64      // groups inside one another
	maxScale    = 1 << 10 // digits of a decimal behind the point
)

// A schema is the columns of a file and the shape of its records.
type schema struct {
	root    shape
	leaves  []*leaf // the columns that are wanted, in the file's order
	columns int     // all columns of the file
	held    int64   // bytes of memory, about
}

// A leaf is a column: the values of one field of all records.
type leaf struct {
	path           string // for people: the names on the way to it
	ordinal        int    // among all columns of the file
	physical       format.Type
	length         int // bytes of a value, if all have the same
	maxDef, maxRep uint8
	form           form
	logical        logical
}

// A shape is how a value of the schema is put together from columns.
//
// Of each value there is an entry in every column below it, with two levels. The
// definition level says how much of the way to the value is there: less than def
// is null. The repetition level says in which of the lists around it the entry is
// the next element: 0 begins a record.
type shape struct {
	kind        shapeKind
	key         []byte // its name as JSON, with a colon; of a member of an object
	def         uint8  // from this definition level on it is not null
	full        uint8  // from this one on a list or map has an element
	rep         uint8  // of the elements of a list or map behind the first
	first, last int    // its columns are leaves[first:last]
	kids        []shape
}

type shapeKind uint8

const (
	shapeLeaf   shapeKind = iota
	shapeObject           // kids are the members
	shapeList             // kids[0] is the element
	shapeMap              // kids[0] is the key, kids[1], if there, the value
)

// schemaBuilder turns the list of elements into the tree of shapes.
type schemaBuilder struct {
	rest    []element // not yet in the tree
	out     *schema
	path    []byte
	ignored bool // what is built now is not wanted
	depth   int
}

// newSchema builds the schema of a file. wanted are the names of fields of the
// record; none: all.
func newSchema(elements []element, wanted []string) (*schema, error) {
	out := &schema{}
	if len(elements) == 0 || elements[0].physical != none {
		return nil, corrupt("its schema has no root")
	}
	b := &schemaBuilder{rest: elements[1:], out: out}
	out.root = shape{kind: shapeObject}
	var found []string
	for range elements[0].children {
		if len(b.rest) == 0 {
			return nil, corrupt("its schema ends too early")
		}
		name := string(b.rest[0].name)
		b.ignored = len(wanted) > 0 && !slices.Contains(wanted, name)
		kid, err := b.field(0, 0)
		if err != nil {
			return nil, err
		}
		if !b.ignored {
			found = append(found, name)
			out.root.kids = append(out.root.kids, kid)
		}
	}
	if len(b.rest) > 0 {
		return nil, corrupt("its schema has %d elements outside of its root", len(b.rest))
	}
	for _, name := range wanted {
		if !slices.Contains(found, name) {
			return nil, invalid("it has no column %q; it has %s", name, namesOf(elements))
		}
	}
	out.root.last = len(out.leaves)
	return out, nil
}

// namesOf lists the first fields of the record.
func namesOf(elements []element) string {
	text := ""
	rest := elements[1:]
	for i := 0; i < elements[0].children && len(rest) > 0; i++ {
		if i == 16 {
			return text + ", …"
		}
		if i > 0 {
			text += ", "
		}
		text += string(jsonscan.Quote(nil, rest[0].name[:min(len(rest[0].name), 64)]))
		rest = rest[subtree(rest):]
	}
	return text
}

// subtree is the number of elements that the first one and all below it are.
func subtree(elements []element) int {
	n := 0
	for open := 1; open > 0 && n < len(elements); n++ {
		open += elements[n].children - 1
	}
	return n
}

// field takes the next element and everything below it, where def and rep are the
// levels of what it is in.
func (b *schemaBuilder) field(def, rep uint8) (shape, error) {
	e, err := b.take()
	if err != nil {
		return shape{}, err
	}
	size := len(b.path)
	if size > 0 {
		b.path = append(b.path, '.')
	}
	b.path = append(b.path, e.name...)
	defer func() { b.path = b.path[:size] }()

	var s shape
	switch e.repeat {
	case format.Repeated: // outside of a LIST: a list that is never null
		s = shape{kind: shapeList, def: def, full: def + 1, rep: rep + 1, first: len(b.out.leaves)}
		kid, err := b.content(e, def+1, rep+1)
		if err != nil {
			return shape{}, err
		}
		s.kids, s.last = []shape{kid}, len(b.out.leaves)
	case format.Optional:
		s, err = b.content(e, def+1, rep)
	default:
		s, err = b.content(e, def, rep)
	}
	s.key = append(jsonscan.Quote(nil, e.name), ':')
	b.out.held += int64(len(s.key) + len(b.path))
	return s, err
}

func (b *schemaBuilder) take() (element, error) {
	if len(b.rest) == 0 {
		return element{}, corrupt("its schema ends too early")
	}
	e := b.rest[0]
	b.rest = b.rest[1:]
	b.out.held += int64(unsafe.Sizeof(shape{}))
	return e, nil
}

// content is the value of e when it is not null: def and rep are its own levels.
func (b *schemaBuilder) content(e element, def, rep uint8) (shape, error) {
	if e.physical != none {
		return b.leaf(e, def, rep)
	}
	if b.depth++; b.depth > maxNesting {
		return shape{}, invalid("its schema has more than %d groups inside one another", maxNesting)
	}
	defer func() { b.depth-- }()
	if e.children == 0 {
		return shape{}, invalid("its schema has the group %q without columns, which is not supported", b.path)
	}
	if e.children == 1 && len(b.rest) > 0 && b.rest[0].repeat == format.Repeated {
		switch {
		case e.logical.kind == logicalList:
			return b.list(e, def, rep)
		case e.logical.kind == logicalMap && b.rest[0].physical == none && b.mapEntry():
			return b.mapping(def, rep)
		}
	}
	return b.object(e, def, rep)
}

func (b *schemaBuilder) leaf(e element, def, rep uint8) (shape, error) {
	s := shape{kind: shapeLeaf, def: def, first: len(b.out.leaves)}
	if e.children != 0 {
		return s, corrupt("its schema has the column %q with columns below it", b.path)
	}
	l := &leaf{
		path: string(b.path), ordinal: b.out.columns, physical: e.physical, length: e.length,
		maxDef: def, maxRep: rep, form: e.form(), logical: e.logical,
	}
	switch e.physical {
	case format.Int32, format.Float:
		l.length = 4
	case format.Int64, format.Double:
		l.length = 8
	case format.Int96:
		l.length = 12
	case format.FixedLenByteArray:
		if e.length == 0 {
			return s, corrupt("its column %q has values of no bytes", b.path)
		}
	}
	b.out.columns++
	if !b.ignored {
		b.out.leaves = append(b.out.leaves, l)
		b.out.held += int64(unsafe.Sizeof(*l) + unsafe.Sizeof(l))
	}
	s.last = len(b.out.leaves)
	return s, nil
}

func (b *schemaBuilder) object(e element, def, rep uint8) (shape, error) {
	s := shape{kind: shapeObject, def: def, first: len(b.out.leaves)}
	for range e.children {
		kid, err := b.field(def, rep)
		if err != nil {
			return s, err
		}
		s.kids = append(s.kids, kid)
	}
	s.last = len(b.out.leaves)
	return s, nil
}

// list takes the repeated element below a LIST. Today's writers put the element
// into a group of its own, where it can be null; older ones repeat the element
// itself.
func (b *schemaBuilder) list(e element, def, rep uint8) (shape, error) {
	s := shape{kind: shapeList, def: def, full: def + 1, rep: rep + 1, first: len(b.out.leaves)}
	child, err := b.take()
	if err != nil {
		return s, err
	}
	name := string(child.name)
	wrapped := child.physical == none && child.children == 1 && len(b.rest) > 0 && b.rest[0].repeat != format.Repeated &&
		name != "array" && name != string(e.name)+"_tuple"
	var kid shape
	if wrapped {
		kid, err = b.field(def+1, rep+1)
	} else {
		kid, err = b.content(child, def+1, rep+1)
	}
	s.kids, s.last = []shape{kid}, len(b.out.leaves)
	return s, err
}

// mapEntry reports whether the next element is a group of a key, that is one
// column, and perhaps a value.
func (b *schemaBuilder) mapEntry() bool {
	n := b.rest[0].children
	return (n == 1 || n == 2) && len(b.rest) > 1 && b.rest[1].physical != none && b.rest[1].repeat != format.Repeated
}

func (b *schemaBuilder) mapping(def, rep uint8) (shape, error) {
	s := shape{kind: shapeMap, def: def, full: def + 1, rep: rep + 1, first: len(b.out.leaves)}
	entry, err := b.take()
	for i := 0; i < entry.children && err == nil; i++ {
		var kid shape
		kid, err = b.field(def+1, rep+1)
		s.kids = append(s.kids, kid)
	}
	s.last = len(b.out.leaves)
	return s, err
}

// width is the number of bits of a level from 0 to most.
func width(most uint8) uint8 { return uint8(bits.Len8(most)) }
