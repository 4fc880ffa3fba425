package postgres_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
	"github.com/weirflow/weir/connector/postgres"
)

// values are JSON values that each type is tried with. What they become must be what
// the server makes of their text, whether they are sent in binary, as text alone, or
// all as text.
var values = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `32767`, `32768`, `-32768`, `2147483647`, `2147483648`, `-2147483648`,
	`9223372036854775807`, `-9223372036854775808`, `9223372036854775808`, `123456789012345678901234567890`,
	`1.5`, `-1.25`, `0.1`, `1e3`, `1.0`, `1E-7`, `3.141592653589793238`, `1e400`, `1e-400`, `5e-324`, `16777217`, `0.30000001192092896`,
	`12345.6789`, `0.00001`, `10000`, `100000000`, `0.0001`, `0.0000`, `-0.0`, `99999999999999999999.9999`, `1e22`, `123456789.125`,
	`""`, `"a"`, `"t"`, `"yes"`, `"42"`, `"-7"`, `" 42 "`, `"1.5"`, `"1e3"`, `"NaN"`, `"Infinity"`, `"0x10"`, `"1_000"`, `"+5"`, `".5"`, `"5."`,
	`"Grüße 世界"`, `"a\"b\\c/\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00"`, `"tab\there"`, `"\\N"`, `"\\x48656c6c6f"`, `"\\x4"`, `"\\xzz"`, `"\\101"`, `"{1,2}"`,
	`"2026-11-23T10:11:12Z"`, `"2026-11-23T10:11:12.123456Z"`, `"2026-11-23T10:11:12.1234567Z"`, `"2026-11-23t10:11:12.5z"`,
	`"2026-11-23 10:11:12+02:00"`, `"2026-11-23T10:11:12-0330"`, `"2026-11-23T10:11:12+05"`, `"2026-11-23T10:11:12"`, `"2026-11-23"`,
	`"2024-02-29"`, `"2023-02-29"`, `"2026-13-01"`, `"0001-01-01"`, `"1969-12-31T23:59:59.9999999Z"`, `"1999-12-31T23:59:59.999999Z"`, `"9999-12-31T23:59:59Z"`,
	`"2026-11-23T24:00:00Z"`, `"2026-11-23T23:59:60Z"`, `"2026-11-23T10:11:12.Z"`, `"infinity"`, `"tomorrow, at noon"`, `"0000-01-01"`, `"2026-11-23T10:11:12+16:00"`,
	`"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`, `"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"`, `"a0eebc999c0b4ef8bb6d6bb9bd380a11"`, `"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"`,
	`"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g"`, `"10.0.0.1"`, `"255.255.0.10"`, `"256.0.0.1"`, `"10.0.0"`, `"10.0.0.1.2"`, `"010.0.0.1"`, `"0.0.0.00"`, `"10.0.0.0/8"`, `"1.2.3.4 "`, `"1..2.3"`, `"fe80::1"`, `"3 days"`, `"10:11:12"`,
	`{"a":1,"b":[true,null,"x"]}`, `[]`, `[1,2,3]`, `["a","b\"c\\d","","NULL"]`, `[[1,2],[3,4]]`, `[null,1]`, `{}`,
	`"happy"`, `"sad"`, `"` + strings.Repeat("x", 3000) + `"`,
}

var types = []string{
	"bool", "smallint", "integer", "bigint", "real", "double precision", "numeric", "numeric(8,2)", "text", "varchar", "varchar(5)", "char(4)",
	"json", "jsonb", "timestamp", "timestamptz", "timestamptz(0)", "date", "uuid", "bytea", "inet", "cidr", "macaddr", "interval", "time", "integer[]", "text[]", "name", "mood", "percent",
}

