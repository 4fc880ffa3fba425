package command

import (
	"context"
	"iter"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/checkpoint"
	"github.com/weirflow/weir/cmd/weir/internal/state"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/file"
)

// copyMark is the mark of a followed file that was left out as a copy of another
// one: it has no Writer whose mark it could be.
const copyMark = "copy"

// knownFiles yields what earlier runs knew of files that are followed.
func knownFiles(j *state.Job) iter.Seq[file.KnownFile] {
	return func(yield func(file.KnownFile) bool) {
		// What cannot be read here is an error when a stream is looked up.
		_ = j.Streams(func(e checkpoint.Entry) bool {
			return yield(file.KnownFile{
				ID: e.ID, Name: e.Name, Position: codec.InnerPosition(e.Checkpoint.Position),
				Copy: string(e.Checkpoint.Mark) == copyMark,
			})
		})
	}
}

// keepCopy returns what keeps such files.
func keepCopy(j *state.Job) func(file.KnownFile) error {
	return func(k file.KnownFile) error {
		s := weir.StreamInfo{ID: k.ID, Name: k.Name}
		return j.Save(context.Background(), s, weir.Checkpoint{Position: k.Position, Mark: []byte(copyMark), Whole: true})
	}
}
