//go:build !linux

package observe

import (
	"errors"
	"runtime/metrics"
	"sync"
)

// Memory samples the memory of this process. It is safe for concurrent use.
type Memory struct {
	mu struct {
		sync.Mutex
		samples []metrics.Sample
	}
}

// OpenMemory returns a Memory of this process. Close it after use.
func OpenMemory() (*Memory, error) {
	m := &Memory{}
	m.mu.samples = []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	return m, nil
}

// OpenMemoryOf fails: the memory of other processes is not known on this system.
func OpenMemoryOf(int) (*Memory, error) { return nil, errors.ErrUnsupported }

// RSS returns what the Go runtime holds of the system's memory, in bytes:
// memory outside the Go heap is not part of it.
func (m *Memory) RSS() (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	metrics.Read(m.mu.samples)
	return int64(m.mu.samples[0].Value.Uint64() - m.mu.samples[1].Value.Uint64()), nil
}

// Close ends the sampling.
func (m *Memory) Close() error { return nil }

// PeakRSS is not known on this system.
func PeakRSS() (int64, error) { return 0, errors.ErrUnsupported }

// PeakRSSOf is not known on this system.
func PeakRSSOf(int) (int64, error) { return 0, errors.ErrUnsupported }

// ResetPeakRSS is not possible on this system.
func ResetPeakRSS() error { return errors.ErrUnsupported }