// textOf returns the text that the server is to read for a JSON value of a type; ok
// is false if it is to have none.
func textOf(value, kind string) (text string, null bool) {
	switch {
	case value == "null":
		return "", true
	case kind == "json" || kind == "jsonb":
		return value, false
	case strings.HasSuffix(kind, "[]") && value[0] == '[':
		return arrayOf(value), false
	case value[0] == '"':
		out, err := jsonscan.Unquote(nil, []byte(value))
		if err != nil {
			panic(err)
		}
		return string(out), false
	}
	return value, false
}

// arrayOf writes a JSON array in PostgreSQL's notation.
func arrayOf(value string) string {
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(value), &all); err != nil {
		panic(err)
	}
	parts := make([]string, len(all))
	for i, e := range all {
		switch e[0] {
		case 'n':
			parts[i] = "NULL"
		case '[':
			parts[i] = arrayOf(string(e))
		case '"':
			text, _ := textOf(string(e), "")
			parts[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
		default:
			parts[i] = string(e)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestValuesBecomeWhatTheServerMakesOfTheirText sends each value to a column of each
// type, and compares what is stored, or refused, with what an INSERT of the text does.
func TestValuesBecomeWhatTheServerMakesOfTheirText(t *testing.T) {
	d := start(t)
	d.do(`DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('happy', 'sad'); DROP DOMAIN IF EXISTS percent; CREATE DOMAIN percent AS integer CHECK (VALUE <= 100)`)
	for _, kind := range types {
		t.Run(kind, func(t *testing.T) {
			d := database{d.Server, t}
			want := d.inserted(kind)
			for _, way := range []string{"binary", "text"} {
				columns := "n integer, v " + kind
				if way == "text" {
					columns += ", forces macaddr"
				}
				table := d.table(columns)
				var records []string
				for i, v := range values {
					rec := fmt.Sprintf(`{"n":%d,"v":%s}`, i, v)
					if way == "text" {
						rec = fmt.Sprintf(`{"n":%d,"v":%s,"forces":null}`, i, v)
					}
					records = append(records, rec)
				}
				bad := &letters{}
				half := len(records) / 2
				must(t, d.load(table, postgres.SinkOptions{Bad: bad.policy}, batch(records[:half]...), batch(records[half:]...)))
				got := d.rows("SELECT n, v::text FROM " + table + " ORDER BY n")
				same(t, way, got, want)
				if len(bad.all)+len(got) != len(values) {
					t.Errorf("%s: %d rows and %d bad records of %d", way, len(got), len(bad.all), len(values))
				}
			}
		})
	}
}

// inserted returns what INSERTs store of the values, one by one.
func (d database) inserted(kind string) []string {
	d.t.Helper()
	table := d.table("n integer, v " + kind)
	var sql strings.Builder
	sql.WriteString("DO $do$ BEGIN\n")
	for i, v := range values {
		text, null := textOf(v, kind)
		constant := "NULL"
		if !null {
			constant = "'" + strings.ReplaceAll(text, "'", "''") + "'"
		}
		fmt.Fprintf(&sql, "BEGIN INSERT INTO %s VALUES (%d, %s); EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN NULL; END;\n", table, i, constant)
	}
	sql.WriteString("END $do$")
	d.do(sql.String())
	return d.rows("SELECT n, v::text FROM " + table + " ORDER BY n")
}

// What cannot be text in PostgreSQL is refused without asking, whatever the way, and
// what is not UTF-8 by the server: nothing is replaced silently.
func TestTextThatCannotBeStoredIsRefusedAndNotReplaced(t *testing.T) {
	d := start(t)
	for _, columns := range []string{"n integer, v text", "n integer, v text, forces macaddr"} {
		table := d.table(columns)
		bad := &letters{}
		must(t, d.load(table, postgres.SinkOptions{Bad: bad.policy}, batch(
			`{"n":1,"v":"a\u0000b","forces":null}`, `{"n":2,"v":"\ud800","forces":null}`, "{\"n\":3,\"v\":\"\xff\",\"forces\":null}", `{"n":4,"v":"\ud83d\ude00","forces":null}`,
			`{"n":5,"v":"\ude00\ud83d","forces":null}`,
		)))
		same(t, columns, d.rows("SELECT n, v FROM "+table), []string{"4|😀"})
		for i, want := range []string{`1: {"n":1,"v":"a\u0000b","forces":null}: column v: \u0000 cannot`, "half of a surrogate pair", "invalid byte sequence", "half of a surrogate pair"} {
			if !slices.ContainsFunc(bad.all, func(s string) bool { return strings.Contains(s, want) }) {
				t.Errorf("%s: letter %d is not there: %q", columns, i, bad.all)
			}
		}
	}
}

// The columns of the table decide, members come in any order, one of two with the same
// name counts, and what a record does not say is the default of the column.
func TestMembersFindTheirColumns(t *testing.T) {
	d := start(t)
	table := d.table(`id bigint GENERATED BY DEFAULT AS IDENTITY, "Case" text, a text, "we""ird" int, raw jsonb, city text, made text DEFAULT 'yes', twice int GENERATED ALWAYS AS (7) STORED`)
	var unused []string
	o := postgres.SinkOptions{
		Columns:  []postgres.Column{{Name: "raw"}, {Name: "city", Path: []string{"address", "city"}}, {Name: "a", Path: []string{"alpha"}}},
		OnUnused: func(m string) { unused = append(unused, m) },
	}
	must(t, d.load(table, o, batch(
		`{"Case":"x","alpha":"y","we\"ird":1,"address":{"city":"Ulm","zip":[1]}}`,
		`  {"address":{"city":null},"we\"ird":2,"alpha":"z","case":"not this","twice":1}  `,
		`{"alpha":"first","alpha":"last","made":null,"a":"not this"}`,
		`{"id":100,"\u0043ase":"escaped","address":7}`,
	)))
	same(t, "rows", d.rows(`SELECT id, "Case", a, "we""ird", city, made, twice FROM `+table+" ORDER BY id"), []string{
		"1|x|y|1|Ulm|yes|7", "2|∅|z|2|∅|yes|7", "3|∅|last|∅|∅|∅|7", "100|escaped|∅|∅|∅|yes|7",
	})
	same(t, "raw", d.rows("SELECT raw->>'alpha' FROM "+table+" ORDER BY id"), []string{"y", "z", "last", "∅"})
	slices.Sort(unused)
	same(t, "unused", unused, []string{"a", "case", "twice"})
}

func TestRecordsThatAreNoRowsAreBad(t *testing.T) {
	d := start(t)
	table := d.table("a int, b text")
	bad := &letters{}
	many := `{"a":1`
	for i := range 9000 {
		many += fmt.Sprintf(`,"m%d":0`, i)
	}
	b := batch(`{"a":1,"b":"x"}`, `{"a":`, ``, `[1]`, `{}`, `{"c":1}`, `7`, ` `, `{"a":2,"c":3}`, many+"}", `{"a":3,"b":"`+strings.Repeat(`\n`, 50_000)+`"}`)
	must(t, d.load(table, postgres.SinkOptions{Bad: bad.policy}, b))
	same(t, "rows", d.rows("SELECT a, length(b) FROM "+table), []string{"1|1", "2|∅", "3|50000"})
	if got := b.Noted(weir.DeadLettered).Records; got != 6 || len(bad.all) != 6 {
		t.Errorf("%d were noted; %.300q", got, bad.all)
	}
	if got := b.Noted(weir.Filtered).Records; got != 2 {
		t.Errorf("%d blank lines were noted", got)
	}
	bad = &letters{}
	must(t, d.load(table, postgres.SinkOptions{Bad: bad.policy, Strict: true}, batch(`{"a":4}`, `{"a":5,"c":3}`)))
	same(t, "strict", bad.all, []string{`2: {"a":5,"c":3}: the table has no column for member "c"`})
}
