package main

import (
	"runtime"
	"syscall"
	"time"
)

// measure runs f in this process, which does units units of work.
func measure(units int64, f func() error) (sample, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, began := cpuOf(syscall.RUSAGE_SELF), time.Now()
	err := f()
	s := sample{wall: time.Since(began), units: units}
	s.cpu = cpuOf(syscall.RUSAGE_SELF) - cpu
	runtime.ReadMemStats(&after)
	s.allocs = float64(after.Mallocs - before.Mallocs)
	return s, err
}

// cpuOf returns the processor time that who, a constant of getrusage, has used.
func cpuOf(who int) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(who, &u) != nil {
		return 0
	}
	return cpuTime(&u)
}

func cpuTime(u *syscall.Rusage) time.Duration {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
