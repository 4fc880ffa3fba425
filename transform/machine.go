package transform

import (
	"fmt"
	"reflect"
	"regexp"
	"unicode/utf8"

	"github.com/expr-lang/expr/builtin"
)

// Names of functions in expr's machine that no program can write.
const (
	opTruth  = "op truth"
	opGet    = "op get"
	opSlice  = "op slice"
	opArray  = "op array"
	opNegate = "op negate"
	opIn     = "op in"
	opMatch  = "op matches"
)

// machineCall is a function of expr's machine.
type machineCall = func(args ...any) (any, error)

// declare gives expr the functions of this package and its operators.
func (c *compiler) declare() {
	for name, f := range c.known {
		c.function(name, f.min, f.max, anyResult, withValues(f.run))
	}
	for _, op := range []string{"+", "-", "*", "/", "%", "**"} {
		c.function("op "+op, 2, 2, anyResult, withValues(func(dst []byte, a []value, v *value) ([]byte, error) {
			return arith(op, &a[0], &a[1], v, dst)
		}))
	}
	c.function(opNegate, 1, 1, anyResult, withValues(func(dst []byte, a []value, v *value) ([]byte, error) {
		return dst, negate(&a[0], v)
	}))
	for name, o := range orders {
		c.function("op "+name, 2, 2, boolResult, withPair(func(a, b *value) (bool, error) { return compare(o, a, b) }))
	}
	for name, o := range textOps {
		c.function("op "+name, 2, 2, boolResult, withPair(o.holds))
	}
	c.function(opIn, 2, 2, boolResult, withPair(isIn))
	c.function(opTruth, 1, 1, boolResult, withPair(func(a, _ *value) (bool, error) { return a.truth() }))
	c.function(opMatch, 2, 2, boolResult, machineMatch)
	c.function(opGet, 2, 2, anyResult, machineGet)
	c.function(opSlice, 3, 3, anyResult, machineSlice)
	c.function(opArray, 1, 1, reflect.TypeFor[[]any](), machineArray)
}

var (
	anyResult  = reflect.TypeFor[any]()
	boolResult = reflect.TypeFor[bool]()
)

// function declares a function of from min to max arguments of any type.
func (c *compiler) function(name string, least, most int, result reflect.Type, call machineCall) {
	f := &builtin.Function{Name: name, Func: call}
	for n := least; n <= most; n++ {
		in := make([]reflect.Type, n)
		for i := range in {
			in[i] = anyResult
		}
		f.Types = append(f.Types, reflect.FuncOf(in, []reflect.Type{result}, false))
	}
	c.conf.Functions[name] = f
}

// withValues makes a function of the machine of one that works with values.
func withValues(f func(dst []byte, args []value, v *value) ([]byte, error)) machineCall {
	return func(args ...any) (any, error) {
		var in [3]value
		for i, a := range args {
			if err := in[i].fromAny(a); err != nil {
				return nil, err
			}
		}
		var v value
		if _, err := f(nil, in[:len(args)], &v); err != nil {
			return nil, err
		}
		return v.toAny()
	}
}

// withPair makes a function of the machine of a condition on one or two values.
func withPair(f func(a, b *value) (bool, error)) machineCall {
	return func(args ...any) (any, error) {
		var in [2]value
		for i, a := range args {
			if err := in[i].fromAny(a); err != nil {
				return nil, err
			}
		}
		return f(&in[0], &in[1])
	}
}

func machineMatch(args ...any) (any, error) {
	var v value
	if err := v.fromAny(args[0]); err != nil {
		return nil, err
	}
	return matches(&v, args[1].(*regexp.Regexp))
}

// machineGet is a[b]: null if there is no such thing.
func machineGet(args ...any) (any, error) {
	var from, key value
	if err := from.fromAny(args[0]); err != nil {
		return nil, err
	}
	if err := key.fromAny(args[1]); err != nil {
		return nil, err
	}
	switch {
	case from.kind == object && key.kind == text:
		return from.any.(map[string]any)[string(key.raw)], nil
	case from.kind == array && key.kind == number && key.form == whole:
		all := from.any.([]any)
		n := int64(len(all))
		if key.n < 0 {
			key.n += n
		}
		if key.n >= 0 && key.n < n {
			return all[key.n], nil
		}
	}
	return nil, nil
}

// machineSlice is a[from:to], by characters of a string or elements of an array.
// What is beyond the ends is left out.
func machineSlice(args ...any) (any, error) {
	var v value
	if err := v.fromAny(args[0]); err != nil {
		return nil, err
	}
	switch v.kind {
	case missing, null:
		return nil, nil
	case text:
		from, to, err := bounds(args, utf8.RuneCount(v.raw))
		return string(runes(v.raw, from, to)), err
	case array:
		all := v.any.([]any)
		from, to, err := bounds(args, len(all))
		return all[from:to], err
	}
	return nil, &cannot{do: "take a slice of it", kind: v.kind}
}

// bounds returns the ends of a slice of n elements; negative ones count from the
// end.
func bounds(args []any, n int) (from, to int, err error) {
	ends := [2]int{0, n}
	for i, a := range args[1:] {
		switch a := a.(type) {
		case nil:
		case int:
			if a < 0 {
				a += n
			}
			ends[i] = min(max(a, 0), n)
		default:
			return 0, 0, fmt.Errorf("the ends of a slice are whole numbers, not %T", a)
		}
	}
	return ends[0], max(ends[0], ends[1]), nil
}

// runes returns characters from to to-1 of s.
func runes(s []byte, from, to int) []byte {
	start, n := len(s), 0
	for i := 0; i < len(s); n++ {
		if n == from {
			start = i
		}
		if n == to {
			return s[min(start, i):i]
		}
		_, size := utf8.DecodeRune(s[i:])
		i += size
	}
	return s[start:]
}

// machineArray makes an empty array of null, for what goes through arrays.
func machineArray(args ...any) (any, error) {
	if args[0] == nil {
		return []any{}, nil
	}
	if k := reflect.ValueOf(args[0]).Kind(); k != reflect.Slice && k != reflect.Array {
		var v value
		err := v.fromAny(args[0])
		if err == nil {
			err = &cannot{do: "go through its elements", kind: v.kind}
		}
		return nil, err
	}
	return args[0], nil
}
