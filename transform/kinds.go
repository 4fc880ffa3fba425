package transform

import (
	"math/bits"
	"reflect"
	"time"
)

// kinds is a set of kinds: what an expression may yield, as far as its text
// tells.
type kinds uint16

const (
	ofNull   = kinds(1 << null)
	ofBool   = kinds(1 << boolean)
	ofNumber = kinds(1 << number)
	ofText   = kinds(1 << text)
	ofArray  = kinds(1 << array)
	ofObject = kinds(1 << object)
	ofMoment = kinds(1 << moment)
	ofSpan   = kinds(1 << span)

	ordered = ofNumber | ofText | ofMoment | ofSpan
	ofAny   = ofNull | ofBool | ordered | ofArray | ofObject
)

// String names one of the set.
func (k kinds) String() string { return kind(bits.TrailingZeros16(uint16(k))).String() }

// kindsOf returns what a Go type can stand for.
func kindsOf(t reflect.Type) kinds {
	switch t {
	case nil:
		return ofAny
	case reflect.TypeFor[time.Time]():
		return ofMoment
	case reflect.TypeFor[time.Duration]():
		return ofSpan
	}
	switch t.Kind() {
	case reflect.Bool:
		return ofBool
	case reflect.Int, reflect.Int64, reflect.Float64:
		return ofNumber
	case reflect.String:
		return ofText
	case reflect.Slice:
		return ofArray
	case reflect.Map:
		return ofObject
	}
	return ofAny
}
