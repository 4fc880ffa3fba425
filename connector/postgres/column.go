package postgres

import "github.com/weirflow/weir/codec"

// A Column says where the value of a column is in a record. Its name is the one that
// the catalog has.
type Column = codec.Column
