package transform

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/weirflow/weir/codec/jsonscan"
)

// maxTree is the longest JSON text of an array or object that becomes Go values,
// in bytes: they take up to twenty times as much memory.
const maxTree = 64 << 10

var errTree = errors.New("an array or object of more than 64 KiB is too large for a function")

// longInt is a long number as a Go value.
type longInt string

// toAny returns v as expr knows it: nil, bool, int, float64, string, []any,
// map[string]any, or one of longInt, time.Time and time.Duration.
func (v *value) toAny() (any, error) {
	switch v.kind {
	case boolean:
		return v.n != 0, nil
	case number:
		switch v.form {
		case whole:
			return int(v.n), nil
		case fraction:
			return v.f, nil
		}
		return longInt(v.raw), nil
	case text:
		return string(v.raw), nil
	case array, object:
		if v.any == nil && len(v.raw) > maxTree {
			return nil, errTree
		}
		return v.tree(), nil
	case moment, span:
		return v.any, nil
	}
	return nil, nil
}

// tree returns an array or object as []any or map[string]any.
func (v *value) tree() any {
	if v.any != nil {
		return v.any
	}
	return treeOf(v.raw)
}

// treeOf returns the JSON value val as Go values.
func treeOf(val []byte) any {
	switch kindOf(val) {
	case array:
		all := []any{}
		for c := walk(val); c.next(); {
			all = append(all, treeOf(c.val))
		}
		return all
	case object:
		all := map[string]any{}
		for c := walk(val); c.next(); {
			all[keyText(c.key)] = treeOf(c.val)
		}
		return all
	}
	var v value
	v.read(nil, val)
	a, _ := v.toAny() // an error is an array or object
	return a
}

// keyText returns what the key of a member says.
func keyText(key []byte) string {
	if bytes.IndexByte(key, '\\') < 0 {
		return string(key)
	}
	return string(appendText(nil, slices.Concat([]byte{'"'}, key, []byte{'"'})))
}

// fromAny sets v to what a function of expr returned.
func (v *value) fromAny(a any) error {
	switch a := a.(type) {
	case nil:
		v.setNull()
	case bool:
		v.setBool(a)
	case int:
		v.setInt(int64(a))
	case float64:
		v.setFloat(a)
	case string:
		v.setText(bytesOf(a))
	case longInt:
		*v = value{kind: number, form: long, raw: bytesOf(string(a))}
	case []any:
		*v = value{kind: array, any: a}
	case map[string]any:
		*v = value{kind: object, any: a}
	case time.Time:
		*v = value{kind: moment, any: a}
	case time.Duration:
		*v = value{kind: span, any: a}
	default:
		return v.fromOther(a)
	}
	return nil
}

// fromOther sets v to a value of a type that few functions return.
func (v *value) fromOther(a any) error {
	r := reflect.ValueOf(a)
	switch r.Kind() {
	case reflect.Bool:
		v.setBool(r.Bool())
	case reflect.String:
		v.setText([]byte(r.String()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.setInt(r.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if r.Uint() > math.MaxInt64 {
			return errOverflow
		}
		v.setInt(int64(r.Uint()))
	case reflect.Float32:
		v.setFloat(r.Float())
	case reflect.Slice, reflect.Array:
		all := make([]any, r.Len())
		for i := range all {
			all[i] = r.Index(i).Interface()
		}
		*v = value{kind: array, any: all}
	case reflect.Map:
		all := make(map[string]any, r.Len())
		for _, k := range r.MapKeys() {
			all[fmt.Sprint(k.Interface())] = r.MapIndex(k).Interface()
		}
		*v = value{kind: object, any: all}
	default:
		return fmt.Errorf("a value of type %T has no form in JSON", a)
	}
	return nil
}

// maxNesting is how deep the arrays and objects may be that functions make.
const maxNesting = 1000

// appendTree appends the JSON text of a, members in the order of their names. It
// fails when dst would be longer than limit.
func appendTree(dst []byte, a any, limit int) ([]byte, error) {
	return appendNested(dst, a, limit, 0)
}

func appendNested(dst []byte, a any, limit, depth int) ([]byte, error) {
	var v value
	err := v.fromAny(a)
	switch {
	case err != nil:
		return dst, err
	case depth > maxNesting:
		return dst, fmt.Errorf("the value is nested deeper than %d", maxNesting)
	case len(dst) > limit:
		return dst, errText
	case v.kind == array:
		dst = append(dst, '[')
		for i, e := range v.any.([]any) {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendNested(dst, e, limit, depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case v.kind == object:
		n := len(dst)
		dst = append(dst, '{')
		all := v.any.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(all)) {
			dst = append(jsonscan.Quote(appendComma(dst, n), bytesOf(k)), ':')
			if dst, err = appendNested(dst, all[k], limit, depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
	return v.appendJSON(dst)
}
