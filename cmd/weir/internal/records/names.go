package records

import "github.com/weirflow/weir/codec/compress"

// ReadCompressions lists the names of the compressions that can be read, and none.
func ReadCompressions() []string {
	all := []string{compress.None.String()}
	for m := compress.Gzip; m <= compress.Xz; m++ {
		all = append(all, m.String())
	}
	return all
}

// WrittenCompressions lists the names of those that can be written, and none.
func WrittenCompressions() []string {
	all := []string{compress.None.String()}
	for m := compress.Gzip; m <= compress.Xz; m++ {
		if _, err := compress.NewEncoder(m, compress.WriteOptions{}); err == nil {
			all = append(all, m.String())
		}
	}
	return all
}
