package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

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

// Beside the rows of streams there are notes about a table. A note is a row whose target
// is empty, and whose stream is one of these words and the table.
const (
	noteFresh  = "fresh "  // its position names the last run that began afresh
	noteMade   = "made "   // weir has made the table
	notePurged = "purged " // rows of streams that are whole were removed
)

// claimSQL makes the row of a stream, or gives it another epoch, which keeps an older
// Writer from storing anything more. Of a transaction that is just being committed
// it waits for the end, so what it returns is what counts. An epoch is the number of the
// transaction that made it, so that there is none twice, also after the row was removed.
const claimSQL = `INSERT INTO ` + positionTable + ` AS p (pipeline, stream, target, position, epoch, whole)
VALUES ($1, $2, $3, '', txid_current(), false) ON CONFLICT (pipeline, stream, target) DO UPDATE SET epoch = txid_current(), updated = now()
RETURNING epoch, encode(position, 'hex'), whole`

// freshSQL returns a row if the run $4 has not begun afresh yet, and notes that it has.
const freshSQL = `INSERT INTO ` + positionTable + ` AS p (pipeline, stream, target, position, epoch, whole)
VALUES ($1, $2, $3, convert_to($4, 'UTF8'), 0, false) ON CONFLICT (pipeline, stream, target) DO UPDATE SET position = EXCLUDED.position, updated = now()
WHERE p.position <> EXCLUDED.position RETURNING 1`

// forgetSQL removes what is known of a table, but for the note of freshSQL.
const forgetSQL = `DELETE FROM ` + positionTable + ` WHERE pipeline = $1 AND (target = $2 OR target = '' AND stream IN ($3, $4))`

const noteSQL = `SELECT 1 FROM ` + positionTable + ` WHERE pipeline = $1 AND stream = $2 AND target = $3`

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
	err := s.beginAfresh(ctx, c)
	var rows [][][]byte
	if err == nil {
		rows, _, err = c.query(ctx, claimSQL, s.identity(stream)...)
	}
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

// beginAfresh forgets how far earlier runs have come, the first time that a run asks for
// it. Whoever asks at the same time waits.
func (s *Sink) beginAfresh(ctx context.Context, c *conn) error {
	if s.o.Fresh == "" {
		return nil
	}
	rows, _, err := c.query(ctx, freshSQL, append(s.note(noteFresh), s.o.Fresh)...)
	if err != nil || len(rows) == 0 {
		return err
	}
	table := s.relation.plain()
	_, _, err = c.query(ctx, forgetSQL, s.o.Pipeline, table, noteMade+table, notePurged+table)
	return err
}

// note is what a note about the table is found by.
func (s *Sink) note(word string) []string {
	return []string{s.o.Pipeline, word + s.relation.plain(), ""}
}

// noted reports whether there is a note about the table.
func (s *Sink) noted(ctx context.Context, c *conn, word string) (bool, error) {
	rows, _, err := c.query(ctx, noteSQL, s.note(word)...)
	return len(rows) > 0, err
}

// noteMadeSQL notes that the table was made.
func (s *Sink) noteMadeSQL() string {
	values := s.note(noteMade)
	for i, v := range values {
		values[i] = literal(v)
	}
	return "INSERT INTO " + positionTable + " (pipeline, stream, target, position, epoch, whole) VALUES (" +
		strings.Join(values, ", ") + ", '', 0, false) ON CONFLICT DO NOTHING"
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
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case stateExists, stateUniqueRace:
		return nil // somebody else was faster
	case stateNoPermission:
		e.Advice = "how far streams have come is kept with the data: let this user make weir_positions (GRANT CREATE ON SCHEMA), or make it and grant SELECT, INSERT, UPDATE and DELETE on it: " +
			strings.Join(strings.Fields(createPositions), " ")
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
