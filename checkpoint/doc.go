// Package checkpoint keeps positions: how far each stream of each job has been
// delivered durably, so that a later run continues there.
//
// A [Store] is one file in a state directory. Its rules:
//
//   - What [Store.Save] was given is durable when it returns, all of it or
//     nothing: it survives the kill of the process and the loss of power. Saves
//     that wait at the same time share one sync of the disk.
//   - A file that is empty, cut short or damaged is an error that says where and
//     what to do, from [Open] or from the call that meets the damage. It never
//     looks like a store that knows less. What a crash left half written is taken
//     back without an error: no Save of it has returned.
//   - One process writes. A second one gets [ErrLocked]; any number may look
//     ([Options.ReadOnly]), also while another one writes.
//   - Memory does not follow the number of streams: at most 8 MiB for a store,
//     16 KiB for each call that reads, 2 MiB for each iteration that runs, and
//     beside that 1 byte for every KiB of the file, which is about 150 KiB for
//     a million streams, and during a compaction 4 bytes for every job.
//
// The order "durable in the sink, Save, source told" is the caller's to keep.
//
// # The file
//
// The file begins with two copies of a header, written in turn, so that one of
// them is always whole. Then come a table, its index and a log:
//
//	header   twice 4 KiB
//	table    blocks of 16 KiB, sorted by key, written once
//	index    the first key of each block, kept in memory
//	log      frames, each written once behind the last; then zeros
//
// A key is the number of a job (0 for the jobs themselves) and a digest of the
// ID, so that a job's streams are neighbours. A Save appends a frame to the log
// and syncs. What the log holds is found by a map in memory from key to offset.
// When the map is full, or the log larger than the table and 4 MiB, table and
// log are merged into a new file, which is synced and renamed over the old one.
// The zeros behind the log are written ahead, because overwriting them costs a
// sync of the data only; the file takes 264 KiB at least.
//
// Every byte that means something is covered by a CRC32C that also covers the
// place where it stands and a salt of the file. Damage in the log and a frame
// torn by a crash are told apart by what follows: frame n+1 is begun only when
// frame n is durable, so a bad frame with a good one behind it was good once.
// The header says up to where the log was whole when the file was last opened,
// closed or enlarged, and how long the file was.
//
// # Why not a library
//
// bbolt was measured beside this: its pages carry no checksum, so that a flipped
// bit can hide a stream, which then starts from zero, or send the search into an
// endless recursion that ends the process; it maps its file into memory, 258 MiB
// resident for a million streams; a commit costs two syncs; and nobody can look
// while a run holds it. A file of text replaced as a whole at each Save costs as
// much as all streams together.
package checkpoint
