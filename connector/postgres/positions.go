package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/weirflow/weir"
)

// positionTable is where the positions of streams are, in the schema that comes
// first in the search path. Its rows are changed in the transactions that store the
// records.
const positionTable = "weir_positions"

const createPositions = `CREATE TABLE IF NOT EXISTS ` + positionTable + ` (
	pipeline text NOT NULL,
	stream text NOT NULL,
	target text NOT NULL,
	position bytea NOT NULL,
	epoch bigint NOT NULL,
	whole boolean NOT NULL,
	updated timestamp with time zone NOT NULL DEFAULT now(),
	PRIMARY KEY (pipeline, stream, target)
) WITH (fillfactor = 50)`

// claimSQL makes the row of a stream, or raises its epoch, which keeps an older
// Writer from storing anything more. Of a transaction that is just being committed
// it waits for the end, so what it returns is what counts.
const claimSQL = `INSERT INTO ` + positionTable + ` AS p (pipeline, stream, target, position, epoch, whole)
VALUES ($1, $2, $3, '', 1, false) ON CONFLICT (pipeline, stream, target) DO UPDATE SET epoch = p.epoch + 1, updated = now(),
	position = CASE WHEN $4 = 'fresh' THEN '' ELSE p.position END, whole = p.whole AND $4 <> 'fresh'
RETURNING epoch, encode(position, 'hex'), whole`

const moveSQL = `UPDATE ` + positionTable + ` SET position = decode($5, 'hex'), whole = $6 = 'whole', updated = now()
WHERE pipeline = $1 AND stream = $2 AND target = $3 AND epoch = $4::bigint`

// lockWait bounds the wait for a Writer of the same stream that is being ended, in
// the server's notation.
const lockWait = "30s"

// claim is a stream's row as it was claimed.
type claim struct {
	epoch    string
	position weir.Position
	whole    bool
}

// identity is what a stream's row is found by.
func (s *Sink) identity(stream weir.StreamInfo) []string {
	return []string{s.o.Pipeline, stream.ID, s.relation.plain()}
}

// claimStream takes the stream over from whoever had it.
func (s *Sink) claimStream(ctx context.Context, c *conn, stream weir.StreamInfo) (claim, error) {
	if err := s.ensurePositions(ctx, c); err != nil {
		return claim{}, err
	}
	if _, err := c.exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '"+lockWait+"'"); err != nil {
		return claim{}, err
	}
	mode := "go on"
	if s.o.Fresh {
		mode = "fresh"
	}
	rows, _, err := c.query(ctx, claimSQL, append(s.identity(stream), mode)...)
	if err == nil {
		_, err = c.exec(ctx, "COMMIT")
	}
	if err != nil {
		c.broken.Store(true) // its transaction is still open
		return claim{}, err
	}
	position, err := hex.DecodeString(string(rows[0][1]))
	if err != nil {
		return claim{}, err
	}
	return claim{string(rows[0][0]), position, string(rows[0][2]) == "t"}, nil
}

// ensurePositions makes the table of positions. It asks first: who may write the
// table need not be allowed to make one.
func (s *Sink) ensurePositions(ctx context.Context, c *conn) error {
	rows, _, err := c.query(ctx, "SELECT to_regclass($1)", positionTable)
	if err != nil || rows[0][0] != nil {
		return err
	}
	_, err = c.exec(ctx, createPositions)
	var e *ServerError
	if errors.As(err, &e) && (e.Code == stateExists || e.Code == stateUniqueRace) {
		return nil // somebody else was faster
	}
	return err
}

// move stores how far the stream has come. It is part of the transaction that is
// open, or one of its own.
func (s *Sink) move(ctx context.Context, c *conn, stream weir.StreamInfo, epoch string, upTo weir.Position, whole bool) error {
	state := "not whole"
	if whole {
		state = "whole"
	}
	_, tag, err := c.query(ctx, moveSQL, append(s.identity(stream), epoch, hex.EncodeToString(upTo), state)...)
	if err != nil {
		return err
	}
	if n := tag.RowsAffected(); n != 1 {
		return invalid("another weir has taken this stream over, or its row in %s was removed (%s rows have epoch %s): end one of the two",
			positionTable, strconv.FormatInt(n, 10), epoch)
	}
	return nil
}
