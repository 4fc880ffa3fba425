package arena

import "syscall"

// useMappings reports whether a new pool takes mappings or heap blocks.
func useMappings() bool { return !raceCoin() }

// mapMemory returns size bytes of zeroed memory of its own mapping. The kernel
// backs a page when it is first touched.
func mapMemory(size int) ([]byte, error) {
	mem, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	// Advice only, and a kernel without it works too: a huge page would make
	// 2 MiB resident where one byte is touched, and a child process must not
	// double what is resident.
	_ = syscall.Madvise(mem, syscall.MADV_NOHUGEPAGE)
	_ = syscall.Madvise(mem, syscall.MADV_DONTFORK)
	return mem, nil
}

// moveStep is how much moveMemory has in both places at a time.
const moveStep = 1 << 20

// moveMemory copies from into the larger mapping to and gives from back to the
// system, page by page as it goes: never more than moveStep is resident twice.
func moveMemory(to, from []byte) error {
	for off := 0; off < len(from); off += moveStep {
		step := from[off:min(off+moveStep, len(from))]
		copy(to[off:], step)
		if err := syscall.Madvise(step, syscall.MADV_DONTNEED); err != nil {
			return err
		}
	}
	return unmapMemory(from)
}

// dropMemory gives whole pages back to the system. Their addresses stay.
func dropMemory(mem []byte) error { return syscall.Madvise(mem, syscall.MADV_DONTNEED) }

// unmapMemory gives the memory back to the system. Neighbouring mappings are
// one to the kernel, and a process that has reached its limit of mappings
// cannot split one by unmapping from its middle. Then the pages are given back
// and the addresses are lost.
func unmapMemory(mem []byte) error {
	if err := syscall.Munmap(mem); err != nil {
		return syscall.Madvise(mem, syscall.MADV_DONTNEED)
	}
	return nil
}

// setAccess allows or forbids any access to the memory.
func setAccess(mem []byte, allowed bool) error {
	if allowed {
		return syscall.Mprotect(mem, syscall.PROT_READ|syscall.PROT_WRITE)
	}
	return syscall.Mprotect(mem, syscall.PROT_NONE)
}
