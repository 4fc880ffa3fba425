// Package postgres writes records to a table of PostgreSQL and reads rows of one.
//
// Records are JSON objects, one a record. The sink writes them with COPY, encoded
// from the bytes of the record straight into the client's buffer; the source has the
// server make them and reads them straight into the batch. Nothing is allocated or
// kept for a record.
//
// The URL is one of libpq: postgres://user@host:port/database?sslmode=verify-full, with
// several hosts separated by commas, and with the parameter table, which is ours. What it
// leaves out comes from the variables PG*, the service file and the password file, so
// that no password need be in it. No error and no name shows a password.
//
// # Columns
//
// A column takes the member of its own name, or what SinkOptions.Columns says. A
// member that is null is NULL. One that is missing is the column's default, and NULL if
// it has none. Of members with the same name the last one counts. A member without a
// column is left out and told of (OnUnused), or makes the record bad (Strict). A record
// that has no member for any column is bad: it is meant for another table.
//
// A value becomes what the server makes of its text: the text of a string, with its
// escapes resolved, and of any other value the JSON as it stands. So a text column takes
// any value, an integer column takes 42 and "42" and refuses 1.5, a time may be written as
// PostgreSQL allows. Columns of type json and jsonb take the JSON itself, and an array
// in JSON becomes one of PostgreSQL where the column is one. Nothing is cut, rounded or
// replaced that the server would not.
//
// Values of type boolean, smallint, integer, bigint, real, double precision, numeric,
// text, varchar, char, json, jsonb, timestamp, timestamptz, date, uuid, bytea,
// inet and cidr (of IPv4) and of enums are sent in binary, which takes the server half the time. When a column of
// another type has a value, or a value has a form that only the server's own parser
// knows, it is sent as text.
//
// With SinkOptions.Create a table is made from up to 1000 records of the first Write:
//
//	true and false                        boolean
//	integers                              bigint, numeric if one is longer
//	other numbers                         double precision
//	strings that are times with a zone    timestamp with time zone
//	strings that are UUIDs                uuid
//	other strings, null alone             text
//	objects and arrays                    jsonb
//
// Integers among other numbers are double precision, or numeric if one is longer than 64
// bits; objects or arrays among anything are jsonb; other mixtures are text. The columns of
// Key become the primary key.
//
// # Delivery
//
// On one connection, which is the default, what a Writer has written since its last Flush
// is one transaction. Flush commits it, and in it the stream's position, in a row of the
// table weir_positions, which the sink makes. A later run continues at that position:
// exactly once, whatever broke and when. Without checkpoints, or for a stream that
// cannot be continued, all of the stream is one transaction, which Commit commits: it is
// there whole or not at all. Only an endless stream without checkpoints is committed with
// each Write.
//
// The rows of streams that are done stay in weir_positions, some 400 bytes each, so that
// a run that is started again does nothing, also when its checkpoints are lost. A run that
// begins afresh (Fresh) removes those of its Pipeline and table; Purge removes them by age,
// and leaves what is done to the checkpoints. Whoever removes a row by hand has the stream
// refused as long as there is a checkpoint, and written again without.
//
// Resume gives the stream's row a new epoch. A Flush of a Writer with an older epoch
// fails and stores nothing, so two runs never write the same stream.
//
// When a connection is lost during a commit, nobody here knows whether it was done. The
// row does: the next run asks it, and it answers when the server has made up its mind.
// After a failover to a standby that lacks the last transactions, the positions have gone
// back with the rows, and the next run writes what is missing.
//
// A table that was made from the records (Create) and dropped since is not made again for
// the rest of a stream: that is an error until a run begins afresh.
//
// With SinkOptions.Connections above one, each Write is a transaction of its own, at least
// once: what came after the last checkpoint is written again. Which Writes those were cannot
// be stored with the rows, because batches are cut elsewhere when they are read again, and
// a position names the end of one and nothing within. With Key that does no harm. A failover
// must not lose transactions here (synchronous replication), because what is durable is the
// checkpoint's to know.
//
// With Key, a Write goes to a temporary table first, and from there by INSERT with ON
// CONFLICT. The last of several records with a key counts. Keys that are NULL are no two
// the same.
//
// # Ordering
//
// On one connection rows are stored in the order of the records; on several in any.
//
// # Bad records
//
// Without SinkOptions.Bad a record that the server refuses fails the stream. With it,
// each Write has a savepoint. When the server refuses a row, the Write is taken back and
// written in smaller parts until the record stands alone: first up to the row that the
// server has named. The record goes to the policy with the server's message. Deferred
// constraints are checked at once, so that they, too, are about a record. A letter can be
// kept twice when a run breaks off before the Flush that follows it, and is never lost:
// SyncBad comes before each commit. Each savepoint is a subtransaction of the server, which
// is slow for all sessions when a transaction has more than 64: after 32 the Writer asks for
// a Flush. There can be more in one Write that has many bad records, and in a stream without
// checkpoints, which is one transaction.
//
// # Position
//
// A table with a primary key, or with SourceOptions.Key, is read in the order of the key, a
// page at a time, and its position is the key of a row: a JSON array of strings. A query
// with a key is run once, and again from the position. Rows that come into the table
// behind the position are read; before it they are not. Without a key there is no order
// and no position. A key that has NULL in it, or is the same in two rows, is found out.
//
// # Credit
//
// The source reads from the socket what it places in a batch, and no more than a buffer of
// 32 KiB ahead. While nobody reads, the buffers of the kernel fill and the server waits. A
// row that does not fit the batch waits in the socket until there is one that it fits. The
// sink writes 64 KiB at a time and waits when the server does.
//
// # Errors
//
// What the server says is a *ServerError, with its SQLSTATE, message, detail and context.
// Data that it refuses is weir.Rejected. A lost connection, a restart, a failover, a
// deadlock, a serialization failure, too many connections and a full disk are
// weir.Transient: the transaction is gone, and a run that continues from the checkpoints
// writes it again. A table, column or permission that is missing is weir.Invalid, with what
// to do. Connecting waits a little for a server that starts or has no room (ConnectFor); a
// connection that was lost is not made again inside of a Writer or a stream.
package postgres
