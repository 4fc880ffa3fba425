package transform

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// A compiler turns the syntax tree of an expression into nodes.
//
// What has a node of its own runs on the bytes of the record. The largest
// subtrees that have none become leaves, which run in expr's machine.
type compiler struct {
	b     *builder
	e     expression
	conf  *conf.Config
	known map[string]*function
	depth int
}

// maxExprDepth bounds the nesting of an expression, because compiling it is
// recursive; maxExprNodes bounds its size.
const (
	maxExprDepth = 200
	maxExprNodes = 10_000
)

// condition compiles e, which must yield true or false.
func (b *builder) condition(e expression, what string) (t test, err error) {
	c := newCompiler(b, e)
	defer c.rescue(&err)
	tree, err := c.parse()
	if err != nil {
		return nil, err
	}
	if b.leavesOnly {
		n, err := c.leaf(tree, tree.Node)
		if err != nil {
			return nil, err
		}
		return c.truth(n, tree.Node, what)
	}
	return c.test(tree, tree.Node, what)
}

// value compiles e.
func (b *builder) value(e expression) (n node, err error) {
	c := newCompiler(b, e)
	defer c.rescue(&err)
	tree, err := c.parse()
	if err != nil {
		return nil, err
	}
	if b.leavesOnly {
		return c.leaf(tree, tree.Node)
	}
	return c.node(tree, tree.Node)
}

func newCompiler(b *builder, e expression) *compiler {
	c := &compiler{b: b, e: e, conf: conf.CreateNew(), known: map[string]*function{}}
	c.conf.WithEnv(map[string]any{})
	c.conf.Strict = false // any name is a field
	c.conf.DisableIfOperator = true
	c.conf.MaxNodes = maxExprNodes
	all := functions()
	for i := range all {
		c.known[all[i].name] = &all[i]
	}
	c.declare()
	return c
}

// rescue turns a panic of the library into an error: text of users reaches it.
func (c *compiler) rescue(err *error) {
	if v := recover(); v != nil {
		*err = errorAt(c.e.src, c.e.start, "the expression is not understood: %v", v)
	}
}

func (c *compiler) text() string { return c.e.src[c.e.start:c.e.end] }

func (c *compiler) parse() (*parser.Tree, error) {
	tree, err := parser.ParseWithConfig(c.text(), c.conf)
	if err != nil {
		return nil, c.foreign(err)
	}
	return tree, nil
}

// at returns where character number n of the expression stands in the program.
func (c *compiler) at(n int) int {
	text := c.text()
	for i := range text {
		if n--; n < 0 {
			return c.e.start + i
		}
	}
	return c.e.end
}

// errorf returns the error for the part n of the expression.
func (c *compiler) errorf(n ast.Node, format string, args ...any) error {
	return errorAt(c.e.src, c.at(n.Location().From), format, args...)
}

// foreign turns an error of the library into ours.
func (c *compiler) foreign(err error) error {
	var e *file.Error
	if !errors.As(err, &e) {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return errorAt(c.e.src, c.e.start, "%s", first)
	}
	msg := e.Message
	switch {
	case strings.Contains(msg, "token EOF"), strings.Contains(msg, "unexpected end"):
		end := c.e.start + len(strings.TrimRightFunc(c.text(), unicode.IsSpace))
		return errorAt(c.e.src, end, "the expression ends too early")
	case strings.Contains(msg, `Operator("=")`):
		msg = "= sets a field; == compares"
	case strings.Contains(msg, "unrecognized character"):
		msg += `; a field with such a name is written $["name"]`
	}
	return errorAt(c.e.src, c.at(e.From), "%s", msg)
}

// node compiles n as a value.
func (c *compiler) node(tree *parser.Tree, n ast.Node) (node, error) {
	if c.depth++; c.depth > maxExprDepth {
		return nil, c.errorf(n, "the expression is nested deeper than %d", maxExprDepth)
	}
	defer func() { c.depth-- }()
	if v, ok := constantOf(n); ok {
		return &constant{v}, nil
	}
	if p, ok := pathOf(n); ok {
		return &field{c.b.ref(p)}, nil
	}
	switch n := n.(type) {
	case *ast.UnaryNode:
		return c.unary(tree, n)
	case *ast.BinaryNode:
		return c.binary(tree, n)
	case *ast.ConditionalNode:
		return c.choice(tree, n)
	case *ast.CallNode:
		return c.call(tree, n)
	}
	return c.leaf(tree, n)
}

