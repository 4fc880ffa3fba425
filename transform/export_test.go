package transform

// ParseLeaves is Parse for a program whose expressions run in expr's machine as a
// whole, without the nodes of this package.
func ParseLeaves(text string, o Options) (*Program, error) {
	all, err := Split(text)
	if err != nil {
		return nil, err
	}
	return build(all, o, true)
}
