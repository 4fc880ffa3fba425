package transform

import (
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// test compiles n as a condition; what names it in an error, or is empty for an
// operand.
func (c *compiler) test(tree *parser.Tree, n ast.Node, what string) (test, error) {
	if c.depth++; c.depth > maxExprDepth {
		return nil, c.errorf(n, "the expression is nested deeper than %d", maxExprDepth)
	}
	defer func() { c.depth-- }()
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			a, err := c.test(tree, n.Node, "the part behind "+n.Operator)
			return &opposite{a}, err
		}
	case *ast.BinaryNode:
		if t, err := c.binaryTest(tree, n); t != nil || err != nil {
			return t, err
		}
	}
	a, err := c.node(tree, n)
	if err != nil {
		return nil, err
	}
	if a, ok := a.(*answer); ok {
		return a.t, nil
	}
	return c.truth(a, n, what)
}

// truth makes a condition of a node.
func (c *compiler) truth(a node, n ast.Node, what string) (test, error) {
	if k := a.kinds(); k&(ofBool|ofNull) == 0 {
		return nil, c.errorf(n, "%s must be true or false, and this is %v", what, k)
	}
	return &truth{a, c.b.reg()}, nil
}

// binaryTest compiles an operator that yields true or false; nil: n is another
// one.
func (c *compiler) binaryTest(tree *parser.Tree, n *ast.BinaryNode) (test, error) {
	switch op := n.Operator; op {
	case "and", "&&", "or", "||":
		a, err := c.test(tree, n.Left, "the part before "+op)
		if err != nil {
			return nil, err
		}
		b, err := c.test(tree, n.Right, "the part behind "+op)
		if err != nil {
			return nil, err
		}
		if op == "and" || op == "&&" {
			return &both{a, b}, nil
		}
		return &either{a, b}, nil
	case "==", "!=", "<", "<=", ">", ">=":
		return c.comparison(tree, n)
	case "contains", "startsWith", "endsWith":
		return c.textTests(tree, n)
	case "matches":
		a, err := c.node(tree, n.Left)
		if err != nil {
			return nil, err
		}
		if a.kinds()&(ofText|ofNull) == 0 {
			return nil, c.errorf(n, "matches takes a string, and this is %v", a.kinds())
		}
		re, err := c.pattern(n.Right)
		return &matching{a, c.b.reg(), re}, err
	case "in":
		return c.membership(tree, n)
	}
	return nil, nil
}

func (c *compiler) comparison(tree *parser.Tree, n *ast.BinaryNode) (test, error) {
	a, b, err := c.pair(tree, n)
	if err != nil {
		return nil, err
	}
	o, ka, kb := orders[n.Operator], a.kinds(), b.kinds()
	switch {
	case o <= ne && ka&kb == 0:
		hint := ""
		if u, ok := n.Left.(*ast.UnaryNode); ok && (u.Operator == "not" || u.Operator == "!") {
			hint = ": write not (a == b)"
		}
		return nil, c.errorf(n, "%v and %v are never equal%s", ka, kb, hint)
	case o > ne && ka&kb&ordered == 0:
		return nil, c.errorf(n, "%s cannot compare %v and %v", n.Operator, ka, kb)
	}
	if _, ok := a.(*constant); ok {
		a, b, o = b, a, o.flip()
	}
	if f, ok := a.(*field); ok {
		if k, ok := b.(*constant); ok {
			switch {
			case k.v.kind == number && k.v.form == whole:
				return &intTest{at: f.at, o: o, n: k.v.n, v: k.v}, nil
			case k.v.kind == text:
				return &textTest{at: f.at, o: o, v: k.v}, nil
			}
		}
	}
	return &comparison{o: o, a: a, b: b, ra: c.b.reg(), rb: c.b.reg()}, nil
}

func (c *compiler) textTests(tree *parser.Tree, n *ast.BinaryNode) (test, error) {
	a, b, err := c.pair(tree, n)
	if err != nil {
		return nil, err
	}
	if a.kinds()&(ofText|ofNull) == 0 || b.kinds()&(ofText|ofNull) == 0 {
		return nil, c.errorf(n, "%s takes two strings, and these are %v and %v", n.Operator, a.kinds(), b.kinds())
	}
	return &textTests{textOps[n.Operator], a, b, c.b.reg(), c.b.reg()}, nil
}

func (c *compiler) membership(tree *parser.Tree, n *ast.BinaryNode) (test, error) {
	a, err := c.node(tree, n.Left)
	if err != nil {
		return nil, err
	}
	if list, ok := n.Right.(*ast.ArrayNode); ok {
		if all, ok := constantsOf(list); ok {
			return newListed(a, c.b.reg(), all), nil
		}
	}
	b, err := c.node(tree, n.Right)
	if err != nil {
		return nil, err
	}
	if b.kinds()&(ofArray|ofObject|ofNull) == 0 {
		return nil, c.errorf(n, "in looks into an array or an object, and this is %v", b.kinds())
	}
	return &membership{a, b, c.b.reg(), c.b.reg()}, nil
}

func constantsOf(list *ast.ArrayNode) (all []value, ok bool) {
	for _, e := range list.Nodes {
		v, isConst := constantOf(e)
		if !isConst {
			return nil, false
		}
		all = append(all, v)
	}
	return all, true
}
