package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/weirflow/weir"
)

// rolledResumer is a rolled whose stream an earlier run of the job may have begun. A
// part goes through these steps, and a crash between any two of them is made good:
//
//  1. It is written under the temporary name of its number. A crash leaves what
//     stands behind the mark in it, which Resume cuts off.
//  2. It ends: it is stored and closed. A crash before the next checkpoint leaves a
//     part that the mark does not know, or knows as the one that is written; Resume
//     removes it or goes on in it, and the source gives the same bytes again.
//  3. Flush stores the names in the directory and returns a mark behind the part. A
//     crash before that is saved is one in step 2.
//  4. The checkpoint is saved, and Committed gives the part its name. A crash before
//     that, or before the next mark tells of it, leaves it to Resume: there is a
//     temporary file to be renamed, or there is none, and it has happened.
//
// So a part is seen only when nothing will be written to it any more, and what is in
// parts that were taken away meanwhile is not written again. What is written after the
// last checkpoint is never seen before the next.
//
// Commit gives all parts their names, behind a checkpoint that covers them. A stream
// that is endless goes on in another part then.
type rolledResumer struct {
	*rolled

	covered int64 // parts before it were stored when Flush was called
	synced  int64 // the names of the temporary files before it are on the disk
}

var (
	_ weir.Resumer   = (*rolledResumer)(nil)
	_ weir.Committer = (*rolledResumer)(nil)
	_ weir.Timely    = (*rolledResumer)(nil)
)

// Resume finishes what an earlier run did with the parts that the checkpoint covers,
// and removes what came after it.
func (r *rolledResumer) Resume(ctx context.Context, last weir.Checkpoint) (weir.Position, error) {
	from, err := r.resume(last)
	if errors.Is(err, errGone) {
		return r.Resume(ctx, weir.Checkpoint{}) // nothing of it is here, so nothing would be there twice
	}
	if err != nil && !errors.Is(err, weir.ErrCommitted) {
		err = newError("resume", r.info.Name, err)
	}
	return from, err
}

func (r *rolledResumer) resume(last weir.Checkpoint) (weir.Position, error) {
	r.kept = true
	if len(last.Mark) == 0 {
		r.goTo(newSeries(r.sink.o.Roll.window(r.sink.now())))
		if err := r.removeAfter(0); err != nil {
			return nil, err
		}
		_, err := r.current()
		return nil, err
	}
	m, err := parseRollMark(last.Mark)
	if err != nil {
		return nil, err
	}
	r.goTo(m.series)
	if err := r.show(m.part, true); err != nil {
		return nil, err
	}
	if err := r.reopen(m, last.Whole); err != nil {
		return nil, err
	}
	made := r.mu.series.part
	if r.mu.part == nil {
		made--
	}
	if err := r.removeAfter(made); err != nil {
		return nil, err
	}
	if err := r.syncDir(); err != nil {
		return nil, pathError(filepath.Dir(r.target), err)
	}
	if last.Whole && r.mu.part == nil {
		return last.Position, weir.ErrCommitted
	}
	return last.Position, nil
}

// goTo makes s the state of the parts.
func (r *rolledResumer) goTo(s series) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.series = s
}

// reopen opens the part that was written, cut back to what the mark says of it.
func (r *rolledResumer) reopen(m rollMark, whole bool) error {
	if m.length == 0 {
		return nil
	}
	temp, path := r.temp(m.part), r.path(m.part)
	if sameFile(temp, path) { // it has two names where there is no better way
		if err := r.sink.disk.remove(temp); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(temp, os.O_WRONLY, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.vanished(m, whole)
	case err != nil:
		return pathError(temp, err)
	}
	if err := r.sink.cutBack(f, m.dev, m.ino, m.length); err != nil {
		return err
	}
	r.synced = m.part + 1
	w := &writer{
		sink: r.sink, name: r.info.Name, claimed: r.target, target: path, temp: temp, f: f, advice: newAdvisor(f),
		size: weir.UnknownSize, replace: r.sink.o.Force, off: m.length, pushed: m.length,
	}
	if !r.install(w) {
		return errors.Join(fs.ErrClosed, f.Close())
	}
	return nil
}

// vanished decides what it means that the part of the mark has no temporary file. A
// Commit gave it its name; it may have been taken away since.
func (r *rolledResumer) vanished(m rollMark, whole bool) error {
	switch {
	case whole, r.info.Endless, m.asMark().isOf(r.path(m.part)):
		next := m.series
		next.part++
		next.public = next.part
		r.goTo(next)
		return nil
	case m.part == 1:
		return errGone
	}
	return corrupt("the file of part %d, %s, is gone, and was never whole; start over with --fresh", m.part, show(r.temp(m.part)))
}

// removeAfter removes the temporary files of the parts after one.
func (r *rolledResumer) removeAfter(part int64) error {
	last := part
	for {
		if _, err := os.Lstat(r.temp(last + 1)); err != nil {
			return r.removeTemps(part+1, last)
		}
		last++
	}
}

// Overdue reports whether the part that is written is full, or its time is over.
func (r *rolledResumer) Overdue() bool { return r.Room() == 0 }

// Flush brings what was written to the disk. A part that is full or whose time is over
// is made whole, unless that is left to a wrapper.
func (r *rolledResumer) Flush(ctx context.Context, _ weir.Position) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if !r.managed && r.Room() == 0 {
		if err := r.End(ctx); err != nil {
			return nil, err
		}
	}
	m := rollMark{series: r.mu.series}
	if w := r.mu.part; w != nil && w.off > 0 {
		st, err := w.f.Stat()
		if err == nil && !r.sink.o.NoSync {
			err = r.sink.disk.sync(w.f)
		}
		if err != nil {
			return nil, w.fail("flush", err)
		}
		m.dev, m.ino = identity(st)
		m.length = w.off
	}
	if next := m.part + 1; r.synced < next {
		if err := r.syncDir(); err != nil {
			return nil, newError("flush", r.info.Name, pathError(filepath.Dir(r.target), err))
		}
		r.synced = next
	}
	r.covered = m.part
	return []byte(m.String()), nil
}

// Committed gives the parts that were whole before the last Flush their names.
func (r *rolledResumer) Committed(context.Context, weir.Position) error {
	if r.covered <= r.mu.public {
		return nil
	}
	err := r.show(r.covered, false)
	if err == nil {
		err = r.syncDir()
	}
	if err != nil {
		return newError("commit", r.info.Name, err)
	}
	return nil
}

// Suspend leaves everything to a later run. What is behind the mark of the last
// checkpoint is cut off or removed then.
func (r *rolledResumer) Suspend(_ context.Context, cause error) error {
	w, ok := r.end()
	if !ok {
		return nil
	}
	var err error
	if w != nil {
		err = r.sink.disk.close(w.f)
	}
	r.sink.release(r.target, errors.Is(cause, weir.ErrCommitted))
	if err != nil {
		return w.fail("suspend", err)
	}
	return nil
}
