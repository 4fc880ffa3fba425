package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/weirflow/weir"
)

// purgeSQL removes rows of streams that are whole, and notes it for their tables.
const purgeSQL = `WITH gone AS (
	DELETE FROM ` + positionTable + ` WHERE whole AND target <> '' AND ($1 = '' OR pipeline = $1) AND updated <= now() - $2::float8 * interval '1 second'
	RETURNING pipeline, target
), noted AS (
	INSERT INTO ` + positionTable + ` (pipeline, stream, target, position, epoch, whole)
	SELECT DISTINCT pipeline, '` + notePurged + `' || target, '', ''::bytea, 0, false FROM gone ON CONFLICT DO NOTHING
) SELECT count(*) FROM gone`

// Purge removes from the database of a URL the positions of streams that are whole and
// have not changed for as long as age, of one pipeline or, if that is empty, of all. It
// returns how many. It may be called while Writers are in use.
//
// A run that meets such a stream again goes by its checkpoint: with one that says that
// the stream is whole it does nothing; without checkpoints the stream is written again.
func Purge(ctx context.Context, url, pipeline string, age time.Duration) (int64, error) {
	server, _, err := parseAddress(url)
	if err != nil {
		return 0, optionsError(err)
	}
	c, err := server.connect(ctx)
	if err != nil {
		return 0, purgeError(server, err)
	}
	defer c.close()
	var n int64
	err = c.during(ctx, func() error {
		rows, _, err := c.query(ctx, "SELECT to_regclass($1)", positionTable)
		if err != nil || rows[0][0] == nil {
			return err
		}
		rows, _, err = c.query(ctx, purgeSQL, pipeline, strconv.FormatFloat(age.Seconds(), 'f', -1, 64))
		if err == nil {
			n, err = strconv.ParseInt(string(rows[0][0]), 10, 64)
		}
		return err
	})
	if err != nil {
		return 0, purgeError(server, err)
	}
	return n, nil
}

func purgeError(s *server, err error) error {
	return &weir.Error{Op: "purge", Node: s.String(), Err: err}
}
