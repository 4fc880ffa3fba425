package observe_test

import (
	"errors"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/weirflow/weir/observe"
)

// touch makes n bytes resident.
func touch(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 4096 {
		b[i] = 1
	}
	return b
}

func TestRSSSeesMemoryThatWasTouched(t *testing.T) {
	m, err := observe.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	before, err := m.RSS()
	if err != nil || before <= 0 {
		t.Fatalf("RSS = %d, %v", before, err)
	}
	const size = 64 << 20
	b := touch(size)
	after, err := m.RSS()
	runtime.KeepAlive(b)
	if err != nil || after-before < size*9/10 {
		t.Errorf("RSS grew by %d bytes, %v; want about %d", after-before, err, size)
	}
	if allocs := testing.AllocsPerRun(100, func() { _, _ = m.RSS() }); runtime.GOOS == "linux" && allocs != 0 {
		t.Errorf("RSS allocates %v times; want 0", allocs)
	}
}

func TestPeakRSSIsAtLeastRSSAndCanBeReset(t *testing.T) {
	peak, err := observe.PeakRSS()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	m, openErr := observe.OpenMemory()
	if err := errors.Join(err, openErr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	b := touch(32 << 20)
	high, err := observe.PeakRSS()
	runtime.KeepAlive(b)
	if err != nil || high < peak {
		t.Errorf("PeakRSS = %d, %v; want at least %d", high, err, peak)
	}
	debug.FreeOSMemory()
	if err := observe.ResetPeakRSS(); err != nil {
		t.Skipf("the peak cannot be reset here: %v", err)
	}
	if now, err := observe.PeakRSS(); err != nil || now > high-16<<20 {
		t.Errorf("PeakRSS after a reset = %d, %v; want well below %d", now, err, high)
	}
}
