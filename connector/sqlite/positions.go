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

// claimSQL makes the row of a stream, or raises its epoch, which keeps an older
// Writer from storing anything more.
const claimSQL = `INSERT INTO ` + positionTable + ` (pipeline, stream, target, position, epoch, whole)
VALUES (?1, ?2, ?3, x'', 1, 0) ON CONFLICT (pipeline, stream, target) DO UPDATE SET epoch = epoch + 1, updated = CURRENT_TIMESTAMP,
	position = iif(?4, x'', position), whole = whole AND NOT ?4
RETURNING epoch, position, whole`

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
		args := []any{s.o.Pipeline, stream.ID, s.o.Table, truth(s.o.Fresh)}
		err = c.each(claimSQL, args, func(row *stmt) error {
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
