package transform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/transform"
)

// both runs a program with nodes and in expr's machine alone, and returns what
// each makes of the record rec.
func both(t testing.TB, program, rec string) (nodes, machine string, nodesErr, machineErr error) {
	t.Helper()
	run := func(parse func(string, transform.Options) (*transform.Program, error)) (string, error) {
		p, err := parse(program, transform.Options{})
		if err != nil {
			return "", err
		}
		out := weir.NewBatch(1 << 20)
		err = p.Batch(context.Background(), batchOf(t, rec), out)
		return string(out.Bytes()), err
	}
	nodes, nodesErr = run(transform.Parse)
	machine, machineErr = run(transform.ParseLeaves)
	return nodes, machine, nodesErr, machineErr
}

func isParseError(err error) bool {
	var e *transform.Error
	return errors.As(err, &e)
}

// theRecord has a value of each kind.
const theRecord = `{"i":7,"neg":-3,"big":9007199254740993,"max":9223372036854775807,"long":18446744073709551616,` +
	`"f":2.5,"e":5e2,"z":0,"s":"héllo","n":"12","esc":"a\"\u00e9\n","empty":"","t":true,"no":false,"nul":null,` +
	`"arr":[1,2.0,"x",null,[3]],"tags":["a","b"],"objs":[{"p":1},{"p":20}],"o":{"a":{"b":5},"x y":"q"},"ts":"2026-01-02T03:04:05Z"}`

