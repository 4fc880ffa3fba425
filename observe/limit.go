package observe

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// Limit is a limit on the memory of this process and others in its control
// group (container).
type Limit struct {
	Bytes int64
	File  string // where it is set
}

// MemoryLimit returns the tightest memory limit of the control groups that this
// process is in, version 1 or 2. It reports false when there is none, or none
// that can be read.
func MemoryLimit() (Limit, bool) { return memoryLimit(os.DirFS("/")) }

// unlimited is what version 1 shows for no limit: the largest number of bytes
// that is a multiple of the page size, or near it.
const unlimited = 1 << 62

func memoryLimit(root fs.FS) (Limit, bool) {
	mounts, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return Limit{}, false
	}
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return Limit{}, false
	}
	best, found := Limit{}, false
	for line := range strings.Lines(string(mounts)) {
		m, ok := parseMount(line)
		if !ok {
			continue
		}
		top := strings.TrimPrefix(m.point, "/")
		for dir := path.Join(top, m.inside(groupOf(string(groups), m.version))); ; dir = path.Dir(dir) {
			if n, ok := readLimit(root, path.Join(dir, m.file())); ok && (!found || n < best.Bytes) {
				best, found = Limit{Bytes: n, File: "/" + path.Join(dir, m.file())}, true
			}
			if dir == top || dir == "." {
				break
			}
		}
	}
	return best, found
}

// MachineMemory returns the memory of this machine, all of it and what is
// available to new programs without swapping, in bytes. It reports false where
// the system does not tell.
func MachineMemory() (total, available int64, ok bool) { return machineMemory(os.DirFS("/")) }

func machineMemory(root fs.FS) (total, available int64, ok bool) {
	info, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, 0, false
	}
	for line := range strings.Lines(string(info)) {
		name, value, _ := strings.Cut(line, ":")
		number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		kib, err := strconv.ParseInt(number, 10, 64)
		switch {
		case err != nil:
		case name == "MemTotal":
			total = kib << 10
		case name == "MemAvailable":
			available = kib << 10
		}
	}
	return total, available, total > 0 && available > 0
}

// mount is a mounted hierarchy of control groups that limits memory.
type mount struct {
	version int
	root    string // the group that is seen at point
	point   string
}

// parseMount reads one line of mountinfo:
//
//	35 31 0:32 /group /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
func parseMount(line string) (mount, bool) {
	left, right, found := strings.Cut(strings.TrimSpace(line), " - ")
	l, r := strings.Fields(left), strings.Fields(right)
	if !found || len(l) < 5 || len(r) < 3 {
		return mount{}, false
	}
	m := mount{root: l[3], point: path.Clean(l[4])}
	switch {
	case r[0] == "cgroup2":
		m.version = 2
	case r[0] == "cgroup" && strings.Contains(","+r[2]+",", ",memory,"):
		m.version = 1
	default:
		return mount{}, false
	}
	return m, true
}

func (m mount) file() string {
	if m.version == 2 {
		return "memory.max"
	}
	return "memory.limit_in_bytes"
}

// inside returns where group is below the mount point. A group that is not seen
// from here, as in a container without its own namespace of groups, counts as
// the mount's root.
func (m mount) inside(group string) string {
	if m.root == "/" {
		return path.Join("/", group)
	}
	rest, ok := strings.CutPrefix(group, m.root)
	if !ok || rest != "" && rest[0] != '/' {
		return "/"
	}
	return path.Join("/", rest)
}

// groupOf returns the group of this process in the hierarchy of a version, from
// lines like "4:memory:/a" (version 1) and "0::/a" (version 2).
func groupOf(groups string, version int) string {
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		if version == 2 && f[0] == "0" && f[1] == "" ||
			version == 1 && strings.Contains(","+f[1]+",", ",memory,") {
			return f[2]
		}
	}
	return "/"
}

func readLimit(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // "max" is no number
	return n, err == nil && n > 0 && n < unlimited
}