func (c *compiler) unary(tree *parser.Tree, n *ast.UnaryNode) (node, error) {
	switch n.Operator {
	case "not", "!":
		t, err := c.test(tree, n, "")
		return &answer{t}, err
	}
	a, err := c.node(tree, n.Node)
	if err != nil {
		return nil, err
	}
	if a.kinds()&(ofNumber|ofNull) == 0 {
		return nil, c.errorf(n, "%s takes a number, and this is %v", n.Operator, a.kinds())
	}
	if n.Operator == "+" {
		zero := value{kind: number}
		return &arithmetic{op: "+", a: &constant{zero}, b: a, ra: c.b.reg(), rb: c.b.reg(), makes: ofNumber | ofNull}, nil
	}
	return &negation{a: a, ra: c.b.reg()}, nil
}

func (c *compiler) binary(tree *parser.Tree, n *ast.BinaryNode) (node, error) {
	switch n.Operator {
	case "+", "-", "*", "/", "%", "**", "^":
		return c.arithmetic(tree, n)
	case "??":
		a, err := c.node(tree, n.Left)
		if err != nil {
			return nil, err
		}
		b, err := c.node(tree, n.Right)
		return &otherwise{a, b}, err
	case "..":
		return c.leaf(tree, n)
	}
	t, err := c.test(tree, n, "")
	return &answer{t}, err
}

func (c *compiler) pair(tree *parser.Tree, n *ast.BinaryNode) (a, b node, err error) {
	if a, err = c.node(tree, n.Left); err == nil {
		b, err = c.node(tree, n.Right)
	}
	return a, b, err
}

func (c *compiler) arithmetic(tree *parser.Tree, n *ast.BinaryNode) (node, error) {
	a, b, err := c.pair(tree, n)
	if err != nil {
		return nil, err
	}
	op := n.Operator
	if op == "^" {
		op = "**"
	}
	ka, kb := a.kinds(), b.kinds()
	makes := ka&kb&ofNumber | (ka|kb)&ofNull
	if op == "+" {
		makes |= ka & kb & ofText
	}
	if (op == "+" || op == "-") && (ka&kb&ofSpan != 0 || (ka|kb)&(ofMoment|ofSpan) == ofMoment|ofSpan || ka&kb&ofMoment != 0) {
		makes |= ofMoment | ofSpan
	}
	if makes == 0 {
		return nil, c.errorf(n, "%s cannot take %v and %v", op, ka, kb)
	}
	return &arithmetic{op: op, a: a, b: b, ra: c.b.reg(), rb: c.b.reg(), makes: makes}, nil
}

func (c *compiler) choice(tree *parser.Tree, n *ast.ConditionalNode) (node, error) {
	cond, err := c.test(tree, n.Cond, "the part before ?")
	if err != nil {
		return nil, err
	}
	a, err := c.node(tree, n.Exp1)
	if err != nil {
		return nil, err
	}
	b, err := c.node(tree, n.Exp2)
	return &choice{cond, a, b}, err
}

func (c *compiler) call(tree *parser.Tree, n *ast.CallNode) (node, error) {
	name, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return c.leaf(tree, n)
	}
	if name.Value == "exists" {
		p, err := c.existsPath(n)
		if err != nil {
			return nil, err
		}
		return &answer{&present{c.b.ref(p)}}, nil
	}
	f := c.known[name.Value]
	if f == nil || f.leafOnly {
		return c.leaf(tree, n)
	}
	if err := c.checkCount(n, f); err != nil {
		return nil, err
	}
	args := make([]node, len(n.Arguments))
	for i, a := range n.Arguments {
		arg, err := c.node(tree, a)
		if err != nil {
			return nil, err
		}
		if f.text>>i&1 != 0 && arg.kinds()&(ofText|ofNull) == 0 {
			return nil, c.errorf(a, "%s() takes a string here, and this is %v", f.name, arg.kinds())
		}
		args[i] = arg
	}
	base := c.b.p.regs
	c.b.p.regs += len(args)
	return &call{f: f, args: args, base: base}, nil
}

func (c *compiler) checkCount(n *ast.CallNode, f *function) error {
	if got := len(n.Arguments); got < f.min || got > f.max {
		want := fmt.Sprint(f.min)
		if f.max > f.min {
			want += fmt.Sprintf(" or %d", f.max)
		}
		return c.errorf(n, "%s() takes %s arguments, not %d", f.name, want, got)
	}
	return nil
}

func (c *compiler) existsPath(n *ast.CallNode) (path, error) {
	if len(n.Arguments) == 1 {
		if p, ok := pathOf(n.Arguments[0]); ok {
			return p, nil
		}
	}
	return nil, c.errorf(n, "exists() takes the name of a field")
}

// pattern compiles the pattern of a matches.
func (c *compiler) pattern(n ast.Node) (*regexp.Regexp, error) {
	v, ok := constantOf(n)
	if !ok || v.kind != text {
		return nil, c.errorf(n, "the pattern of matches is a string that is written out")
	}
	re, err := regexp.Compile(string(v.raw))
	if err != nil {
		return nil, c.errorf(n, "%v", err)
	}
	return re, nil
}
