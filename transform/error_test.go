package transform_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/weirflow/weir/transform"
)

func TestErrorsPointAtThePlace(t *testing.T) {
	for _, x := range []struct{ program, want string }{
		{"where status >=", "line 1, column 16: the expression ends too early\n  where status >=\n                 ^"},
		{"drop a\nwhere é = 5", "line 2, column 9: = sets a field; == compares\n  where é = 5\n          ^"},
		{"drop a | where s >= 'x' + 5", "column 25: + cannot take a string and a number"},
		{"where not a == 5", "column 13: true or false and a number are never equal: write not (a == b)"},
		{"where 'x'", "column 7: the condition of where must be true or false, and this is a string"},
		{"where a and 5", "column 13: the part behind and must be true or false"},
		{"where lower(5) == 'x'", "column 13: lower() takes a string here"},
		{"where foo(a)", "column 7: there is no function foo()"},
		{"where abs(foo(a)) > 1", "column 11: there is no function foo()"},
		{"where lower() == 'x'", "column 7: lower() takes 1 arguments, not 0"},
		{"where @timestamp > 5", "column 7: unrecognized character"},
		{"where a matches '('", "column 17: error parsing regexp"},
		{"where a matches b", "column 17: the pattern of matches"},
		{"where (a", "ends too early"},
		{"where a < nil", "column 9: < cannot compare"},
		{"where any(a, lower(#, 1))", "lower() takes 1 arguments"},
		{"where exists(lower(a))", "exists() takes the name of a field"},
		{"where $ == 5", `write $["name"]`},
		{"where b'x' == a", "not part of the language"},
		{"where", "column 6: an expression is missing"},
		{"set a", "column 6: = and an expression is missing"},
		{"set a = ", "an expression is missing"},
		{"set a =\nb", "an expression is missing"},
		{"set a b", "column 7: = and an expression is expected here, not 'b'"},
		{"set a = 1,", "the name of a field is missing"},
		{"set a = {(b): 1}", "the name of a member"},
		{"drop", "column 5: the name of a field is missing"},
		{"drop a b", "column 8: the end of the statement is expected"},
		{"drop a,", "the name of a field is missing"},
		{"drop a[0]", "statements do not reach elements"},
		{"drop 'a", "column 6: the quotes that open here are not closed"},
		{`drop "a\q"`, "column 8: unknown escape"},
		{"drop " + strings.Repeat("a.", 40) + "a", "at most 32 steps"},
		{"rename a", "column 9: to and the new name is missing"},
		{"rename a to a.b", "one is inside of the other"},
		{"mask phone", "column 6: mask takes email"},
		{"mask /(/", "column 6: error parsing regexp"},
		{"mask /abc", "column 6: the / that opens here is not closed"},
		{"mask email with", "a character or a text is missing"},
		{"hash a with sha3", "column 13: hash takes sha256"},
		{"hash a with md5($NO_SUCH_THING)", "column 17: the environment variable NO_SUCH_THING, which holds the salt, is not set"},
		{"parse_time a as now", "column 17: a layout is a name"},
		{"parse_time a as '%Q'", "%Q, which is not known"},
		{"parse_time a as '%'", "cannot end with %"},
		{"parse_time a to iso", "column 17: a time is written to"},
		{"sample 5", "column 8: sample takes a share"},
		{"sample 101%", "column 8: sample takes a share"},
		{"sample -1%", "column 8: sample takes a share"},
		{"sample 1% seed x", "column 16: a seed is a whole number"},
		{"dedupe by a", "within and a duration"},
		{"dedupe by a within 5", "column 20: a duration is"},
		{"dedupe by a within -5m", "column 20: a duration is"},
		{"dedupe by a within 5m max 0", "column 27: max takes"},
		{"filter x", "column 1: there is no statement \"filter\""},
		{"\n\n  nonsense", "line 3, column 3"},
	} {
		_, err := transform.Parse(x.program, transform.Options{})
		var e *transform.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q:\n%v\nwant %s", x.program, err, x.want)
		}
	}
}

func TestErrorsOfFlags(t *testing.T) {
	for _, x := range []struct{ name, argument, want string }{
		{"where", "status >", "line 1, column 15: the expression ends too early\n  where status >\n                ^"},
		{"parse-time", "ts as nothing", "column 18: a layout"},
		{"nonsense", "x", "there is no statement"},
	} {
		st, err := transform.ParseStatement(x.name, x.argument)
		if err == nil {
			_, err = transform.New([]transform.Statement{st}, transform.Options{})
		}
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("--%s %s: %v; want %s", x.name, x.argument, err, x.want)
		}
	}
}

func TestStatementsOfFlagsMayHaveSeparatorsInThem(t *testing.T) {
	where, err := transform.ParseStatement("where", `name | lower() == "x" or let y = 1; y == 2`)
	if err != nil {
		t.Fatal(err)
	}
	drop, err := transform.ParseStatement("drop", "b,\n c")
	if err != nil {
		t.Fatal(err)
	}
	if where.String() != "where" || drop.String() != "drop b, c" {
		t.Errorf("got %v and %v", where, drop)
	}
}

func TestSaltsAreNeverShown(t *testing.T) {
	const salt = "pepper"
	o := transform.Options{Getenv: func(string) (string, bool) { return salt, true }}
	for _, program := range []string{
		"hash id with sha256(" + salt + ") nonsense", "hash id with sha256(" + salt, "hash id with sha256('" + salt + "') | drop", "hash id with SHA256 (" + salt + ")",
		"hash id with sha265(" + salt + ")", "hash id wth sha256(" + salt + ")", `hash id with md5("a)\"` + salt + `"`, "hash id with md5(" + salt + " x)", "hash id with md5(x " + salt + ")",
		"hsh id with foo( " + salt + ")", "where a = 5 | hash id with md5(" + salt + ")", "hash id with md5($X); drop",
	} {
		_, err := transform.Parse(program, o)
		if err == nil {
			t.Errorf("%s: no error", program)
			continue
		}
		if strings.Contains(err.Error(), salt) {
			t.Errorf("the salt is shown: %v", err)
		}
	}
	p, err := transform.Parse("hash id with md5("+salt+")", o)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.String(), salt) {
		t.Errorf("the salt is shown: %v", p)
	}
	_, err = apply(t, "hash id with md5($X)", o, `{"id":[1]}`)
	if err == nil || strings.Contains(err.Error(), salt) {
		t.Errorf("the salt is shown: %v", err)
	}
}
