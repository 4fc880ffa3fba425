package observe

import (
	"testing"
	"testing/fstest"
)

func TestMemoryLimitIsTheTightestOfTheGroups(t *testing.T) {
	const v1 = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	const v1inside = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro shared:9 - cgroup cgroup rw,memory\n"
	const v2 = "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n"
	cases := []struct {
		name  string
		files map[string]string
		want  Limit
	}{
		{"version 2", map[string]string{
			"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/memory.max": "100\n", "sys/fs/cgroup/a/b/memory.max": "200\n",
		}, Limit{100, "/sys/fs/cgroup/a/memory.max"}},
		{"version 2, own namespace", map[string]string{
			"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "300\n",
		}, Limit{300, "/sys/fs/cgroup/memory.max"}},
		{"version 2, no limit", map[string]string{
			"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n",
		}, Limit{}},
		{"version 1", map[string]string{
			"proc/self/mountinfo": v1, "proc/self/cgroup": "9:cpu:/x\n4:memory:/a\n0::/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "400\n",
		}, Limit{400, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes"}},
		{"version 1, mounted from inside", map[string]string{
			"proc/self/mountinfo": v1inside, "proc/self/cgroup": "4:cpu,memory:/docker/abc/x\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "500\n",
		}, Limit{500, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes"}},
		{"version 1, group not seen", map[string]string{
			"proc/self/mountinfo": v1inside, "proc/self/cgroup": "4:memory:/docker/abcdef\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "600\n",
		}, Limit{600, "/sys/fs/cgroup/memory/memory.limit_in_bytes"}},
		{"not mounted", map[string]string{"proc/self/mountinfo": "x\n", "proc/self/cgroup": "0::/\n"}, Limit{}},
		{"another system", nil, Limit{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, text := range c.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			got, ok := memoryLimit(fsys)
			if got != c.want || ok != (c.want != Limit{}) {
				t.Errorf("memoryLimit = %+v, %v; want %+v", got, ok, c.want)
			}
		})
	}
}

func TestMachineMemory(t *testing.T) {
	root := fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal:       24689664 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\nBad: x\n")}}
	total, available, ok := machineMemory(root)
	if total != 24689664<<10 || available != 1<<20 || !ok {
		t.Errorf("%d, %d, %t", total, available, ok)
	}
	for _, text := range []string{"", "MemTotal: 5 kB\n", "MemTotal: 99999999999999999999 kB\nMemAvailable: 1 kB\n"} {
		if _, _, ok := machineMemory(fstest.MapFS{"proc/meminfo": {Data: []byte(text)}}); ok {
			t.Errorf("%q was taken", text)
		}
	}
}
