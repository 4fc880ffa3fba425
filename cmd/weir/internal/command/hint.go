package command

import (
	"errors"
	"strings"
	"syscall"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/job"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/codec/compress"
	"github.com/weirflow/weir/transform/external"
)

// hint says what to do about an error, if that is known and the error does not
// say it.
func hint(err error) string {
	var panicked *weir.PanicError
	var window *compress.WindowError
	var output *external.NotJSONError
	var room *roomError
	switch {
	case errors.Is(err, job.ErrTimedOut):
		return "raise --timeout, or see at what it spent its time with --progress plain"
	case errors.Is(err, weir.ErrIdle):
		return "raise --idle-timeout, or look why the source has nothing"
	case errors.Is(err, weir.ErrDrainTimeout):
		return "raise --drain-timeout"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		if isFile(err) {
			return "free some space at the destination; nothing was left under the final name"
		}
		return "free some space at the destination"
	case errors.Is(err, syscall.EMFILE):
		return "lower --streams, or raise the limit on open files (ulimit -n)"
	case errors.As(err, &room):
		return room.hint()
	case isTooLarge(err):
		return "raise --memory: a record must fit in what it leaves for data, which 'weir plan' shows"
	case isTooSmall(err):
		return "raise --memory: beside what 'weir plan' shows, the destination and the transforms need some; or lower --batch"
	case errors.As(err, &window):
		return "raise --max-window to what it needs; --memory must have room for twice as much"
	case errors.Is(err, codec.ErrLongHeader):
		return "raise --batch: a header may have a quarter of one, and at most 60KiB"
	case errors.As(err, &output):
		return "text that is no JSON can be written if --exec comes last, with --to lines"
	case errors.Is(err, codec.ErrTooLong):
		return "raise --max-record"
	case errors.As(err, &panicked):
		return "this is a bug in a connector; please report it with the command"
	}
	return ""
}

// isFile reports whether err is about a file that weir wrote.
func isFile(err error) bool {
	var e *weir.Error
	return errors.As(err, &e) && strings.HasPrefix(e.Node, "file ") && !strings.HasPrefix(e.Node, "file /dev/")
}

// isTooLarge reports whether err is about a record that will never fit.
func isTooLarge(err error) bool {
	var e *weir.Error
	return errors.As(err, &e) && e.Op == "lease" && e.Kind == weir.Rejected
}

// isTooSmall reports whether err is about a budget in which a run cannot begin.
func isTooSmall(err error) bool {
	var e *weir.Error
	return errors.As(err, &e) && e.Op == "open" && e.Kind == weir.Invalid && strings.HasPrefix(e.Err.Error(), "the pipeline needs at least")
}

// isOptions reports whether err is about a value that a connector or the engine
// was given.
func isOptions(err error) bool {
	var e *weir.Error
	return errors.As(err, &e) && e.Op == "options" && e.Kind == weir.Invalid
}
