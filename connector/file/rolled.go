package file

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/weirflow/weir"
)

// rolled is a Writer that divides a stream into files, its parts. Each is written as
// writer does, under a temporary name beside the target.
//
// A part that has ended is stored and closed. It gets its name at once where there are
// no checkpoints; otherwise when a checkpoint covers its end, see rolledResumer.
//
// Only the goroutine that writes, flushes or commits uses what is not in mu, or changes
// what is; Abort may come while it is at it.
type rolled struct {
	sink    *Sink
	info    weir.StreamInfo
	target  string // as it was claimed
	names   partNames
	managed bool // a wrapper ends the parts
	kept    bool // there are checkpoints
	view    weir.Batch

	mu struct {
		sync.Mutex
		ended bool
		part  *writer // nil: the next Write begins one
		series
		made []string // directories made for the stream
	}
}

var (
	_ weir.Writer  = (*rolled)(nil)
	_ weir.Divider = (*rolled)(nil)
	_ weir.Parts   = (*rolled)(nil)
)

// openRolled returns the Writer of a stream whose target is claimed.
func (s *Sink) openRolled(_ context.Context, info weir.StreamInfo, target string) (weir.Writer, error) {
	names, err := newPartNames(target, s.o.Roll, !s.dir)
	if st, missing := os.Stat(target); err == nil && missing == nil && !st.Mode().IsRegular() {
		err = invalid("%s is not a file, and cannot be divided into files; leave out the size and time of parts", show(target))
	}
	r := &rolled{sink: s, info: info, target: target, names: names}
	r.mu.series = newSeries(s.o.Roll.window(s.now()))
	if err == nil && s.o.Job != "" && info.Resumable {
		return &rolledResumer{rolled: r}, nil
	}
	if err == nil {
		_, err = r.current()
	}
	if err != nil {
		s.release(target, false)
		return nil, newError("open", info.Name, err)
	}
	return r, nil
}

// Divide leaves it to a wrapper to end the parts.
func (r *rolled) Divide() weir.Parts {
	r.managed = true
	return r
}

// Room returns how many more bytes belong into the part that is written.
func (r *rolled) Room() int64 {
	size, off := r.sink.o.Roll.Size, r.written()
	switch {
	case off > 0 && r.mu.over(r.sink.o.Roll, r.sink.now):
		return 0
	case size == 0:
		return math.MaxInt64
	case off == 0:
		return size
	}
	return max(0, size-off)
}

// Begun reports whether anything is in the part that is written.
func (r *rolled) Begun() bool { return r.written() > 0 }

func (r *rolled) written() int64 {
	if r.mu.part == nil {
		return 0
	}
	return r.mu.part.off
}

