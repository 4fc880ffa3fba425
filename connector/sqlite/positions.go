package sqlite

import (
	"context"

	"github.com/weirflow/weir"
)

// positionTable is where the positions of streams are. Its rows are changed in the
// transactions that store the records.
const positionTable = "weir_positions"

const createPositions = `CREATE TABLE IF NOT EXISTS ` + positionTable + ` (
	pipeline TEXT NOT NULL,
	stream TEXT NOT NULL,
	target TEXT NOT NULL,
	position BLOB NOT NULL,
	epoch INTEGER NOT NULL,
	whole INTEGER NOT NULL,
	updated TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (pipeline, stream, target)
)`

// Beside the rows of streams there are notes about a table. A note is a row whose target
// is empty, and whose stream is one of these words and the table.
const (
	noteFresh  = "fresh "  // its position names the last run that began afresh
	noteMade   = "made "   // weir has made the table
	notePurged = "purged " // rows of streams that are whole were removed
)

// claimSQL makes the row of a stream, or gives it another epoch, which keeps an older
// Writer from storing anything more. An epoch is a random number, so that there is none
// twice, also after the row was removed.
const claimSQL = `INSERT INTO ` + positionTable + ` (pipeline, stream, target, position, epoch, whole)
VALUES (?1, ?2, ?3, x'', random(), 0) ON CONFLICT (pipeline, stream, target) DO UPDATE SET epoch = random(), updated = CURRENT_TIMESTAMP
RETURNING epoch, position, whole`

// freshSQL changes a row if the run ?3 has not begun afresh yet, and notes that it has.
const freshSQL = `INSERT INTO ` + positionTable + ` (pipeline, stream, target, position, epoch, whole)
VALUES (?1, ?2, '', ?3, 0, 0) ON CONFLICT (pipeline, stream, target) DO UPDATE SET position = excluded.position, updated = CURRENT_TIMESTAMP
WHERE position <> excluded.position`

// forgetSQL removes what is known of a table, but for the note of freshSQL.
const forgetSQL = `DELETE FROM ` + positionTable + ` WHERE pipeline = ?1 AND (target = ?2 OR target = '' AND stream IN (?3, ?4))`

const (
	makeNoteSQL = `INSERT OR IGNORE INTO ` + positionTable + ` (pipeline, stream, target, position, epoch, whole) VALUES (?1, ?2, '', x'', 0, 0)`
	findNoteSQL = `SELECT 1 FROM ` + positionTable + ` WHERE pipeline = ?1 AND stream = ?2 AND target = ''`
)

const moveSQL = `UPDATE ` + positionTable + ` SET position = ?5, whole = ?6, updated = CURRENT_TIMESTAMP
WHERE pipeline = ?1 AND stream = ?2 AND target = ?3 AND epoch = ?4`

// claim is a stream's row as it was claimed.
type claim struct {
	epoch    int64
	position weir.Position
	whole    bool
}

// claimStream takes the stream over from whoever had it. A transaction of theirs
// that is open is waited for.
func (s *Sink) claimStream(ctx context.Context, c *conn, stream weir.StreamInfo) (got claim, err error) {
	if err := s.begin(ctx, c); err != nil {
		return got, err
	}
	err = c.exec(createPositions)
	if err == nil {
		err = s.beginAfresh(c)
	}
	if err == nil {
		err = c.each(claimSQL, []any{s.o.Pipeline, stream.ID, s.o.Table}, func(row *stmt) error {
			got = claim{row.int(0), append(weir.Position(nil), row.blob(1)...), row.int(2) != 0}
			return nil
		})
	}
	if err == nil {
		err = s.commit(ctx, c)
	}
	if err != nil {
		_ = rollback(c) // the cause is err
	}
	return got, err
}

// beginAfresh forgets how far earlier runs have come, the first time that a run asks for
// it.
func (s *Sink) beginAfresh(c *conn) error {
	if s.o.Fresh == "" {
		return nil
	}
	n, err := c.run(freshSQL, s.o.Pipeline, noteFresh+s.o.Table, []byte(s.o.Fresh))
	if err != nil || n == 0 {
		return err
	}
	_, err = c.run(forgetSQL, s.o.Pipeline, s.o.Table, noteMade+s.o.Table, notePurged+s.o.Table)
	return err
}

// noteMade notes, in the transaction that is open, that the table was made.
func (s *Sink) noteMade(c *conn) error {
	_, err := c.run(makeNoteSQL, s.o.Pipeline, noteMade+s.o.Table)
	return err
}

// noted reports whether there is a note about the table.
func (s *Sink) noted(c *conn, word string) (is bool, err error) {
	err = c.each(findNoteSQL, []any{s.o.Pipeline, word + s.o.Table}, func(*stmt) error {
		is = true
		return nil
	})
	return is, err
}

// move stores how far the stream has come, in the transaction that is open.
func (s *Sink) move(c *conn, stream weir.StreamInfo, epoch int64, upTo weir.Position, whole bool) error {
	n, err := c.run(moveSQL, s.o.Pipeline, stream.ID, s.o.Table, epoch, []byte(upTo), truth(whole))
	if err != nil {
		return err
	}
	if n != 1 {
		return invalid("another weir has taken this stream over, or its row in %s was removed (%d rows have epoch %d): end one of the two", positionTable, n, epoch)
	}
	return nil
}

// begin begins a transaction that writes.
func (s *Sink) begin(ctx context.Context, c *conn) error {
	return c.wait(ctx, s.o.WaitFor, func() error { return c.exec("BEGIN IMMEDIATE") })
}

// commit ends the transaction.
func (s *Sink) commit(ctx context.Context, c *conn) error {
	return c.wait(ctx, s.o.WaitFor, func() error { return c.exec("COMMIT") })
}

// rollback takes back what the transaction has done, if SQLite has not already.
func rollback(c *conn) error {
	if !c.inTransaction() {
		return nil
	}
	return c.exec("ROLLBACK")
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
