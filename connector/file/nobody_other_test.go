//go:build !linux

package file_test

import (
	"os"
	"testing"
)

// asNobody runs f without the privileges of root, so that permissions count. dir
// is a directory of the test that f works in.
func asNobody(t *testing.T, _ string, f func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("permissions do not count for root")
	}
	f()
}