// expressions are expressions over theRecord with their values.
var expressions = []struct{ expr, want string }{
	// Comparisons.
	{"i == 7", "true"},
	{"i == 7.0", "true"},
	{"i != 7", "false"},
	{"7 < i", "false"},
	{"7 <= i", "true"},
	{"e == 500", "true"},
	{"e in [500]", "true"},
	{"f > 2", "true"},
	{"f < 3", "true"},
	{"f == 2", "false"},
	{"2.5 == f", "true"},
	{"big == 9007199254740993", "true"},
	{"big == 9007199254740992", "false"},
	{"big > 9007199254740992.0", "true"},
	{"max < long", "true"},
	{"long > max", "true"},
	{"long == long", "true"},
	{"long < 0", "false"},
	{"long > 1.5", "true"},
	{"-1 < long", "true"},
	{"s == 'héllo'", "true"},
	{"s > 'a'", "true"},
	{"'a' < s", "true"},
	{"esc == \"a\\\"é\\n\"", "true"},
	{"s == i", "false"},
	{"s != i", "true"},
	{"t == true", "true"},
	{"t != no", "true"},
	{"nul == nil", "true"},
	{"missing == null", "true"},
	{"missing == nul", "true"},
	{"missing != 5", "true"},
	{"missing == 5", "false"},
	{"missing < 5", "false"},
	{"missing >= 5", "false"},
	{"nul < 'x'", "false"},
	{"5 > nul", "false"},
	{"1 < i < 10", "true"},
	{"1 < i < 5", "false"},
	{"1 < number(n) < 15", "true"},
	{"arr == [1, 2, 'x', nil, [3.0]]", "true"},
	{"arr == tags", "false"},
	{"o == {a: {b: 5.0}, 'x y': 'q'}", "true"},
	{"o.a == objs[0]", "false"},
	// Logic.
	{"t and i == 7", "true"},
	{"no or i == 8", "false"},
	{"not t", "false"},
	{"!no", "true"},
	{"nul or t", "true"},
	{"missing and t", "false"},
	{"not missing", "true"},
	{"no and (s > 5)", "false"},
	{"t or (s > 5)", "true"},
	{"not (i == 8)", "true"},
	{"t ? 'a' : 'b'", `"a"`},
	{"nul ? 1 : 2", "2"},
	// in, contains and the like.
	{"i in [1, 7]", "true"},
	{"i not in [1, 7]", "false"},
	{"s in ['x', 'héllo', 5]", "true"},
	{"nul in [nil]", "true"},
	{"i in ['7']", "false"},
	{"f in [2.5]", "true"},
	{"2 in arr", "true"},
	{"'x' in arr", "true"},
	{"nul in arr", "true"},
	{"9 in arr", "false"},
	{"[3] in arr", "true"},
	{"'a' in tags", "true"},
	{"'a' in o", "true"},
	{"'z' in o", "false"},
	{"5 in nul", "false"},
	{"i in 1..10", "true"},
	{"'b' in split('a,b', ',')", "true"},
	{"i in [z, 7]", "true"},
	{"s contains 'éll'", "true"},
	{"s startsWith 'h'", "true"},
	{"s endsWith 'o'", "true"},
	{"s not contains 'x'", "true"},
	{"missing contains 'x'", "false"},
	{"esc contains '\"é'", "true"},
	{"s contains s", "true"},
	{"s contains nul", "false"},
	{"s matches '^h.llo$'", "true"},
	{"s not matches 'x'", "true"},
	{"nul matches 'x'", "false"},
	{"lower(s) matches 'h'", "true"},
	// Arithmetic.
	{"i + 1", "8"},
	{"i - 10", "-3"},
	{"i * -2", "-14"},
	{"i / 2", "3.5"},
	{"i / 7", "1"},
	{"i % 4", "3"},
	{"neg % 2", "-1"},
	{"2 ** 10", "1024"},
	{"2 ^ 3", "8"},
	{"-i", "-7"},
	{"+i", "7"},
	{"-f", "-2.5"},
	{"f * 2", "5"},
	{"i + f", "9.5"},
	{"1 / 3", "0.3333333333333333"},
	{"1e21 * 10", "1e+22"},
	{"0.0000001 * 1.0", "1e-7"},
	{"nul + 1", "null"},
	{"1 - missing", "null"},
	{"-nul", "null"},
	{"s + '!'", `"héllo!"`},
	{"s + nul", "null"},
	{"max - 1", "9223372036854775806"},
	{"big * 3", "27021597764222979"},
	{"(0 - max - 1) % -1", "0"},
	// Fields.
	{"o.a.b", "5"},
	{"o?.a?.b", "5"},
	{"o['a'].b", "5"},
	{`o["x y"]`, `"q"`},
	{`$["o"].a.b`, "5"},
	{"$.o.a", `{"b":5}`},
	{"o.zz.b", "null"},
	{"i.x", "null"},
	{"missing.x", "null"},
	{"arr[0]", "1"},
	{"arr[-1]", "[3]"},
	{"arr[4][0]", "3"},
	{"arr[9]", "null"},
	{"tags.x", "null"},
	{"o[0]", "null"},
	{"objs[1].p", "20"},
	{"arr[i - 5]", `"x"`},
	{"o[lower('A')].b", "5"},
	{"exists(nul)", "true"},
	{"exists(missing)", "false"},
	{"exists(o.a.b)", "true"},
	{"exists(o.a.c)", "false"},
	{"not exists(missing)", "true"},
	{"nul ?? 5", "5"},
	{"missing ?? nul ?? s", `"héllo"`},
	{"i ?? 5", "7"},
	{"(missing ?? 0) + 1", "1"},
	// Functions of ours.
	{"number(n) + 1", "13"},
	{"number('1.5')", "1.5"},
	{"number(' 7 ')", "7"},
	{"number(i)", "7"},
	{"number(nul)", "null"},
	{"number('18446744073709551616') == long", "true"},
	{"string(i)", `"7"`},
	{"string(f)", `"2.5"`},
	{"string(t)", `"true"`},
	{"string(nul)", "null"},
	{"string(long)", `"18446744073709551616"`},
	{"string(s)", `"héllo"`},
	{"type(i)", `"number"`},
	{"type(f)", `"number"`},
	{"type(s)", `"string"`},
	{"type(missing)", `"null"`},
	{"type(arr)", `"array"`},
	{"type(o)", `"object"`},
	{"type(t)", `"bool"`},
	{"len(s)", "5"},
	{"len(arr)", "5"},
	{"len(o)", "2"},
	{"len(nul)", "null"},
	{"len(missing) > 2", "false"},
	{"len([1, 2])", "2"},
	{"len(esc)", "4"},
	{"upper(s)", `"HÉLLO"`},
	{"lower('ABC')", `"abc"`},
	{"upper(nul)", "null"},
	{"trim('  x ')", `"x"`},
	{"trim('--x-', '-')", `"x"`},
	{"replace(s, 'l', 'LL')", `"héLLLLo"`},
	{"replace(s, 'q', '')", `"héllo"`},
	{"repeat('ab', 3)", `"ababab"`},
	{"repeat('', 1000000000000)", `""`},
	{"join(tags, '-')", `"a-b"`},
	{"join(tags)", `"ab"`},
	{"toJSON(o)", `"{\"a\":{\"b\":5},\"x y\":\"q\"}"`},
	// Functions of expr.
	{"filter(objs, .p > 5)", `[{"p":20}]`},
	{"any(tags, # == 'a')", "true"},
	{"any(missing, # == 'a')", "false"},
	{"all(nul, #)", "true"},
	{"map(objs, .p + 1)", "[2,21]"},
	{"sum(map(objs, .p))", "21"},
	{"count(objs, .p > 0)", "2"},
	{"split('a/b/c', '/')[1]", `"b"`},
	{"max(i, 3)", "7"},
	{"round(f)", "3"},
	{"int('5') + 1", "6"},
	{"first(tags)", `"a"`},
	{"indexOf(s, 'l')", "3"},
	{"(let x = i + 1; x * 2)", "16"},
	{"s[1:3]", `"él"`},
	{"arr[1:2]", "[2]"},
	{"tags[:1]", `["a"]`},
	{"s[-2:]", `"lo"`},
	{"nul[1:]", "null"},
	{"keys({a: 1})", `["a"]`},
	{"fromJSON('[1, 2]')", "[1,2]"},
	{"(i | string())", `"7"`},
	{"(tags | join(',') | upper())", `"A,B"`},
	{"date(ts) > date('2026-01-01')", "true"},
	{"date(ts) - date('2026-01-02')", `"3h4m5s"`},
	{"date(ts) + duration('1h')", `"2026-01-02T04:04:05Z"`},
	{"date(ts).Year()", "2026"},
	{"reduce(objs, #acc + .p, 0)", "21"},
	{"sortBy(objs, -.p)[0].p", "20"},
	{"{a: i, 'b': [s]}", `{"a":7,"b":["héllo"]}`},
	{"[i, f, nul]", "[7,2.5,null]"},
	{"1..3", "[1,2,3]"},
	{"get(o, 'a')", `{"b":5}`},
	{"lower(s) == 'héllo' ? f : 0", "2.5"},
	{"filter(tags, exists(o.a))", `["a","b"]`},
}

