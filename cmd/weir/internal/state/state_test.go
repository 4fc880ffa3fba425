package state_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/checkpoint"
	"github.com/weirflow/weir/cmd/weir/internal/state"
	"github.com/weirflow/weir/weirtest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var stream = weir.StreamInfo{ID: "file:1:2", Name: "a"}

func TestJobIsKeptFromItsFirstCheckpointOn(t *testing.T) {
	weirtest.CheckLeaks(t)
	dir := filepath.Join(t.TempDir(), "state")
	j, err := state.Open(dir, "0a", "a -> b", false)
	must(t, err)
	if _, known, err := j.Load(t.Context(), stream); known || err != nil {
		t.Errorf("known %t, %v", known, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a job without a checkpoint leaves something: %v", err)
	}
	want := weir.Checkpoint{Position: weir.Position("off=7"), Mark: []byte("len=9"), Read: weir.Count{Bytes: 7, Records: 1}, Whole: true}
	must(t, j.Save(t.Context(), stream, want))
	if _, err := state.Open(dir, "0a", "a -> b", false); !errors.Is(err, checkpoint.ErrLocked) {
		t.Errorf("a second run of the job: %v", err)
	}
	other, err := state.Open(dir, "0b", "c -> d", false) // another job runs beside it
	must(t, err)
	must(t, other.Save(t.Context(), stream, want))
	must(t, other.Close())
	must(t, j.Close())

	j, err = state.Open(dir, "0a", "a -> b", false)
	must(t, err)
	got, known, err := j.Load(t.Context(), stream)
	if err != nil || !known || string(got.Position) != "off=7" || string(got.Mark) != "len=9" || got.Read != want.Read || !got.Whole {
		t.Errorf("%+v, %t, %v", got, known, err)
	}
	if !j.Continues() || j.Finished() {
		t.Error("it continues and is not finished")
	}
	must(t, j.Done())
	must(t, j.Close())

	var ids []string
	must(t, state.List(dir, func(id string, _ *checkpoint.Store) bool { ids = append(ids, id); return true },
		func(id string, err error) { t.Errorf("%s: %v", id, err) }))
	if strings.Join(ids, " ") != "0a 0b" {
		t.Errorf("jobs %q", ids)
	}
	j, err = state.Open(dir, "0a", "a -> b", false)
	must(t, err)
	if !j.Finished() {
		t.Error("it is finished")
	}
	must(t, j.Close())

	j, err = state.Open(dir, "0a", "a -> b", true)
	must(t, err)
	if _, known, err := j.Load(t.Context(), stream); known || err != nil || j.Finished() || j.Continues() {
		t.Errorf("after a fresh start: known %t, %v", known, err)
	}
	must(t, j.Close())
}

func TestDamagedStoreIsNoStartFromZeroUnlessAskedFor(t *testing.T) {
	dir := t.TempDir()
	j, err := state.Open(dir, "0a", "", false)
	must(t, err)
	must(t, j.Save(t.Context(), stream, weir.Checkpoint{}))
	must(t, j.Close())
	files, err := filepath.Glob(filepath.Join(dir, "0a", "*.checkpoints"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	must(t, os.Truncate(files[0], 100))
	if _, err := state.Open(dir, "0a", "", false); weir.KindOf(err) != weir.Corrupt {
		t.Errorf("err = %v", err)
	}
	found := ""
	must(t, state.List(dir, func(string, *checkpoint.Store) bool { return true }, func(id string, _ error) { found = id }))
	if found != "0a" {
		t.Errorf("damaged: %q", found)
	}
	j, err = state.Open(dir, "0a", "", true)
	must(t, err)
	must(t, j.Close())
}

func TestDirectoryIsWhatTheUserSaidOrTheUsualPlace(t *testing.T) {
	for name, c := range map[string]struct {
		said string
		env  map[string]string
		want string
	}{
		"said":     {"/s", map[string]string{"WEIR_STATE": "/w"}, "/s"},
		"none":     {"none", map[string]string{"HOME": "/h"}, ""},
		"variable": {"", map[string]string{"WEIR_STATE": "/w", "HOME": "/h"}, "/w"},
		"off":      {"", map[string]string{"WEIR_STATE": "none", "HOME": "/h"}, ""},
		"xdg":      {"", map[string]string{"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/weir"},
		"home":     {"", map[string]string{"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/weir"},
		"nowhere":  {"", nil, ""},
	} {
		if got := state.Dir(c.said, func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if state.ID("a", "bc") == state.ID("ab", "c") {
		t.Error("two jobs have one name")
	}
}
