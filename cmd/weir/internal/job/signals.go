package job

import (
	"os"
	"os/signal"
	"syscall"
)

// NotifySignals returns a channel that receives the signals which ask the
// process to end, and a function that gives them their usual effect back. A
// signal that the process was started to ignore, as by nohup, stays ignored. A
// closed pipe becomes an error of the write instead of a signal.
func NotifySignals() (signals <-chan os.Signal, reset func()) {
	signal.Ignore(syscall.SIGPIPE)
	var asked []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			asked = append(asked, s)
		}
	}
	c := make(chan os.Signal, 2) // the two that Run acts on
	if len(asked) == 0 {         // for Notify, none means all
		return c, func() {}
	}
	signal.Notify(c, asked...)
	return c, func() { signal.Reset(asked...) }
}
