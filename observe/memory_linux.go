package observe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// Memory samples the memory of a process. Sampling allocates nothing, so that
// watching does not disturb what is watched. It is safe for concurrent use.
type Memory struct {
	statm *os.File
	mu    struct {
		sync.Mutex
		buf [256]byte
	}
}

// OpenMemory returns a Memory of this process. Close it after use.
func OpenMemory() (*Memory, error) { return openMemory("self") }

// OpenMemoryOf returns a Memory of the process pid. Close it after use.
func OpenMemoryOf(pid int) (*Memory, error) { return openMemory(strconv.Itoa(pid)) }

func openMemory(process string) (*Memory, error) {
	f, err := os.Open("/proc/" + process + "/statm")
	if err != nil {
		return nil, err
	}
	return &Memory{statm: f}, nil
}

// RSS returns the resident set size at this moment, in bytes.
func (m *Memory) RSS() (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.statm.ReadAt(m.mu.buf[:], 0)
	if n == 0 {
		return 0, fmt.Errorf("read %s: %w", m.statm.Name(), err)
	}
	_, resident, _ := bytes.Cut(m.mu.buf[:n], []byte(" "))
	pages, ok := leadingNumber(resident)
	if !ok {
		return 0, fmt.Errorf("%s holds %q; want two numbers of pages", m.statm.Name(), m.mu.buf[:n])
	}
	return pages * int64(os.Getpagesize()), nil
}

// Close ends the sampling.
func (m *Memory) Close() error { return m.statm.Close() }

// PeakRSS returns the highest resident set size since the process began, or
// since ResetPeakRSS, in bytes. The kernel keeps it, so no peak is missed.
func PeakRSS() (int64, error) { return peakRSS("self") }

// PeakRSSOf returns the highest resident set size of the process pid, in bytes.
func PeakRSSOf(pid int) (int64, error) { return peakRSS(strconv.Itoa(pid)) }

func peakRSS(process string) (int64, error) {
	const label = "\nVmHWM:"
	file := "/proc/" + process + "/status"
	status, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	_, value, found := bytes.Cut(status, []byte(label))
	kib, ok := leadingNumber(value)
	if !found || !ok {
		return 0, fmt.Errorf("%s has no VmHWM: %w", file, errors.ErrUnsupported)
	}
	return kib << 10, nil
}

// ResetPeakRSS sets the peak to what is resident now.
func ResetPeakRSS() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// leadingNumber reads the decimal number that b begins with, after blanks.
func leadingNumber(b []byte) (n int64, ok bool) {
	for i, c := range bytes.TrimLeft(b, " \t") {
		if c < '0' || c > '9' {
			return n, i > 0
		}
		n, ok = n*10+int64(c-'0'), true
	}
	return n, ok
}
