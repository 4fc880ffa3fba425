// Package transform is the record language: small, declarative programs over
// records that are JSON objects, one a record.
//
//	where status >= 500
//	set latency_s = latency_ms / 1000
//	drop referer, request.headers.cookie
//	mask email in message with "[email]"
//
// A [Program] is parsed once and applied to batches; [Program.Batch] is a
// weir.Transform. docs/transform.md is the manual of the language: grammar, type
// rules, costs.
//
// How it works: a record is checked and scanned once, strictly, which gives the
// places of its members. Statements edit these places, and the record is written
// once at the end: what no statement touched is copied byte for byte, so numbers
// keep their text and strings their escapes. A record that a condition leaves
// out is not copied at all.
//
// Expressions have the grammar of github.com/expr-lang/expr. Operators, and the
// functions of this package, run on the bytes of the record without allocating;
// what else an expression calls runs in expr's virtual machine, which sees the
// fields that it names and nothing else. Both have one set of type rules, those
// of value.go, number.go, compare.go and arith.go.
//
// Reading the source: program.go, then worker.go (one record through the
// program), record.go (what is edited, and how it is written), op_*.go (one
// statement a file), then compile.go (expressions).
package transform
