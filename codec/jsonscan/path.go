package jsonscan

// Path walks from the value at b[start], or behind white space there, through
// objects by the names of members, and returns the value at the end: for the
// names "request" and "path" that of request.path. Of members with the same
// name it takes the last one. It is false where a name is missing, where it
// would have to look into something other than an object, and where what it
// walked through is not valid. No names give the value at start itself.
//
// Each object on the way is scanned whole, so in a record of which Scan has
// found the members, begin at the value of one.
func Path(b []byte, start int, names []string) (valStart, valEnd int, k Kind, ok bool) {
	valStart = skipSpace(b, start)
	if len(names) == 0 {
		end, found := value(b, valStart, 0)
		if found.bad() {
			return 0, 0, Invalid, false
		}
		return valStart, end, kinds[b[valStart]], true
	}
	for _, want := range names {
		if valStart, valEnd, ok = find(b, valStart, want); !ok {
			return 0, 0, Invalid, false
		}
	}
	return valStart, valEnd, kinds[b[valStart]], true
}

// find returns the last value of the name in the object at b[i].
func find(b []byte, i int, want string) (start, end int, ok bool) {
	if at(b, i) != '{' {
		return 0, 0, false
	}
	i, c := next(b, i+1)
	for c == '"' {
		key := i + 1
		var found outcome
		i, found = text(b, key)
		if found.bad() {
			return 0, 0, false
		}
		same := string(b[key:i-1]) == want
		if found == escaped {
			same = escapedIs(b[key:i-1], want)
		}
		if i, c = next(b, i); c != ':' {
			return 0, 0, false
		}
		val := skipSpace(b, i+1)
		if i, found = value(b, val, 1); found.bad() {
			return 0, 0, false
		}
		if same {
			start, end, ok = val, i, true
		}
		if i, c = next(b, i); c == '}' {
			return start, end, ok
		}
		if c != ',' {
			return 0, 0, false
		}
		i, c = next(b, i+1)
	}
	return 0, 0, false
}
