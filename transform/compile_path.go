package transform

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// constantOf returns the value of n if it is written out.
func constantOf(n ast.Node) (v value, ok bool) {
	switch n := n.(type) {
	case *ast.NilNode:
		v.setNull()
	case *ast.IdentifierNode:
		v.setNull()
		return v, n.Value == "null"
	case *ast.BoolNode:
		v.setBool(n.Value)
	case *ast.IntegerNode:
		v.setInt(int64(n.Value))
	case *ast.FloatNode:
		v.setFloat(n.Value)
	case *ast.StringNode:
		v.setText([]byte(n.Value))
	case *ast.UnaryNode:
		a, isConst := constantOf(n.Node)
		if !isConst || n.Operator != "-" || a.kind != number {
			return v, false
		}
		return v, negate(&a, &v) == nil
	default:
		return v, false
	}
	return v, true
}

// pathOf returns the path that n is, if it is one: name, a.b, a?.b, a["b"], a[0],
// $["b"].
func pathOf(n ast.Node) (path, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if n.Value == "$" || n.Value == "null" {
			return nil, false
		}
		return path{member(n.Value)}, true
	case *ast.ChainNode:
		return pathOf(n.Node)
	case *ast.MemberNode:
		s, ok := stepOf(n.Property)
		if !ok || n.Method {
			return nil, false
		}
		if root, isName := n.Node.(*ast.IdentifierNode); isName && root.Value == "$" {
			return path{s}, !s.isIndex
		}
		p, ok := pathOf(n.Node)
		if !ok || len(p) >= maxPath {
			return nil, false
		}
		return append(p, s), true
	}
	return nil, false
}

func stepOf(n ast.Node) (step, bool) {
	switch v, ok := constantOf(n); {
	case !ok:
		return step{}, false
	case v.kind == text && utf8.Valid(v.raw):
		return member(string(v.raw)), true
	case v.kind == number && v.form == whole && int64(int32(v.n)) == v.n:
		return step{isIndex: true, index: int(v.n)}, true
	}
	return step{}, false
}
