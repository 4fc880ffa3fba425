package transform

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	exprcompiler "github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// machineCopies is how many copies of a value expr's machine makes, as is counted on.
const machineCopies = 4

// machineMemory is how many elements expr's machine may make for one record.
const machineMemory = 100_000

// A leaf is a part of an expression that runs in expr's machine: function calls,
// closures, arrays and objects that are written out.
//
// The machine sees the fields that the leaf names, as Go values, and calls back
// into this package for operators, so that types have one set of rules.
type leaf struct {
	id      int // of its state in a worker
	program *vm.Program
	fields  []leafField
	yields  kinds
}

// A leafField is a field that a leaf names.
type leafField struct {
	name   string // in the machine
	at     ref
	exists bool // the machine sees whether it is there
}

// leafState is what a worker needs to run a leaf.
type leafState struct {
	vm  vm.VM
	env map[string]any
}

func newLeafStates(all []*leaf) []leafState {
	states := make([]leafState, len(all))
	for i := range states {
		states[i].env = make(map[string]any, len(all[i].fields))
		states[i].vm.MemoryBudget = machineMemory
	}
	return states
}

// leaf compiles n for expr's machine.
func (c *compiler) leaf(tree *parser.Tree, n ast.Node) (node, error) {
	r := &rewriter{c: c, names: map[string]string{}}
	part := &parser.Tree{Node: r.rewrite(n), Source: tree.Source}
	if r.err != nil {
		return nil, r.err
	}
	t, err := checker.Check(part, c.conf)
	if err != nil {
		return nil, c.foreign(err)
	}
	if err := optimizer.Optimize(&part.Node, c.conf); err != nil {
		return nil, c.foreign(err)
	}
	program, err := exprcompiler.Compile(part, c.conf)
	if err != nil {
		return nil, c.foreign(err)
	}
	l := &leaf{id: len(c.b.p.leaves), program: program, fields: r.fields, yields: kindsOf(t)}
	c.b.p.leaves = append(c.b.p.leaves, l)
	return l, nil
}

func (l *leaf) kinds() kinds { return l.yields }

func (l *leaf) eval(w *worker, v *value) error {
	st := &w.leaves[l.id]
	for i := range l.fields {
		f := &l.fields[i]
		val := w.at(&f.at)
		if f.exists {
			st.env[f.name] = val != nil
			continue
		}
		if err := w.read(v, val); err != nil {
			return err
		}
		// The machine works with copies of its own on the heap: what is borrowed
		// stands for them.
		if n := machineCopies * len(val); w.large && n > machineBytes {
			if _, err := w.borrow(n); err != nil {
				return err
			}
		}
		a, err := v.toAny()
		if err != nil {
			return err
		}
		st.env[f.name] = a
	}
	a, err := st.vm.Run(l.program, st.env)
	if err != nil {
		return reasonOf(err)
	}
	return v.fromAny(a)
}

// reasonOf turns an error of the machine into ours.
func reasonOf(err error) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return err
	}
	if ours, ok := errors.AsType[*cannot](err); ok {
		return ours
	}
	msg := e.Message
	if rest, ok := strings.CutPrefix(msg, "interface conversion: interface {} is "); ok {
		msg = "a function was called with a value of the wrong type: " + rest
	}
	return errors.New(msg)
}
