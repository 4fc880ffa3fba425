package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/weirflow/weir/observe"
)

// machine is what figures depend on. It names no host and no path.
type machine struct {
	cpu, kernel, files, weir string
	memory                   int64
}

// describeMachine describes this machine and the file system of dir. What it
// cannot find out is called unknown.
func describeMachine(dir string) machine {
	m := machine{cpu: "unknown", kernel: "unknown", files: fileSystem(dir)}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.cpu = field(string(info), "model name", m.cpu)
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.kernel = kernelVersion(string(release))
	}
	m.memory, _, _ = observe.MachineMemory() // 0 where it is not known
	return m
}

// field returns the value of the first line "key : value".
func field(text, key, missing string) string {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return missing
}

var versionNumber = regexp.MustCompile(`^\d+(\.\d+)*`)

// kernelVersion returns the version number alone: what follows names a
// distribution or a host's build.
func kernelVersion(release string) string {
	if v := versionNumber.FindString(release); v != "" {
		return runtime.GOOS + " " + v
	}
	return runtime.GOOS
}

// fileSystems are the numbers by which the kernel knows the common ones.
var fileSystems = map[int64]string{
	0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x01021994: "tmpfs",
	0x794c7630: "overlayfs", 0x2fc12fc1: "zfs", 0xf2f52010: "f2fs", 0x6969: "nfs",
}

func fileSystem(dir string) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return "unknown"
	}
	if name, ok := fileSystems[int64(st.Type)&0xffffffff]; ok {
		return name
	}
	return fmt.Sprintf("type %#x", st.Type)
}

// header is what stands above the tables.
func (m machine) header(now time.Time, remark string) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s "+format+"\n", append([]any{name}, args...)...)
	}
	line("weir", "%s", m.weir)
	line("date", "%s", now.Format("2 January 2006"))
	line("processor", "%s, %d cores, GOMAXPROCS %d", m.cpu, runtime.NumCPU(), runtime.GOMAXPROCS(0))
	line("memory", "%s", mib(m.memory))
	line("kernel", "%s", m.kernel)
	line("file system", "%s", m.files)
	line("Go", "%s", strings.TrimPrefix(runtime.Version(), "go"))
	if remark != "" {
		line("remark", "%s", remark)
	}
	b.WriteString("\nA ratio compares medians with those of the first row, the limit, measured in the\n" +
		"same run; the row \"again\" is the limit against itself, and says how large the\n" +
		"noise is. Speed above 1 is faster than the limit; CPU below 1 is less. A peak is\n" +
		"the highest resident memory of a process in any round.\n\n\n")
	return b.String()
}

var notOfAName = regexp.MustCompile(`[^a-z0-9]+`)

// slug names a result: its date and what machine it is of.
func (m machine) slug(now time.Time) string {
	text := fmt.Sprintf("%s %s %d cores", now.Format(time.DateOnly), m.cpu, runtime.NumCPU())
	return strings.Trim(notOfAName.ReplaceAllString(strings.ToLower(text), "-"), "-")
}

// versionOf asks the weir program for its version.
func versionOf(ctx context.Context, program string) (string, error) {
	out, err := exec.CommandContext(ctx, program, "version").Output()
	if err != nil {
		return "", fmt.Errorf("%s version: %w", program, err)
	}
	return strings.TrimSpace(strings.TrimPrefix(string(out), "weir ")), nil
}

// load is what the processors had done at a moment.
type load struct {
	at           time.Time
	ours         time.Duration
	busy, stolen float64 // seconds
	known        bool
}

// ticksPerSecond is the unit of /proc/stat, the same on all architectures.
const ticksPerSecond = 100

// watchLoad notes what the processors have done up to now.
func watchLoad() load {
	l := load{at: time.Now(), ours: cpuOf(syscall.RUSAGE_SELF) + cpuOf(syscall.RUSAGE_CHILDREN)}
	if stat, err := os.ReadFile("/proc/stat"); err == nil {
		l.busy, l.stolen, l.known = processorTime(string(stat))
	}
	return l
}

// processorTime reads the first line of /proc/stat: user, nice, system, idle,
// iowait, irq, softirq, steal.
func processorTime(stat string) (busy, stolen float64, ok bool) {
	first, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(first)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0, false
	}
	var ticks [8]float64
	for i := range ticks {
		n, err := strconv.ParseFloat(fields[i+1], 64)
		if err != nil {
			return 0, 0, false
		}
		ticks[i] = n / ticksPerSecond
	}
	return ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6], ticks[7], true
}

// since says what others have used of the processors since l.
func (l load) since() string {
	now := watchLoad()
	seconds := now.at.Sub(l.at).Seconds()
	if !l.known || !now.known || seconds <= 0 {
		return "what else the machine did is not known"
	}
	others := max(0, now.busy-l.busy-(now.ours-l.ours).Seconds()) / seconds
	stolen := (now.stolen - l.stolen) / seconds
	return fmt.Sprintf("everything else on the machine, the kernel's own work included, used %.2f of %d cores, and its host kept back %.2f",
		others, runtime.NumCPU(), stolen)
}
