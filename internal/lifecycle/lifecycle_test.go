package lifecycle

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestIdleWaitsForGoroutinesStartedByGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		start := time.Now()
		g.Go(func() {
			time.Sleep(time.Second)
			g.Go(func() { time.Sleep(time.Minute) })
		})
		<-g.Idle()
		if got := time.Since(start); got != time.Second+time.Minute {
			t.Errorf("idle after %v", got)
		}
	})
}

func TestEmptyGroupIsIdle(t *testing.T) {
	var g Group
	if !g.Within(0) {
		t.Error("an empty group is not idle")
	}
}

func TestWithinGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		g.Go(func() { time.Sleep(time.Hour) })
		if g.Within(time.Minute) {
			t.Error("idle while a goroutine sleeps")
		}
		if !g.Within(time.Hour) {
			t.Error("not idle after it woke")
		}
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if Sleep(ctx, time.Hour) || time.Since(start) != time.Second {
			t.Errorf("slept %v", time.Since(start))
		}
		if !Sleep(t.Context(), time.Minute) {
			t.Error("did not sleep through")
		}
	})
}
