package jsonscan

import "fmt"

// A SyntaxError says where and why a slice is not the JSON that was wanted.
type SyntaxError struct {
	Offset int    // index of the offending byte; the length of the slice where it ends too early
	Reason string // what is wrong there, without the offset and without text of the slice
}

// Error returns the reason with the offset.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at offset %d: %s", e.Offset, e.Reason)
}

// An outcome is what a scan has found: something good, or why it stopped.
type outcome uint8

const (
	plain   outcome = iota // good, and no backslash is in it
	escaped                // good, and a backslash is in it
	badValue
	badLiteral
	badNumber
	badControl
	badEscape
	badHex
	badKey
	badColon
	badMember
	badElement
	badEnd
	tooDeep
	tooLong
	notObject
	notArray
	notString
)

var reasons = [...]string{
	badValue:   "want a value",
	badLiteral: "want true, false or null",
	badNumber:  "want a digit in a number",
	badControl: "want control characters in a string escaped",
	badEscape:  `want one of "\/bfnrtu after a backslash`,
	badHex:     `want four hexadecimal digits after \u`,
	badKey:     "want the name of a member, in quotes",
	badColon:   "want a colon after the name of a member",
	badMember:  "want a comma or a closing brace after a member",
	badElement: "want a comma or a closing bracket after an element",
	badEnd:     "want nothing more after the value",
	tooDeep:    fmt.Sprintf("want at most %d arrays and objects inside one another", maxDepth),
	tooLong:    fmt.Sprintf("want at most %d bytes", maxLength),
	notObject:  "want an object",
	notArray:   "want an array",
	notString:  "want a string in quotes",
}

// bad reports whether the scan stopped.
func (o outcome) bad() bool { return o > escaped }

// syntaxError makes the error of a scan of b that stopped at b[i].
func syntaxError(b []byte, i int, why outcome) *SyntaxError {
	if i >= len(b) {
		return &SyntaxError{Offset: len(b), Reason: "it ends too early: " + reasons[why]}
	}
	return &SyntaxError{Offset: i, Reason: reasons[why]}
}
