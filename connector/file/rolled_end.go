package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/weirflow/weir"
)

// Commit makes the last part whole and gives every part its name. A stream without
// content has one part, which is empty, unless it is endless.
func (r *rolled) Commit(ctx context.Context) error {
	if r.mu.part == nil && r.mu.series.part == 1 && !r.info.Endless {
		if _, err := r.current(); err != nil {
			r.end()
			r.sink.release(r.target, false)
			return newError("commit", r.info.Name, err)
		}
	}
	w, ok := r.end()
	if !ok {
		return newError("commit", r.info.Name, fs.ErrClosed)
	}
	err := r.commit(ctx, w)
	if err != nil && w != nil {
		if r.kept {
			_ = w.f.Close() // closed already, or of no use to this run
		} else {
			err = errors.Join(err, r.discard(w))
		}
	}
	done := err == nil
	if done {
		// The files have their names, so nothing is cleaned up if this fails.
		if err = r.syncDir(); err != nil {
			err = fmt.Errorf("%w: it is in place, but may be gone after a power failure: %w", weir.ErrUnknown, err)
		}
	}
	r.sink.release(r.target, done)
	if err != nil {
		return newError("commit", r.info.Name, pathError(r.target, err))
	}
	return nil
}

// commit does what can be undone of Commit, and the names.
func (r *rolled) commit(ctx context.Context, w *writer) error {
	switch {
	case w == nil:
	case w.off == 0 && (r.mu.series.part > 1 || r.info.Endless):
		if err := r.discard(w); err != nil {
			return err
		}
	default:
		if err := w.store(ctx); err != nil {
			return err
		}
		if !r.kept {
			if err := r.publish(w.temp, w.target, false); err != nil {
				return err
			}
		}
		r.advance()
	}
	if r.kept {
		if err := r.show(r.mu.series.part, false); err != nil {
			return err
		}
	}
	return r.removeRest()
}

// advance goes on to the next part.
func (r *rolled) advance() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.series.part++
}

// show gives the parts before upTo their names. again says that this may have
// happened before.
func (r *rolled) show(upTo int64, again bool) error {
	for part := r.mu.public; part < upTo; part++ {
		path := r.path(part)
		if err := r.publish(r.temp(part), path, again); err != nil {
			return pathError(path, err)
		}
		r.mu.Lock()
		r.mu.public = part + 1
		r.mu.Unlock()
	}
	return nil
}

// removeRest removes what a longer stream left under the names of further parts, if
// these may be replaced: it is not a part of this stream.
func (r *rolled) removeRest() error {
	if !r.sink.o.Force || r.info.Endless || r.sink.o.Roll.Every > 0 {
		return nil
	}
	for part := r.mu.series.part; ; part++ {
		err := r.sink.disk.remove(r.path(part))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return pathError(r.path(part), err)
		}
	}
}

// Abort removes the parts that have no names. Those that have stay.
func (r *rolled) Abort(context.Context, error) error {
	w, ok := r.end()
	if !ok {
		return nil
	}
	err := r.discard(w)
	r.sink.release(r.target, false)
	if err != nil {
		return newError("abort", r.info.Name, pathError(r.target, err))
	}
	return nil
}

// forget removes a part with nothing in it, in place of which another one is begun.
func (r *rolled) forget(w *writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.ended {
		return fs.ErrClosed
	}
	r.mu.part = nil
	return w.discard()
}

// discard removes w, if it is not nil, every part that has no name, and directories
// that are empty then.
func (r *rolled) discard(w *writer) error {
	var errs []error
	if w != nil {
		errs = append(errs, w.discard())
	}
	r.mu.Lock()
	last, public, made := r.mu.series.part-1, r.mu.public, r.mu.made
	r.mu.Unlock()
	if r.kept {
		errs = append(errs, r.removeTemps(public, last))
	}
	if len(made) > 0 {
		r.sink.dirs.Lock()
		r.sink.removeDirs(made)
		r.sink.dirs.Unlock()
	}
	return errors.Join(errs...)
}

// removeTemps removes the temporary files of parts, the last first: what is left if it
// is interrupted has no gaps.
func (r *rolled) removeTemps(first, last int64) error {
	for part := last; part >= first; part-- {
		temp := r.temp(part)
		if err := r.sink.disk.remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove %s: %w; remove it", show(temp), cause(err))
		}
	}
	return nil
}
