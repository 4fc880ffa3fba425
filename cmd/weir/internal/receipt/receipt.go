// Package receipt writes what a transfer did as a file: a ledger that balances,
// the guarantee that held, and for each stream the checksums of what was read from
// its origin and of what was given to its destination.
package receipt

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/weirflow/weir"
)

// Summary is what is known when a transfer has ended.
type Summary struct {
	Version     string         `json:"version"`
	Sources     []string       `json:"sources"`
	Destination string         `json:"destination"`
	Began       time.Time      `json:"began"`
	Ended       time.Time      `json:"ended"`
	Status      string         `json:"status"`
	Error       string         `json:"error,omitempty"`
	Guarantee   weir.Guarantee `json:"guarantee"`
	Ledger      Ledger         `json:"ledger"`
	MemoryCap   int64          `json:"memory_cap_bytes"`
	MemoryPeak  int64          `json:"memory_peak_bytes"`
}

// Ledger is the balance of a transfer: read + added = delivered + filtered +
// skipped + dead-lettered + undelivered, in records. Resumed is what earlier runs
// had read, and not part of it.
type Ledger struct {
	Read         weir.Count `json:"read"`
	Added        weir.Count `json:"added"`
	Delivered    weir.Count `json:"delivered"`
	Acknowledged weir.Count `json:"acknowledged"`
	Filtered     weir.Count `json:"filtered"`
	Skipped      weir.Count `json:"skipped"`
	DeadLettered weir.Count `json:"dead_lettered"`
	Undelivered  weir.Count `json:"undelivered"`
	Resumed      weir.Count `json:"resumed"`
	Balances     bool       `json:"balances"`
}

// LedgerOf takes the balance from what a run counted.
func LedgerOf(s weir.Stats) Ledger {
	l := Ledger{
		Read: s.Read, Added: s.Added, Delivered: s.Written, Acknowledged: s.Acknowledged, Filtered: s.Filtered,
		Skipped: s.Skipped, DeadLettered: s.DeadLettered, Undelivered: s.Undelivered, Resumed: s.Resumed,
	}
	l.Balances = s.Read.Records+s.Added.Records == s.Written.Records+s.Filtered.Records+
		s.Skipped.Records+s.DeadLettered.Records+s.Undelivered.Records
	return l
}

// Stream is the part of a receipt about one stream.
type Stream struct {
	Name    string `json:"name"`
	ID      string `json:"id"`
	Read    *Sum   `json:"read"`    // from its origin, before decompression
	Written *Sum   `json:"written"` // to its destination, after compression
	Status  string `json:"status"`  // "committed", "aborted", "suspended", "not begun"
}

// Sum is an amount of bytes and their checksum. A stream that was continued has
// none of its whole: the checksum is of this run's part then.
type Sum struct {
	Bytes   int64  `json:"bytes"`
	XXH3    string `json:"xxh3"`
	Resumed bool   `json:"resumed,omitempty"` // this run's part alone
}

// Recorder writes a receipt. Its methods are safe for concurrent use.
type Recorder struct {
	path, temp string

	mu struct {
		sync.Mutex
		f     *os.File
		w     *bufio.Writer
		n     int
		err   error
		begun map[string]*Stream // by ID: streams whose Writer has ended, until they are closed
	}
}

// Create begins a receipt at path. It appears there when Finish is called.
func Create(path string) (*Recorder, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".weir-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("--receipt %s: %w", path, reason(err))
	}
	r := &Recorder{path: path, temp: f.Name()}
	r.mu.f, r.mu.w, r.mu.begun = f, bufio.NewWriterSize(f, 16<<10), map[string]*Stream{}
	_, r.mu.err = r.mu.w.WriteString(`{"streams":[`)
	return r, nil
}

// reason returns what the operating system said, without the temporary name.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// add writes the part about one stream.
func (r *Recorder) add(s *Stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, err := json.Marshal(s)
	if err == nil && r.mu.n > 0 {
		err = r.mu.w.WriteByte(',')
	}
	if err == nil {
		_, err = r.mu.w.Write(append([]byte{'\n'}, text...))
	}
	r.mu.n++
	r.mu.err = errors.Join(r.mu.err, err)
}

// written notes what a Writer was given.
func (r *Recorder) written(id string, sum *Sum, status string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.begun[id] = &Stream{Written: sum, Status: status}
}

// take returns what was noted of a stream, for its part.
func (r *Recorder) take(id string) *Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.mu.begun[id]
	delete(r.mu.begun, id)
	if s == nil {
		s = &Stream{Status: "not begun"}
	}
	return s
}

// Finish writes the summary and gives the receipt its name.
func (r *Recorder) Finish(s Summary) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, err := json.Marshal(s)
	if err == nil {
		_, err = fmt.Fprintf(r.mu.w, "\n],\n%s\n", text[1:])
	}
	err = errors.Join(r.mu.err, err, r.mu.w.Flush(), r.mu.f.Sync(), r.mu.f.Close())
	if err == nil {
		err = os.Rename(r.temp, r.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("--receipt %s: %w", r.path, reason(err)), os.Remove(r.temp))
	}
	return nil
}

// Discard removes what was begun.
func (r *Recorder) Discard() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.mu.f.Close(), os.Remove(r.temp))
}