func TestExpressions(t *testing.T) {
	for _, x := range expressions {
		program := "set r = " + x.expr + "; keep r"
		nodes, machine, err1, err2 := both(t, program, theRecord)
		want := `{"r":` + x.want + `}`
		if err1 != nil || nodes != want {
			t.Errorf("%s: got %s, %v; want %s", x.expr, nodes, err1, want)
		}
		if err2 != nil || !sameNumbers(machine, want) {
			t.Errorf("%s: got %s, %v in the machine; want %s", x.expr, machine, err2, want)
		}
	}
}

// sameNumbers compares two JSON texts without regard to how numbers are written.
func sameNumbers(a, b string) bool {
	decode := func(s string) (v any) {
		if err := json.NewDecoder(strings.NewReader(s)).Decode(&v); err != nil {
			return err
		}
		return v
	}
	return a == b || reflect.DeepEqual(decode(a), decode(b))
}

func TestMistakesInExpressions(t *testing.T) {
	for _, expr := range []string{
		"s > 5", "i > 'x'", "arr < 5", "t > no", "i + s", "s * 2", "-s", "t + 1", "i / z", "i % z", "i % 1.5", "max + 1", "0 - max - 2", "max * 2", "long + 1", "-long",
		"2.5 ** 100000", "i and t", "not s", "s ? 1 : 2", "i contains 'x'", "s contains i", "i matches 'x'", "5 in i", "5 in s", "number('x')", "number(t)", "number('')", "number('01')", "lower(i)", "len(i)", "repeat(s, -1)",
		"repeat(s, 1000000000)", "replace(s, '', 'x')", "string(o)", "join(arr)", "split(i, 'x')", "fromJSON(s)", "filter(i, true)", "map(s, #)", "i[1:2]", "sum(tags)", "reduce(1..40, #acc + #acc, 'xxxxxxxx')", "date('x')", "toJSON(reduce(1..100, [#acc, #acc], 1))",
	} {
		_, _, err1, err2 := both(t, "set r = "+expr, theRecord)
		if err1 == nil || err2 == nil {
			t.Errorf("%s: with nodes %v, in the machine %v; both must fail", expr, err1, err2)
		}
	}
}

