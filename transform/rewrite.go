package transform

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// A rewriter makes a tree for expr's machine: fields become variables, operators
// become calls of our functions. It leaves the tree that it is given as it is,
// because a chain of comparisons has one node in two places.
type rewriter struct {
	c      *compiler
	fields []leafField
	names  map[string]string // by path, with "?" behind it if its existence is meant
	locals []string          // variables of let
	depth  int
	err    error
}

// fail keeps the first error.
func (r *rewriter) fail(err error) ast.Node {
	if r.err == nil {
		r.err = err
	}
	return &ast.NilNode{}
}

func (r *rewriter) rewrite(n ast.Node) ast.Node {
	if r.depth++; r.depth > maxExprDepth {
		return r.fail(r.c.errorf(n, "the expression is nested deeper than %d", maxExprDepth))
	}
	out := r.rewritten(n)
	r.depth--
	out.SetLocation(n.Location())
	return out
}

func (r *rewriter) rewriteAll(all []ast.Node) []ast.Node {
	out := make([]ast.Node, len(all))
	for i, n := range all {
		out[i] = r.rewrite(n)
	}
	return out
}

// calling makes a call of the machine's function name.
func (r *rewriter) calling(at ast.Node, name string, args ...ast.Node) ast.Node {
	callee := &ast.IdentifierNode{Value: name}
	callee.SetLocation(at.Location())
	n := &ast.CallNode{Callee: callee, Arguments: args}
	n.SetLocation(at.Location())
	return n
}

// condition rewrites n where expr needs a bool.
func (r *rewriter) condition(n ast.Node) ast.Node {
	return r.calling(n, opTruth, r.rewrite(n))
}

func (r *rewriter) rewritten(n ast.Node) ast.Node {
	if p, ok := pathOf(n); ok && !slices.Contains(r.locals, p[0].name) {
		return &ast.IdentifierNode{Value: r.name(p, false)}
	}
	switch n := n.(type) {
	case *ast.NilNode:
		return &ast.NilNode{}
	case *ast.BoolNode:
		return &ast.BoolNode{Value: n.Value}
	case *ast.IntegerNode:
		return &ast.IntegerNode{Value: n.Value}
	case *ast.FloatNode:
		return &ast.FloatNode{Value: n.Value}
	case *ast.StringNode:
		return &ast.StringNode{Value: n.Value}
	case *ast.IdentifierNode:
		return r.identifier(n)
	case *ast.PointerNode:
		return &ast.PointerNode{Name: n.Name}
	case *ast.UnaryNode:
		return r.unary(n)
	case *ast.BinaryNode:
		return r.binary(n)
	case *ast.ChainNode:
		return r.rewrite(n.Node)
	case *ast.MemberNode:
		return r.calling(n, opGet, r.rewrite(n.Node), r.rewrite(n.Property))
	case *ast.SliceNode:
		return r.slice(n)
	case *ast.CallNode:
		return r.call(n)
	case *ast.BuiltinNode:
		return r.builtin(n)
	}
	return r.compound(n)
}

// compound rewrites what holds other nodes and nothing else.
func (r *rewriter) compound(n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.PredicateNode:
		return &ast.PredicateNode{Node: r.rewrite(n.Node)}
	case *ast.ConditionalNode:
		return &ast.ConditionalNode{Cond: r.condition(n.Cond), Exp1: r.rewrite(n.Exp1), Exp2: r.rewrite(n.Exp2)}
	case *ast.VariableDeclaratorNode:
		v := r.rewrite(n.Value)
		r.locals = append(r.locals, n.Name)
		e := r.rewrite(n.Expr)
		r.locals = r.locals[:len(r.locals)-1]
		return &ast.VariableDeclaratorNode{Name: n.Name, Value: v, Expr: e}
	case *ast.SequenceNode:
		return &ast.SequenceNode{Nodes: r.rewriteAll(n.Nodes)}
	case *ast.ArrayNode:
		return &ast.ArrayNode{Nodes: r.rewriteAll(n.Nodes)}
	case *ast.MapNode:
		return &ast.MapNode{Pairs: r.rewriteAll(n.Pairs)}
	case *ast.PairNode:
		return &ast.PairNode{Key: r.key(n.Key), Value: r.rewrite(n.Value)}
	}
	return r.fail(r.c.errorf(n, "this is not part of the language"))
}

// name returns the machine's variable for the field p.
func (r *rewriter) name(p path, exists bool) string {
	id := p.String()
	if exists {
		id += "?"
	}
	name, known := r.names[id]
	if !known {
		name = fmt.Sprintf("field %d", len(r.fields))
		r.names[id] = name
		r.fields = append(r.fields, leafField{name: name, at: r.c.b.ref(p), exists: exists})
	}
	return name
}

