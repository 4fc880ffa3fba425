package checkpoint

import (
	"fmt"
	"time"
)

// maxNumber is the last number that a job can get.
const maxNumber = 1<<32 - 3

// maxNumbersKept is of how many jobs the numbers are kept in memory.
const maxNumbersKept = 64

// A Job is a run that can be continued: one source, one sink and what is done in
// between.
type Job struct {
	// ID is the same whenever the same is to be done, such as a hash of source,
	// sink and configuration. It is 1 to MaxText bytes.
	ID string
	// Description is for people, without secrets, and at most MaxText bytes.
	Description string
	// Done says that everything there was has been delivered.
	Done bool
	// Created and Updated are when PutJob was called for it, first and last. The
	// store sets them.
	Created, Updated time.Time
}

// check reports what the store does not take.
func (j *Job) check() error {
	switch {
	case j.ID == "":
		return invalid("a job without an ID")
	case len(j.ID) > MaxText:
		return invalid("an ID of a job has %d bytes; the limit is %d", len(j.ID), MaxText)
	case len(j.Description) > MaxText:
		return invalid("the description of job %s has %d bytes; the limit is %d", show(j.ID), len(j.Description), MaxText)
	}
	return nil
}

// Job returns the job with the given ID; false if there is none.
func (s *Store) Job(id string) (Job, bool, error) {
	j, ok, err := s.job(id)
	if err != nil {
		return Job{}, false, newError("read", s.path, err)
	}
	return j.Job, ok, nil
}

// job is Job with the job's number.
func (s *Store) job(id string) (jobValue, bool, error) {
	b := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(b)
	r, ok, err := s.get(newKey(jobsNumber, id), b)
	if !ok || err != nil {
		return jobValue{}, false, err
	}
	j, err := decodeJob(r.value)
	switch {
	case err != nil:
		return jobValue{}, false, err
	case j.ID != id:
		return jobValue{}, false, collision(id, j.ID)
	}
	return j, true, nil
}

// collision is about two IDs that have the same digest.
func collision(a, b string) error {
	return invalid("the IDs %s and %s cannot be told apart; change one of them", show(a), show(b))
}

// mustJob is job for callers who need it.
func (s *Store) mustJob(id string) (jobValue, error) {
	j, ok, err := s.job(id)
	if err == nil && !ok {
		err = invalid("%w: %s", ErrNoJob, show(id))
	}
	return j, err
}

// number returns the number of the job with the given ID.
func (s *Store) number(id string) (uint32, bool, error) {
	s.mu.RLock()
	number, ok := s.mu.numbers[id]
	removals := s.mu.removals
	s.mu.RUnlock()
	if ok {
		return number, true, nil
	}
	j, ok, err := s.job(id)
	if !ok || err != nil {
		return 0, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if removals != s.mu.removals {
		return j.number, true, nil // it may be gone, and would be known for ever
	}
	if len(s.mu.numbers) >= maxNumbersKept || s.mu.numbers == nil {
		s.mu.numbers = make(map[string]uint32)
	}
	s.mu.numbers[id] = j.number
	return j.number, true, nil
}

// Jobs calls yield for each job that there is now, in an order that stays the
// same, until it returns false. yield may call the store.
func (s *Store) Jobs(yield func(Job) bool) error {
	err := s.walk(jobsNumber, func(r record) (bool, error) {
		j, err := decodeJob(r.value)
		if err != nil {
			return false, err
		}
		return yield(j.Job), nil
	})
	if err != nil {
		return newError("list", s.path, err)
	}
	return nil
}

// PutJob makes the job, or changes the description and Done of the one that has
// its ID; the streams of that one stay. It is durable when it returns.
func (s *Store) PutJob(j Job) error {
	if err := s.putJob(j); err != nil {
		return newError("save", s.path, err)
	}
	return nil
}

func (s *Store) putJob(j Job) error {
	if err := j.check(); err != nil {
		return err
	}
	s.jobs.Lock()
	defer s.jobs.Unlock()
	old, ok, err := s.job(j.ID)
	if err != nil {
		return err
	}
	v := &jobValue{Job: j, number: old.number}
	v.Updated = time.Now()
	v.Created = old.Created
	if !ok {
		v.Created = v.Updated
		if v.number, err = s.takeNumber(); err != nil {
			return err
		}
	}
	return s.commitJob(put, v)
}

// takeNumber returns a number that no job has had as long as something of it is
// in the file.
func (s *Store) takeNumber() (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.next > maxNumber {
		return 0, invalid("the store has had %d jobs and can count no further; use a new state directory", maxNumber)
	}
	s.mu.next++
	return s.mu.next - 1, nil
}

// commitJob writes a record of the job. A removed one has its value too: its
// number must not be used again while its streams are in the file.
func (s *Store) commitJob(kind byte, v *jobValue) error {
	return s.commit(&change{
		n:    1,
		size: recordHead + int64(len(v.ID)+len(v.Description)) + maxNumbers,
		record: func(_ int, scratch []byte) record {
			return record{kind: kind, key: newKey(jobsNumber, v.ID), value: appendJob(scratch[:0], v)}
		},
	})
}

// RemoveJob removes a job and its streams: if it is run again, everything is
// read again. The removal is durable when RemoveJob returns; it takes a time
// that follows the size of what is left, whose file is written anew. A job that
// is not there is an error with ErrNoJob in its chain.
func (s *Store) RemoveJob(id string) error {
	if err := s.removeJob(id); err != nil {
		return newError("remove", s.path, err)
	}
	return nil
}

func (s *Store) removeJob(id string) error {
	s.jobs.Lock()
	defer s.jobs.Unlock()
	v, err := s.mustJob(id)
	if err != nil {
		return err
	}
	err = s.commitJob(removed, &v)
	s.mu.Lock()
	s.mu.removals++
	delete(s.mu.numbers, id)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.writer.Lock()
	defer s.writer.Unlock()
	im := s.mu.image
	if im == nil || s.writer.failure != nil {
		return nil // the next compaction gives the space back
	}
	if err := s.compact(im); err != nil {
		return fmt.Errorf("the job is removed, but its space is still taken: %w", err)
	}
	return nil
}