// Parts of the expressions that are built for the comparison of nodes and machine.
var (
	atoms = []string{
		"i", "neg", "big", "max", "long", "f", "e", "z", "s", "n", "esc", "empty", "t", "no", "nul", "gone", "arr", "tags", "o", "o.a.b", "o.x", "arr[0]", "arr[-1]",
		"0", "1", "-1", "7", "2.5", "1e3", "'x'", "'12'", "''", "true", "nil", "[1, 'x']", "exists(nul)",
	}
	unaries = []string{"not %", "-%", "number(%)", "string(%)", "type(%)", "len(%)", "lower(%)", "(%)", "upper(trim(%))"}
	infixes = []string{"==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%%", "in", "contains", "startsWith", "endsWith", "and", "or", "??"}
)

// build makes an expression of the bytes of seed.
func build(seed *[]byte, depth int) string {
	take := func(n int) int {
		if len(*seed) == 0 {
			return 0
		}
		c := int((*seed)[0])
		*seed = (*seed)[1:]
		return c % n
	}
	switch kind := take(6); {
	case depth == 0 || kind == 0 || len(*seed) == 0:
		return atoms[take(len(atoms))]
	case kind == 1:
		return strings.ReplaceAll(unaries[take(len(unaries))], "%", build(seed, depth-1))
	case kind == 2:
		return "(" + build(seed, depth-1) + " ? " + build(seed, depth-1) + " : " + build(seed, depth-1) + ")"
	}
	op := strings.ReplaceAll(infixes[take(len(infixes))], "%%", "%")
	return "(" + build(seed, depth-1) + ") " + op + " (" + build(seed, depth-1) + ")"
}

// FuzzNodesAgreeWithTheMachine builds expressions and checks that nodes and expr's
// machine make the same of them, or both fail.
func FuzzNodesAgreeWithTheMachine(f *testing.F) {
	for i := range 64 {
		f.Add(bytes.Repeat([]byte{byte(i), byte(i * 7), byte(3 + i/3)}, 4))
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		expr := build(&seed, 3)
		nodes, machine, err1, err2 := both(t, "set r = "+expr+"; keep r", theRecord)
		switch {
		case isParseError(err1) && err2 == nil: // the nodes know more about types
			if !strings.Contains(err1.Error(), "true or false") && !strings.Contains(err1.Error(), "takes") &&
				!strings.Contains(err1.Error(), "cannot") && !strings.Contains(err1.Error(), "never equal") && !strings.Contains(err1.Error(), "looks into") {
				t.Errorf("%s: %v", expr, err1)
			}
		case (err1 == nil) != (err2 == nil):
			t.Errorf("%s: with nodes %s, %v; in the machine %s, %v", expr, nodes, err1, machine, err2)
		case err1 == nil && !sameNumbers(nodes, machine):
			t.Errorf("%s: with nodes %s; in the machine %s", expr, nodes, machine)
		}
	})
}
