package arena

import (
	"bytes"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

const canMap = true

// resident returns the process's resident bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	pages, err := strconv.ParseInt(string(bytes.Fields(statm)[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

func mappedPool(limit int64) *Pool {
	p := New(limit, false)
	p.mapped = true
	return p
}

const residentSlack = 24 * mib // the rest of the process moves too

func TestResidentMemoryFollowsTheStatistics(t *testing.T) {
	p := mappedPool(128 * mib)
	debug.FreeOSMemory()
	before := resident(t)
	var arenas []*Arena
	for range 128 {
		a := mustGet(t, p, mib)
		touch(a.Mem)
		arenas = append(arenas, a)
	}
	if grown := resident(t) - before; grown < 128*mib-residentSlack {
		t.Errorf("128 MiB touched, %d MiB resident", grown/mib)
	}
	for _, a := range arenas {
		p.Put(a)
	}
	if got := p.Trim(0); got != 128*mib {
		t.Errorf("Trim gave back %d bytes", got)
	}
	if grown := resident(t) - before; grown > residentSlack {
		t.Errorf("%d MiB still resident after Trim", grown/mib)
	}
}

func TestResidentMemoryStaysUnderTheLimitAcrossSizes(t *testing.T) {
	const limit = 64 * mib
	p := mappedPool(limit)
	debug.FreeOSMemory()
	before := resident(t)
	for _, size := range []int{mib, 64 * kib, 256 * kib, 48 * mib, 3 * mib, 64 * mib, 128 * kib} {
		var arenas []*Arena
		for sum := 0; sum+size <= limit; sum += size {
			a := mustGet(t, p, size)
			touch(a.Mem)
			arenas = append(arenas, a)
		}
		if grown := resident(t) - before; grown > limit+residentSlack {
			t.Errorf("arenas of %d bytes: %d MiB resident, limit 64", size, grown/mib)
		}
		for _, a := range arenas {
			p.Put(a)
		}
		checkLists(t, p)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if grown := resident(t) - before; grown > residentSlack {
		t.Errorf("%d MiB still resident after Close", grown/mib)
	}
}

// An arena must not become resident by more than what is touched.
func TestTouchingAPageDoesNotMakeAHugePageResident(t *testing.T) {
	p := mappedPool(256 * mib)
	debug.FreeOSMemory()
	before := resident(t)
	a := mustGet(t, p, 256*mib)
	for i := 0; i < len(a.Mem); i += 2 * mib {
		a.Mem[i] = 1
	}
	if grown := resident(t) - before; grown > residentSlack {
		t.Errorf("128 pages touched, %d MiB resident", grown/mib)
	}
	p.Put(a)
}

// flagsOf returns the kernel's flags of the mapping that mem begins in.
func flagsOf(t *testing.T, mem []byte) []string {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	address := uint64(uintptr(unsafe.Pointer(&mem[0])))
	within := false
	for line := range strings.Lines(string(smaps)) {
		first, rest, _ := strings.Cut(line, " ")
		from, to, found := strings.Cut(first, "-")
		low, errLow := strconv.ParseUint(from, 16, 64)
		high, errHigh := strconv.ParseUint(to, 16, 64)
		switch {
		case found && errLow == nil && errHigh == nil:
			within = low <= address && address < high
		case within && first == "VmFlags:":
			return strings.Fields(rest)
		}
	}
	t.Skip("the kernel does not tell the flags of mappings")
	return nil
}

func TestMappingsAreKeptFromHugePagesAndChildren(t *testing.T) {
	p := mappedPool(mib)
	a := mustGet(t, p, mib)
	flags := flagsOf(t, a.Mem)
	if !slices.Contains(flags, "dc") {
		t.Errorf("a child process would inherit the mapping: %v", flags)
	}
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err == nil && !slices.Contains(flags, "nh") {
		t.Errorf("the mapping may get huge pages: %v", flags)
	}
	p.Put(a)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestSystemWithoutMemoryIsAnErrorAndLeavesThePoolAsItWas(t *testing.T) {
	if strconv.IntSize < 64 {
		t.Skip("needs 64 bits")
	}
	tooMuch := int64(1) << 46 // half of the addresses that a process has
	p := mappedPool(4 * tooMuch)
	var arenas []*Arena
	var err error
	for range 4 {
		var a *Arena
		if a, err = p.Get(int(tooMuch)); err != nil {
			break
		}
		arenas = append(arenas, a)
	}
	if err == nil {
		t.Skip("the system has that much")
	}
	checkLists(t, p)
	if st := p.Stats(); st.LeasedArenas != len(arenas) {
		t.Errorf("%+v", st)
	}
	for _, a := range arenas {
		p.Put(a)
	}
	p.Put(mustGet(t, p, mib))
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatShrinkTakesAwayIsNotResident(t *testing.T) {
	p := mappedPool(128 * mib)
	a := mustGet(t, p, 128*mib)
	touch(a.Mem)
	before := resident(t)
	p.Shrink(a, mib)
	if gone := before - resident(t); gone < 127*mib-residentSlack {
		t.Errorf("%d MiB have gone", gone/mib)
	}
	p.Put(a)
}
