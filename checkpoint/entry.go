package checkpoint

import (
	"fmt"
	"time"

	"github.com/weirflow/weir"
)

// An Entry is what the store knows of one stream of a job: everything before
// Position is durable in the sink.
type Entry struct {
	// ID is weir.StreamInfo.ID, 1 to MaxText bytes.
	ID string
	// Name is what people call the stream, at most MaxText bytes.
	Name string
	// Checkpoint is where the stream continues; with an empty Position at its
	// beginning.
	weir.Checkpoint
	// Updated is when it was saved. The store sets it.
	Updated time.Time
}

// check reports what the store does not take.
func (e *Entry) check() error {
	problem := func(format string, args ...any) error {
		return invalid("stream %s: %w", show(e.ID[:min(len(e.ID), 100)]), fmt.Errorf(format, args...))
	}
	switch {
	case e.ID == "":
		return invalid("a stream without an ID")
	case len(e.ID) > MaxText:
		return problem("its ID has %d bytes; the limit is %d", len(e.ID), MaxText)
	case len(e.Name) > MaxText:
		return problem("its name has %d bytes; the limit is %d", len(e.Name), MaxText)
	case len(e.Position) > weir.MaxPosition:
		return problem("its position has %d bytes; the limit is %d", len(e.Position), weir.MaxPosition)
	case len(e.Mark) > weir.MaxPosition:
		return problem("its mark has %d bytes; the limit is %d", len(e.Mark), weir.MaxPosition)
	case min(e.Read.Bytes, e.Read.Records, e.Written.Bytes, e.Written.Records) < 0, e.Size < weir.UnknownSize:
		return problem("a negative count: read %v, written %v, size %d", e.Read, e.Written, e.Size)
	}
	return nil
}

// Stream returns what is known of the stream with the given ID of a job; false
// if nothing is, or if there is no such job.
func (s *Store) Stream(job, id string) (Entry, bool, error) {
	e, ok, err := s.stream(job, id)
	if err != nil {
		return Entry{}, false, newError("read", s.path, err)
	}
	return e, ok, nil
}

func (s *Store) stream(job, id string) (Entry, bool, error) {
	number, ok, err := s.number(job)
	if !ok || err != nil {
		return Entry{}, false, err
	}
	b := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(b)
	r, ok, err := s.get(newKey(number, id), b)
	if !ok || err != nil {
		return Entry{}, false, err
	}
	e, err := decodeEntry(r.value)
	switch {
	case err != nil:
		return Entry{}, false, err
	case e.ID != id:
		return Entry{}, false, collision(id, e.ID)
	}
	return e, true, nil
}

// Save stores the entries of a job, all of them or none, and returns when they
// are durable. What a stream had before is replaced, also by a position that is
// further ahead or behind: the caller knows the order of positions, the store
// knows that of its calls. Saves of one stream must therefore not overlap; those
// of different streams may, and then share a sync. It takes at most MaxSave
// entries, and keeps none of them. Once in tens of thousands of entries a Save
// merges the log into the table first, which writes the whole file: with a
// million streams about 200 MB.
//
// Errors: Kind Invalid for an entry that is too large, with ErrNoJob in the
// chain for a job that is not there; nothing is stored then. An error of writing
// or syncing leaves it open what is stored; every later Save of this Store
// returns it too, and a new Open tells. If the disk is full, what was saved
// before is not touched, and a later Save may succeed.
func (s *Store) Save(job string, entries []Entry) error {
	if err := s.save(job, entries); err != nil {
		return newError("save", s.path, err)
	}
	return nil
}

func (s *Store) save(job string, entries []Entry) error {
	if len(entries) > MaxSave {
		return invalid("a Save of %d entries; the limit is %d", len(entries), MaxSave)
	}
	size := int64(len(entries)) * (recordHead + maxNumbers)
	for i := range entries {
		e := &entries[i]
		if err := e.check(); err != nil {
			return err
		}
		size += int64(len(e.ID) + len(e.Name) + len(e.Position) + len(e.Mark))
	}
	number, ok, err := s.number(job)
	switch {
	case err != nil:
		return err
	case !ok:
		return invalid("%w: %s", ErrNoJob, show(job))
	case len(entries) == 0:
		return nil
	}
	now := time.Now()
	return s.commit(&change{
		n:    len(entries),
		size: size,
		record: func(i int, scratch []byte) record {
			e := &entries[i]
			return record{kind: put, key: newKey(number, e.ID), value: appendEntry(scratch[:0], e, now)}
		},
	})
}

// Streams calls yield for each stream of a job that is known now, in an order
// that stays the same, until it returns false. yield may call the store. A job
// that is not there is an error with ErrNoJob in its chain.
func (s *Store) Streams(job string, yield func(Entry) bool) error {
	j, err := s.mustJob(job)
	if err == nil {
		err = s.walk(j.number, func(r record) (bool, error) {
			e, err := decodeEntry(r.value)
			if err != nil {
				return false, err
			}
			return yield(e), nil
		})
	}
	if err != nil {
		return newError("list", s.path, err)
	}
	return nil
}

// RemoveStream forgets a stream: it is read from its beginning if it comes
// again. It is durable when it returns. It reports whether the stream was known.
func (s *Store) RemoveStream(job, id string) (bool, error) {
	known, err := s.removeStream(job, id)
	if err != nil {
		return false, newError("remove", s.path, err)
	}
	return known, nil
}

func (s *Store) removeStream(job, id string) (bool, error) {
	j, err := s.mustJob(job)
	if err != nil {
		return false, err
	}
	if _, known, err := s.stream(job, id); !known || err != nil {
		return false, err
	}
	return true, s.commit(&change{
		n:    1,
		size: recordHead,
		record: func(int, []byte) record {
			return record{kind: removed, key: newKey(j.number, id)}
		},
	})
}
