// Package sqlite reads and writes SQLite databases. It has SQLite in it, in Go.
//
// As a sink it stores JSON objects, one a record, as rows of a table. As a source it
// reads the rows of a table or a query as JSON objects, one a line.
//
// # Delivery
//
// Exactly once, as a sink, for streams that can be continued: how far a stream has
// come is a row of the table weir_positions, which is changed in the transaction that
// stores the records, one a checkpoint. What was not committed is rolled back, by
// SQLite itself after a crash. A Writer that takes a stream over changes the epoch in
// that row; one that had the stream before fails at its next checkpoint, with all
// that it has written since the last one. Without checkpoints a stream is one
// transaction: it is stored whole or not at all.
//
// The rows of streams that are done stay, so that a run that is started again does
// nothing, also when its checkpoints are lost. A run that begins afresh (Fresh) removes
// those of its Pipeline and table; Purge removes them by age, and leaves what is done to
// the checkpoints. A table that was made from the records (Create) and dropped since is
// not made again for the rest of a stream: that is an error until a run begins afresh.
//
// The database is put into WAL mode, so that others can read it meanwhile, and stays
// in it. Until a transaction is committed it is in the WAL, which grows with it; one
// of a checkpoint is copied to the database at once, unless a reader holds it up.
// Other writers have their turn after each transaction.
//
// # Ordering
//
// Rows are stored in the order of the records. A source reads a table in the order of
// its rowid or Key. It reads up to the row that was the last one when it was opened.
//
// # Position
//
// Text: "rowid=1234", or the value of the column Key as JSON, "key=\"name\"". A view
// and a query without Key have no positions. Between two batches a source holds no
// snapshot, unless it is of those: rows that are changed meanwhile are read as they
// are then.
//
// # Types
//
// Integers of 64 bits are stored as such, other numbers as floating point, those that
// would lose digits as text. Strings are text; true and false are 1 and 0; a member
// that is null or missing is NULL, or the column's default if it is missing; objects
// and arrays are their text. A column's affinity then does its part: an INTEGER
// column makes a number of the text "12". Bytes that are not valid UTF-8 become
// U+FFFD.
//
// A table that is made from the records (Create) has the columns
//
//	integers, true and false    INTEGER
//	numbers                     REAL
//	strings, objects, arrays    TEXT
//	anything else               no type: values stay what they are
//
// A source writes an integer as such, and a floating point number as the shortest
// that reads back the same, with a point or an exponent; an infinity is null. Text is
// a string, a BLOB a string in base64.
//
// # Credit
//
// A source reads when it is given a batch, and writes into it. A sink copies the
// records of a statement, at most 256 KiB or one record, to where SQLite reads them.
// The cache of pages is bounded (Cache), and so is the longest record (MaxRecord);
// both are memory outside of Go's heap, and declared.
//
// # Errors
//
// Rejected: a record that is no object, or that SQLite refuses: a constraint, a type
// of a STRICT table; it is a bad record, with SQLite's message. Transient: the
// database is locked by another connection for longer than WaitFor, or the disk is
// full. Invalid: what only another call, or another database, can avoid: no such
// table, no permission, not a database. Corrupt: a database that is damaged.
package sqlite
