package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/weirflow/weir"
)

// resumable is a Writer of a sink that continues what an earlier run began. It
// writes a temporary file as writer does; what it was given before each Flush is
// on the disk under that name, and the checkpoint's mark says how much of it is to
// be kept.
type resumable struct {
	*writer // nil before Resume

	sink   *Sink
	info   weir.StreamInfo
	target string
	named  bool // the temporary file's name is on the disk
}

var _ weir.Resumer = (*resumable)(nil)

// mark is the state of a temporary file. Its text is
//
//	dev=2049,ino=131075,len=1048576,tmp=abc234
type mark struct {
	dev, ino uint64
	length   int64
	random   string // of the name
}

func (m mark) String() string {
	return fmt.Sprintf("dev=%d,ino=%d,len=%d,tmp=%s", m.dev, m.ino, m.length, m.random)
}

// errGone says that neither the temporary file nor what it became is there: somebody
// has moved it away.
var errGone = errors.New("gone")

// isOf reports whether the file at path is the one of the mark, and has at least
// what belongs to it.
func (m mark) isOf(path string) bool {
	st, err := os.Stat(path)
	if err != nil {
		return false
	}
	dev, ino := identity(st)
	return dev == m.dev && ino == m.ino && st.Size() >= m.length
}

func parseMark(text []byte) (mark, error) {
	s := scanner{rest: string(text)}
	m := mark{
		dev:    s.decimal("dev=", 1<<64-1),
		ino:    s.decimal(",ino=", 1<<64-1),
		length: int64(s.decimal(",len=", 1<<63-1)),
		random: s.token(",tmp="),
	}
	if s.failed || s.rest != "" || len(m.random) != tempRandom || strings.Trim(m.random, tempAlpha) != "" {
		return mark{}, invalid("the checkpoint's mark %s is not of a file; start over with --fresh", strconv.Quote(string(text)))
	}
	return m, nil
}

// Resume opens the temporary file of an earlier run and cuts it back to what
// belongs to the checkpoint, or makes a new one.
func (r *resumable) Resume(ctx context.Context, last weir.Checkpoint) (weir.Position, error) {
	if len(last.Mark) == 0 {
		w, err := r.sink.open(ctx, r.info, r.target)
		if err != nil {
			return nil, newError("open", r.info.Name, err)
		}
		r.writer = w.(*writer) // a target that is not regular has no resumable
		return nil, nil
	}
	m, err := parseMark(last.Mark)
	if err == nil {
		err = r.reopen(m, last.Whole)
	}
	if errors.Is(err, errGone) {
		return r.Resume(ctx, weir.Checkpoint{}) // nothing of it is here, so nothing would be there twice
	}
	if err == nil || errors.Is(err, weir.ErrCommitted) {
		return last.Position, err
	}
	return nil, newError("resume", r.info.Name, err)
}

// reopen opens the temporary file that m describes. If it was given its name
// already, that is weir.ErrCommitted.
func (r *resumable) reopen(m mark, whole bool) error {
	target := r.target
	if resolved, err := filepath.EvalSymlinks(target); err == nil {
		target = resolved
	}
	temp := tempName(target, m.random)
	f, err := os.OpenFile(temp, os.O_WRONLY, 0)
	inPlace := false
	if errors.Is(err, fs.ErrNotExist) {
		switch named := m.isOf(target); {
		case named && whole && !r.info.Endless:
			return weir.ErrCommitted
		case named && r.info.Endless: // a drain, or its end, gave it its name, and it goes on
			inPlace, temp = true, target
			f, err = os.OpenFile(target, os.O_WRONLY, 0)
		default:
			return errGone
		}
	}
	if err != nil {
		return pathError(temp, err)
	}
	if err := r.sink.cutBack(f, m.dev, m.ino, m.length); err != nil {
		return err
	}
	r.writer = &writer{
		sink: r.sink, name: r.info.Name, claimed: r.target, target: target, temp: temp, f: f, advice: newAdvisor(f),
		size: r.info.Size, replace: r.sink.o.Force, off: m.length, pushed: m.length, inPlace: inPlace,
	}
	r.named, r.keep = true, true
	return nil
}

// cutBack makes f as long as a mark says, if f is the file that the mark is of. If it
// fails, it closes f.
func (s *Sink) cutBack(f *os.File, markDev, markIno uint64, length int64) error {
	st, err := f.Stat()
	if err == nil {
		if dev, ino := identity(st); dev != markDev || ino != markIno || st.Size() < length {
			err = corrupt("%s is not as an earlier run left it: it has %d bytes of at least %d; start over with --fresh", show(f.Name()), st.Size(), length)
		}
	}
	if err == nil {
		err = s.disk.truncate(f, length)
	}
	if err != nil {
		_ = f.Close() // it was only opened
	}
	return err
}

// Write writes all of b. Without a Resume before it, it begins anew.
func (r *resumable) Write(ctx context.Context, b *weir.Batch) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	return r.writer.Write(ctx, b)
}

// begin makes the temporary file if Resume was not called.
func (r *resumable) begin(ctx context.Context) error {
	if r.writer != nil {
		return nil
	}
	_, err := r.Resume(ctx, weir.Checkpoint{})
	return err
}

// Flush brings what was written to the disk.
func (r *resumable) Flush(ctx context.Context, _ weir.Position) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	w := r.writer
	st, err := w.f.Stat()
	if err == nil && !r.sink.o.NoSync {
		if err = r.sink.disk.sync(w.f); err == nil && !r.named {
			err = r.sink.disk.syncDir(filepath.Dir(w.temp))
			r.named = err == nil
		}
	}
	if err != nil {
		return nil, w.fail("flush", err)
	}
	w.keep = true
	dev, ino := identity(st)
	return []byte(mark{dev, ino, w.off, randomOf(r.sink.o.Job, r.info.ID, 0)}.String()), nil
}

// Commit gives the file its name.
func (r *resumable) Commit(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		r.sink.release(r.target, false)
		return err
	}
	return r.writer.Commit(ctx)
}

// Abort removes what was written, if anything was.
func (r *resumable) Abort(ctx context.Context, cause error) error {
	if r.writer == nil {
		r.sink.release(r.target, false)
		return nil
	}
	return r.writer.Abort(ctx, cause)
}

// Suspend leaves the temporary file for a later run. What is behind the mark of
// the last checkpoint is cut off then.
func (r *resumable) Suspend(_ context.Context, cause error) error {
	w := r.writer
	if w == nil {
		r.sink.release(r.target, errors.Is(cause, weir.ErrCommitted))
		return nil
	}
	if w.ended.Swap(true) {
		return nil
	}
	err := r.sink.disk.close(w.f)
	r.sink.release(w.claimed, false)
	if err != nil {
		return w.fail("suspend", err)
	}
	return nil
}
