package jsonscan

// Elements calls f for each element of the array that begins at b[start] or
// behind white space there: the element is b[start:end]. It stops at the first
// error of f and returns it as it is. A fault of the array is a
// *[SyntaxError], and f has then seen the elements before it; in a record that
// was scanned whole there is none. What follows the array is not looked at.
func Elements(b []byte, start int, f func(start, end int, k Kind) error) error {
	i, c := next(b, start)
	if c != '[' {
		return syntaxError(b, i, notArray)
	}
	if i, c = next(b, i+1); c == ']' {
		return nil
	}
	for {
		end, found := value(b, i, 1)
		if found.bad() {
			return syntaxError(b, end, found)
		}
		if err := f(i, end, kinds[b[i]]); err != nil {
			return err
		}
		if i, c = next(b, end); c == ']' {
			return nil
		}
		if c != ',' {
			return syntaxError(b, i, badElement)
		}
		i = skipSpace(b, i+1)
	}
}
