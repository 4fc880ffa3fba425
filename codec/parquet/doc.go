// Package parquet reads the rows of Parquet files as JSON objects, one a record, and
// writes such records as Parquet files.
//
// [NewSource] wraps a source of files and [NewSink] a sink of bytes. Both hold a
// bounded number of bytes that is known before the first row, however large a file or
// its row groups are: a source one page of each column, a sink one row group.
//
// # Delivery
//
// As the source and sink underneath. A file is whole at Commit, when its footer is
// written, and nothing before: there is no flush and no checkpoint in the middle.
//
// # Ordering
//
// Rows keep their order. The fields of a record are in the order of the columns.
//
// # Position
//
// Text: the number of rows before it, and a fingerprint of the file's size and of its
// footer. A file that has another one is refused. A stream continues in
// the page where the row is; pages and row groups before it are not read.
//
// # Credit
//
// A source reads a page of a column when the rows before it have been delivered. What
// it holds is the sum of the largest page and dictionary of each column, decompressed,
// and of the largest one compressed (weir.Reserver): it looks at the header of every
// page first. A sink holds Options.RowGroupBytes of values, a page, the same
// compressed, and the description of every row group, whose sum is bounded by
// Options.FooterBytes (weir.Footprint).
//
// # Errors
//
// Every error is a *weir.Error. Corrupt: a file that is not Parquet, not whole, damaged,
// or changed since it was opened, with the column and the offset of the page. Invalid: a
// stream that cannot be read at any place; encryption; columns in other files; the
// compressions LZO and LZ4 with Hadoop's framing; options. A record that a sink cannot
// put into its columns goes to Options.Bad with the column and the reason.
//
// # Types that are read
//
//	BOOLEAN                         true, false
//	INT32, INT64, signed or not     number, every digit
//	FLOAT, DOUBLE, FLOAT16          number that reads back as the same one, with a point
//	                                or an exponent; not a number and infinity: null
//	DECIMAL                         number, every digit
//	STRING, ENUM                    string; bytes that are not UTF-8 become U+FFFD
//	JSON                            the value itself; what is not JSON: a string
//	UUID                            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
//	DATE                            "2006-01-02"
//	TIME                            "15:04:05.999", with 3, 6 or 9 digits as its unit has
//	TIMESTAMP, INT96                "2006-01-02T15:04:05.999Z", digits as TIME; without
//	                                the Z if it is not adjusted to UTC, since then nobody
//	                                knows which instant it is
//	INTERVAL                        "P1M2DT3.004S"
//	other bytes, BSON               string in base64
//	LIST, repeated fields           array
//	MAP                             object; a key that is not a string has the text of
//	                                its JSON
//	groups                          object
//	null                            null
//
// Years outside of 0 to 9999 have a sign and six digits or more, as in ISO 8601. A
// VARIANT is the object of its columns, which are bytes.
//
// # Types that are written
//
// Every column may be null. A field that a record does not have is null, and so is one
// that is null. Of fields of the same name the last one counts. A value that does not
// fit its column makes the record a bad one, and so does a field without a column that
// is not null.
//
//	bool                 true, false
//	int32, int64,        numbers without point and exponent
//	uint32, uint64
//	double, float        numbers; whole ones in a double must be exact
//	decimal(p,s)         numbers of at most p digits, s of them behind the point; p is 38
//	                     at most; s is 0 if left out
//	string               strings
//	json                 any value, as it is written
//	bytes                strings in base64
//	uuid                 strings as above
//	date                 strings as above
//	time(u)              strings as above; u is ms, us (if left out) or ns
//	timestamp(u)         strings as in RFC 3339
//	timestamp_ntz(u)     strings as that, without a zone
//
// Without Options.Schema the records of the first write decide: whole numbers become
// int64, or uint64 if some need it; other numbers double; strings string; booleans bool.
// json becomes what has objects or arrays in it, values of different kinds, numbers of
// which a double would lose digits, or no value. A write is a batch of the engine, so the
// columns depend on its size; where that matters, give a schema.
package parquet