// Write writes all of b, to several parts unless a wrapper ends them.
func (r *rolled) Write(ctx context.Context, b *weir.Batch) error {
	if r.managed || int64(b.Len()) <= r.Room() {
		return r.write(ctx, b)
	}
	for from := 0; from < b.Len(); {
		if r.Room() == 0 {
			if err := r.End(ctx); err != nil {
				return err
			}
		}
		to := b.Cut(from, r.Room())
		b.View(&r.view, from, to)
		if err := r.write(ctx, &r.view); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// write writes all of b to one part.
func (r *rolled) write(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w, err := r.current()
	if err != nil {
		return newError("write", r.info.Name, err)
	}
	return w.Write(ctx, b)
}

// current returns the part that is written, or begins it. One with nothing in it
// belongs to the window of what comes now.
func (r *rolled) current() (*writer, error) {
	late := r.mu.over(r.sink.o.Roll, r.sink.now)
	if w := r.mu.part; w != nil {
		if w.off > 0 || !late {
			return w, nil
		}
		if err := r.forget(w); err != nil {
			return nil, err
		}
	}
	if late {
		window := r.sink.o.Roll.window(r.sink.now())
		r.mu.Lock()
		r.mu.enter(window)
		r.mu.Unlock()
	}
	w, err := r.begin()
	if err != nil {
		return nil, err
	}
	if !r.install(w) {
		return nil, errors.Join(fs.ErrClosed, w.discard())
	}
	return w, nil
}

// install makes w the part that is written. It reports false if the stream was given
// up meanwhile.
func (r *rolled) install(w *writer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.ended {
		return false
	}
	r.mu.made = append(r.mu.made, w.made...)
	r.mu.part, w.made = w, nil
	return true
}

// begin makes the temporary file of the next part.
func (r *rolled) begin() (*writer, error) {
	path := r.path(r.mu.series.part)
	old, err := r.replaceable(path)
	if err != nil {
		return nil, err
	}
	w := &writer{sink: r.sink, name: r.info.Name, claimed: r.target, target: path, size: weir.UnknownSize, replace: r.sink.o.Force}
	if size := r.sink.o.Roll.Size; size > 0 {
		w.size = size
	}
	err = r.sink.makeTemp(w, old, func(perm fs.FileMode) (*os.File, error) {
		if r.sink.o.Job == "" || !r.info.Resumable {
			return createTemp(r.target, perm)
		}
		return createNamed(r.temp(r.mu.series.part), perm)
	})
	return w, err
}

// replaceable describes the file that has the name of a part, if there is one and it
// may be replaced.
func (r *rolled) replaceable(path string) (fs.FileInfo, error) {
	old, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, pathError(path, err)
	case !old.Mode().IsRegular():
		return nil, invalid("%s is there and not a file; remove it, or choose another target", show(path))
	case isRead(r.info, path, old):
		return nil, invalid("%s is the file that is read; choose another target", show(path))
	case !r.sink.o.Force:
		return nil, r.sink.exists(path)
	}
	return old, nil
}

// path returns the name of a part.
func (r *rolled) path(part int64) string { return r.names.path(r.mu.place(part)) }

// temp returns the name that a part of a job has before.
func (r *rolled) temp(part int64) string {
	return tempName(r.target, randomOf(r.sink.o.Job, r.info.ID, part))
}

// End makes the part that is written whole. Without checkpoints it gets its name.
func (r *rolled) End(ctx context.Context) error {
	w := r.mu.part
	if w == nil {
		return nil
	}
	if err := w.store(ctx); err != nil {
		return w.fail("write", err)
	}
	if !r.kept {
		if err := r.publish(w.temp, w.target, false); err != nil {
			return w.fail("write", err)
		}
		if err := r.syncDir(); err != nil {
			return w.fail("write", err)
		}
	}
	return r.next()
}

// next notes that the part that was written is whole.
func (r *rolled) next() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.ended {
		return newError("write", r.info.Name, fs.ErrClosed)
	}
	r.mu.part = nil
	r.mu.series.part++
	if !r.kept {
		r.mu.public = r.mu.series.part
	}
	return nil
}

// publish gives a part its name. again says that this may have happened before.
func (r *rolled) publish(temp, path string, again bool) error {
	rename := r.sink.disk.renameNew
	if r.sink.o.Force {
		rename = r.sink.disk.rename
	}
	err := rename(temp, path)
	switch {
	case errors.Is(err, fs.ErrExist) && sameFile(temp, path):
		return r.sink.disk.remove(temp) // it has two names where there is no better way
	case errors.Is(err, fs.ErrExist):
		return invalid("%w: somebody made it meanwhile; use --force to replace it, or choose another target", fs.ErrExist)
	case errors.Is(err, fs.ErrNotExist) && again:
		return nil
	}
	return err
}

func sameFile(a, b string) bool {
	first, err := os.Lstat(a)
	if err != nil {
		return false
	}
	second, err := os.Lstat(b)
	return err == nil && os.SameFile(first, second)
}

// syncDir makes the names of parts durable.
func (r *rolled) syncDir() error {
	if r.sink.o.NoSync {
		return nil
	}
	return r.sink.disk.syncDir(filepath.Dir(r.target))
}

// end claims the ending, and reports false if there was one before.
func (r *rolled) end() (w *writer, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ok = !r.mu.ended
	r.mu.ended = true
	return r.mu.part, ok
}
