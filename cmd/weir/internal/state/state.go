// Package state keeps how far jobs have come, so that the same command continues
// where it stopped.
//
// A job is a command: the same sources, destination and treatment of what is in
// them. Each has a directory of its own below the state directory, named by a hash
// of that, with one store of checkpoints in it, which is locked while the job
// runs. It is made when the first checkpoint is stored.
package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/checkpoint"
)

// None as a directory says that no state is kept.
const None = "none"

// Dir returns the state directory: what the user said, or else the usual place;
// empty if there is none.
func Dir(said string, getenv func(string) string) string {
	switch xdg, home := getenv("XDG_STATE_HOME"), getenv("HOME"); {
	case said == None:
		return ""
	case said != "":
		return said
	case getenv("WEIR_STATE") == None:
		return ""
	case getenv("WEIR_STATE") != "":
		return getenv("WEIR_STATE")
	case filepath.IsAbs(xdg):
		return filepath.Join(xdg, "weir")
	case filepath.IsAbs(home):
		return filepath.Join(home, ".local", "state", "weir")
	}
	return ""
}

// ID returns the name of the job that the parts make, in their order.
func ID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // a Hash's Write never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Job is how far one job has come: a weir.Checkpoints.
type Job struct {
	dir         string
	id          string
	description string

	mu    sync.Mutex
	store *checkpoint.Store // nil: nothing is stored yet
	found bool              // an earlier run has stored something
}

var _ weir.Checkpoints = (*Job)(nil)

// Open opens what earlier runs of the job have stored below dir, if they have.
// With fresh, that is removed. A job that runs already is an error, and so is a
// store that is damaged.
func Open(dir, id, description string, fresh bool) (*Job, error) {
	j := &Job{dir: filepath.Join(dir, id), id: id, description: description}
	if _, err := os.Stat(j.dir); errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err := j.open(); err != nil {
		if fresh && weir.KindOf(err) == weir.Corrupt {
			return j, os.RemoveAll(j.dir)
		}
		return nil, err
	}
	if !fresh {
		_, j.found, _ = j.store.Job(id)
		return j, nil
	}
	err := errors.Join(j.store.Close(), os.RemoveAll(j.dir))
	j.store = nil
	return j, err
}

func (j *Job) open() error {
	s, err := checkpoint.Open(j.dir, checkpoint.Options{})
	if errors.Is(err, checkpoint.ErrLocked) {
		return fmt.Errorf("this job is running already: %w; wait for it, or keep another state with --state DIR", err)
	}
	j.store = s
	return err
}

// Finished reports whether an earlier run has brought the job to its end.
func (j *Job) Finished() bool {
	if j.store == nil {
		return false
	}
	known, ok, err := j.store.Job(j.id)
	return ok && err == nil && known.Done
}

// Continues reports whether an earlier run has stored something.
func (j *Job) Continues() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.found
}

// Load implements weir.Checkpoints.
func (j *Job) Load(_ context.Context, s weir.StreamInfo) (weir.Checkpoint, bool, error) {
	j.mu.Lock()
	store := j.store
	j.mu.Unlock()
	if store == nil {
		return weir.Checkpoint{}, false, nil
	}
	e, ok, err := store.Stream(j.id, s.ID)
	return e.Checkpoint, ok, err
}

// Streams calls yield for each stream that earlier runs have stored, until it
// returns false. yield must not call j.
func (j *Job) Streams(yield func(checkpoint.Entry) bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.found {
		return nil
	}
	return j.store.Streams(j.id, yield)
}

// Save implements weir.Checkpoints.
func (j *Job) Save(_ context.Context, s weir.StreamInfo, c weir.Checkpoint) error {
	store, err := j.made()
	if err != nil {
		return err
	}
	return store.Save(j.id, []checkpoint.Entry{{ID: s.ID, Name: s.Name, Checkpoint: c}})
}

// made returns the store, which is made if there is none.
func (j *Job) made() (*checkpoint.Store, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.store == nil {
		if err := j.open(); err != nil {
			return nil, err
		}
	}
	if !j.found {
		if err := j.store.PutJob(checkpoint.Job{ID: j.id, Description: j.description}); err != nil {
			return nil, err
		}
		j.found = true
	}
	return j.store, nil
}

// Done notes that the job has come to its end.
func (j *Job) Done() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.store == nil {
		return nil
	}
	return j.store.PutJob(checkpoint.Job{ID: j.id, Description: j.description, Done: true})
}

// Close gives the state directory back.
func (j *Job) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.store == nil {
		return nil
	}
	return j.store.Close()
}

// List calls yield for each job below dir with its store, which is open to look
// only, until it returns false. Damaged ones are given to damaged.
func List(dir string, yield func(id string, s *checkpoint.Store) bool, damaged func(id string, err error)) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		s, err := checkpoint.Open(filepath.Join(dir, e.Name()), checkpoint.Options{ReadOnly: true})
		if errors.Is(err, checkpoint.ErrNoStore) {
			continue
		}
		if err != nil {
			damaged(e.Name(), err)
			continue
		}
		more := yield(e.Name(), s)
		if err := s.Close(); err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
	return nil
}
