package sqlite

import (
	"context"
	"path/filepath"
	"time"

	"github.com/weirflow/weir"
)

// What is removed is noted first, for its tables.
const (
	purgeWhere   = ` WHERE whole AND target <> '' AND (?1 = '' OR pipeline = ?1) AND unixepoch(updated) <= unixepoch() - ?2`
	notePurgeSQL = `INSERT OR IGNORE INTO ` + positionTable + ` (pipeline, stream, target, position, epoch, whole)
SELECT DISTINCT pipeline, '` + notePurged + `' || target, '', x'', 0, 0 FROM ` + positionTable + purgeWhere
	purgeSQL = `DELETE FROM ` + positionTable + purgeWhere
)

// Purge removes from a database the positions of streams that are whole and were last
// changed longer than age ago, in whole seconds, of one pipeline or, if that is empty, of
// all. It returns how many. It waits for the transaction of another connection for
// DefaultWaitFor.
//
// A run that meets such a stream again goes by its checkpoint: with one that says that
// the stream is whole it does nothing; without checkpoints the stream is written again.
func Purge(ctx context.Context, path, pipeline string, age time.Duration) (int64, error) {
	s := &Sink{o: SinkOptions{Path: filepath.Clean(path)}.withDefaults()}
	n, err := s.purge(ctx, pipeline, int64(age/time.Second))
	if err != nil {
		return 0, &weir.Error{Op: "purge", Node: "sqlite:" + s.o.Path, Err: classify(ctx, err)}
	}
	return n, nil
}

func (s *Sink) purge(ctx context.Context, pipeline string, seconds int64) (n int64, err error) {
	c, err := s.take(ctx)
	if err != nil {
		return 0, err
	}
	defer c.close()
	if err := s.begin(ctx, c); err != nil {
		return 0, err
	}
	err = c.exec(createPositions)
	if err == nil {
		_, err = c.run(notePurgeSQL, pipeline, seconds)
	}
	if err == nil {
		var removed int
		removed, err = c.run(purgeSQL, pipeline, seconds)
		n = int64(removed)
	}
	if err == nil {
		err = s.commit(ctx, c)
	}
	if err != nil {
		_ = rollback(c) // the cause is err
	}
	return n, err
}
