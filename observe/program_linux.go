package observe

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ReleaseProgram makes the program's own code and constants leave this process's
// resident memory. Starting touches far more of them than running needs: the tables
// of every package, and what builds them. What is needed comes back by itself, from
// the page cache, in pieces of some pages. It is for once, after the start.
func ReleaseProgram() error {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	var errs []error
	for line := range strings.Lines(string(maps)) {
		from, to, ok := programRange(line, self)
		if !ok {
			continue
		}
		if _, _, e := syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED); e != 0 {
			errs = append(errs, fmt.Errorf("release %x-%x of %s: %w", from, to, self, e))
		}
	}
	return errors.Join(errs...)
}

// programRange returns the addresses of a line of /proc/self/maps, if they are of
// the file self and cannot be written: then their content is that of the file.
func programRange(line, self string) (from, to uintptr, ok bool) {
	line = strings.TrimSuffix(line, "\n")
	addresses, rest, _ := strings.Cut(line, " ")
	perms, _, _ := strings.Cut(rest, " ")
	if !strings.HasSuffix(line, " "+self) || strings.Contains(perms, "w") {
		return 0, 0, false
	}
	low, high, _ := strings.Cut(addresses, "-")
	a, errA := strconv.ParseUint(low, 16, 64)
	b, errB := strconv.ParseUint(high, 16, 64)
	return uintptr(a), uintptr(b), errA == nil && errB == nil && a < b
}
