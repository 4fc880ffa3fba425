package main

import (
	"strings"
	"testing"
	"time"
)

func TestTheKernelIsNamedByItsNumberAlone(t *testing.T) {
	for release, want := range map[string]string{"6.18.4-host-v1\n": " 6.18.4", "6.1\n": " 6.1", "weird": ""} {
		if got := kernelVersion(release); !strings.HasSuffix(got, want) || strings.Contains(got, "host") {
			t.Errorf("%q: %q", release, got)
		}
	}
}

func TestProcessorTimeLeavesIdleAndStolenOut(t *testing.T) {
	busy, stolen, ok := processorTime("cpu  100 200 300 9999 9999 400 500 700 0 0\ncpu0 1 2 3\n")
	if !ok || busy != 15 || stolen != 7 {
		t.Errorf("busy %v, stolen %v, %v", busy, stolen, ok)
	}
	for _, bad := range []string{"", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8 9", "cpu a b c d e f g h i"} {
		if _, _, ok := processorTime(bad); ok {
			t.Errorf("%q was understood", bad)
		}
	}
}

func TestAResultIsNamedAfterItsDateAndMachine(t *testing.T) {
	m := machine{cpu: "Some(R) CPU @ 2.00GHz"}
	got := m.slug(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	if !strings.HasPrefix(got, "2026-11-24-some-r-cpu-2-00ghz-") || !strings.HasSuffix(got, "-cores") {
		t.Errorf("got %s", got)
	}
	if field("model name\t: X Y\nmodel name: Z\n", "model name", "?") != "X Y" || field("", "model name", "?") != "?" {
		t.Error("the first line of a field was not found")
	}
}