// identifier rewrites a name that is no field.
func (r *rewriter) identifier(n *ast.IdentifierNode) ast.Node {
	switch {
	case slices.Contains(r.locals, n.Value):
		return &ast.IdentifierNode{Value: n.Value}
	case n.Value == "null":
		return &ast.NilNode{}
	}
	return r.fail(r.c.errorf(n, `$ is the record: write $["name"] for a field`))
}

func (r *rewriter) unary(n *ast.UnaryNode) ast.Node {
	switch n.Operator {
	case "not", "!":
		return &ast.UnaryNode{Operator: "not", Node: r.condition(n.Node)}
	case "-":
		if v, ok := constantOf(n); ok && v.form == whole {
			return &ast.IntegerNode{Value: int(v.n)}
		}
		return r.calling(n, opNegate, r.rewrite(n.Node))
	}
	return r.calling(n, "op +", &ast.IntegerNode{}, r.rewrite(n.Node))
}

func (r *rewriter) binary(n *ast.BinaryNode) ast.Node {
	op := n.Operator
	switch op {
	case "and", "&&", "or", "||":
		return &ast.BinaryNode{Operator: op, Left: r.condition(n.Left), Right: r.condition(n.Right)}
	case "??", "..":
		return &ast.BinaryNode{Operator: op, Left: r.rewrite(n.Left), Right: r.rewrite(n.Right)}
	case "matches":
		re, err := r.c.pattern(n.Right)
		if err != nil {
			return r.fail(err)
		}
		return r.calling(n, opMatch, r.rewrite(n.Left), &ast.ConstantNode{Value: re})
	case "^":
		op = "**"
	}
	return r.calling(n, "op "+op, r.rewrite(n.Left), r.rewrite(n.Right))
}

func (r *rewriter) slice(n *ast.SliceNode) ast.Node {
	ends := [2]ast.Node{&ast.NilNode{}, &ast.NilNode{}}
	for i, e := range []ast.Node{n.From, n.To} {
		if e != nil {
			ends[i] = r.rewrite(e)
		}
	}
	return r.calling(n, opSlice, r.rewrite(n.Node), ends[0], ends[1])
}

func (r *rewriter) call(n *ast.CallNode) ast.Node {
	switch callee := n.Callee.(type) {
	case *ast.MemberNode: // a method, of a time for instance
		m := &ast.MemberNode{Node: r.rewrite(callee.Node), Property: callee.Property, Method: true}
		m.SetLocation(callee.Location())
		return &ast.CallNode{Callee: m, Arguments: r.rewriteAll(n.Arguments)}
	case *ast.IdentifierNode:
		if callee.Value == "exists" {
			p, err := r.c.existsPath(n)
			if err != nil {
				return r.fail(err)
			}
			return &ast.IdentifierNode{Value: r.name(p, true)}
		}
		f := r.c.known[callee.Value]
		if f == nil {
			return r.fail(r.c.errorf(n, "there is no function %s()", callee.Value))
		}
		if err := r.c.checkCount(n, f); err != nil {
			return r.fail(err)
		}
		return r.calling(n, f.name, r.rewriteAll(n.Arguments)...)
	}
	return r.fail(r.c.errorf(n, "this cannot be called"))
}

// builtin rewrites a function of expr. Those that go through an array take null
// for an empty one.
func (r *rewriter) builtin(n *ast.BuiltinNode) ast.Node {
	args := r.rewriteAll(n.Arguments)
	switch n.Name {
	case "get":
		return r.calling(n, opGet, args...)
	case "all", "none", "any", "one", "filter", "count", "find", "findIndex", "findLast", "findLastIndex":
		args[0] = r.calling(n, opArray, args[0])
		if len(args) > 1 {
			p := n.Arguments[1].(*ast.PredicateNode)
			args[1] = &ast.PredicateNode{Node: r.condition(p.Node)}
			args[1].SetLocation(p.Location())
		}
	case "map", "sum", "groupBy", "sortBy", "reduce":
		args[0] = r.calling(n, opArray, args[0])
	}
	return &ast.BuiltinNode{Name: n.Name, Arguments: args}
}

// key rewrites the key of a member of an object that is written out.
func (r *rewriter) key(n ast.Node) ast.Node {
	if s, ok := n.(*ast.StringNode); ok {
		k := &ast.StringNode{Value: s.Value}
		k.SetLocation(s.Location())
		return k
	}
	return r.fail(r.c.errorf(n, "the name of a member is a word or a string"))
}
