package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAProcessIsMeasured(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	s, err := processes(t.Context(), command{args: []string{"echo", "water"}, stdout: out}, command{args: []string{"sleep", "0.05"}})
	if err != nil {
		t.Fatal(err)
	}
	if s.wall < 50*time.Millisecond || s.wall > 20*time.Second {
		t.Errorf("it took %v", s.wall)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "water\n" {
		t.Errorf("output %q, %v", text, err)
	}
}

func TestAProcessThatFailsSaysWhy(t *testing.T) {
	_, err := process(t.Context(), command{args: []string{"cat", filepath.Join(t.TempDir(), "nothing")}})
	if err == nil || len(err.Error()) < len("cat: exit status 1: ") {
		t.Errorf("got %v", err)
	}
}

func TestAnInterruptedProcessIsKilledWithItsChildren(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	// The shell's child keeps standard error open: only if it is gone too does
	// the wait end.
	_, err := process(ctx, command{args: []string{"sh", "-c", "sleep 60; true"}})
	if err == nil || !errors.Is(ctx.Err(), context.Canceled) || time.Since(began) > 10*time.Second {
		t.Errorf("it ended after %v with %v", time.Since(began), err)
	}
}

func TestThePeakThatTheKernelReportsCountsAboveThatOfTheStarter(t *testing.T) {
	for _, c := range []struct{ watched, reported, own, want int64 }{
		{2, 160, 160, 2},     // a small process: what is reported is the starter's
		{2, 161, 160, 2},     // within what the two readings differ by
		{150, 320, 160, 320}, // grew after the last look
		{330, 320, 160, 330},
	} {
		if got := exactPeak(c.watched, c.reported, c.own); got != c.want {
			t.Errorf("exactPeak(%d, %d, %d) = %d, want %d", c.watched, c.reported, c.own, got, c.want)
		}
	}
}
