package checkpoint_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/checkpoint"
	"github.com/weirflow/weir/weirtest"
)

// openStore opens the store in dir and closes it at the end of the test.
func openStore(t *testing.T, dir string, o checkpoint.Options) *checkpoint.Store {
	t.Helper()
	s, err := checkpoint.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// must fails the test if err is an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// streams returns the streams of a job, by ID.
func streams(t *testing.T, s *checkpoint.Store, job string) map[string]checkpoint.Entry {
	t.Helper()
	all := map[string]checkpoint.Entry{}
	must(t, s.Streams(job, func(e checkpoint.Entry) bool {
		all[e.ID] = e
		return true
	}))
	return all
}

func TestWhatWasSavedIsThereAfterOpeningAgain(t *testing.T) {
	weirtest.CheckLeaks(t)
	dir := filepath.Join(t.TempDir(), "not", "there yet")
	s, err := checkpoint.Open(dir, checkpoint.Options{})
	must(t, err)
	begin := time.Now().Add(-time.Second)
	must(t, s.PutJob(checkpoint.Job{ID: "a1b2", Description: "logs/*.gz to s3://bucket"}))
	want := checkpoint.Entry{
		ID: "file:2049:7", Name: "logs/a.gz", Checkpoint: weir.Checkpoint{
			Position: weir.Position("dev=2049,off=65536"), Mark: []byte("len=1"),
			Read: weir.Count{Bytes: 65536, Records: 12}, Written: weir.Count{Bytes: 3, Records: 1}, Size: 99_999, Whole: true,
		},
	}
	must(t, s.Save("a1b2", []checkpoint.Entry{want, {ID: "other", Checkpoint: weir.Checkpoint{Size: weir.UnknownSize}}}))
	must(t, s.Close())
	must(t, s.Close())

	s = openStore(t, dir, checkpoint.Options{})
	j, ok, err := s.Job("a1b2")
	if err != nil || !ok || j.Description != "logs/*.gz to s3://bucket" || j.Done || j.Created.Before(begin) {
		t.Errorf("Job: %+v, %v, %v", j, ok, err)
	}
	got, ok, err := s.Stream("a1b2", want.ID)
	if err != nil || !ok || got.Updated.Before(begin) {
		t.Errorf("Stream: %+v, %v, %v", got, ok, err)
	}
	want.Updated = got.Updated
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Stream:\n%+v\nwant\n%+v", got, want)
	}
	if all := streams(t, s, "a1b2"); len(all) != 2 || !reflect.DeepEqual(all[want.ID], want) {
		t.Errorf("Streams: %+v", all)
	}
	for _, x := range [][2]string{{"a1b2", "nobody"}, {"nobody", want.ID}} {
		if e, ok, err := s.Stream(x[0], x[1]); ok || err != nil {
			t.Errorf("Stream%q: %+v, %v, %v", x, e, ok, err)
		}
	}
	checkModes(t, dir)
}

// checkModes fails the test if others may read what is in dir.
func checkModes(t *testing.T, dir string) {
	t.Helper()
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, checkpoint.FileName): 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, st.Mode(), err, want)
		}
	}
}

func TestLaterSaveReplacesTheEarlierOne(t *testing.T) {
	s := openStore(t, t.TempDir(), checkpoint.Options{})
	must(t, s.PutJob(checkpoint.Job{ID: "j"}))
	for _, bytes := range []int64{10, 20, 15} { // also one that goes back
		must(t, s.Save("j", []checkpoint.Entry{{ID: "a", Checkpoint: checkpoint.At(bytes)}}))
	}
	must(t, s.Save("j", []checkpoint.Entry{{ID: "b", Checkpoint: checkpoint.At(1)}, {ID: "b", Checkpoint: checkpoint.At(2)}}))
	all := streams(t, s, "j")
	if all["a"].Read.Bytes != 15 || all["b"].Read.Bytes != 2 || len(all) != 2 {
		t.Errorf("%+v; want a at 15 and b at 2", all)
	}
}

func TestJobsAreChangedAndRemovedWithTheirStreams(t *testing.T) {
	s := openStore(t, t.TempDir(), checkpoint.Options{})
	for _, id := range []string{"a", "b"} {
		must(t, s.PutJob(checkpoint.Job{ID: id, Description: "first"}))
		must(t, s.Save(id, []checkpoint.Entry{{ID: "x", Checkpoint: checkpoint.At(1)}, {ID: "y", Checkpoint: checkpoint.At(1)}}))
	}
	before, _, _ := s.Job("a")
	must(t, s.PutJob(checkpoint.Job{ID: "a", Description: "second", Done: true}))
	after, _, _ := s.Job("a")
	if after.Description != "second" || !after.Done || !after.Created.Equal(before.Created) || len(streams(t, s, "a")) != 2 {
		t.Errorf("%+v became %+v with %d streams", before, after, len(streams(t, s, "a")))
	}
	if known, err := s.RemoveStream("a", "x"); !known || err != nil {
		t.Errorf("RemoveStream: %v, %v", known, err)
	}
	if known, err := s.RemoveStream("a", "x"); known || err != nil {
		t.Errorf("RemoveStream again: %v, %v", known, err)
	}
	if all := streams(t, s, "a"); len(all) != 1 || all["y"].Read.Bytes != 1 {
		t.Errorf("after RemoveStream: %+v", all)
	}

	must(t, s.RemoveJob("a"))
	var left []string
	must(t, s.Jobs(func(j checkpoint.Job) bool { left = append(left, j.ID); return true }))
	if !slices.Equal(left, []string{"b"}) || len(streams(t, s, "b")) != 2 {
		t.Errorf("jobs %q, b with %d streams; want b with 2", left, len(streams(t, s, "b")))
	}
	must(t, s.PutJob(checkpoint.Job{ID: "a"})) // a new one of that name
	if all := streams(t, s, "a"); len(all) != 0 {
		t.Errorf("a job that was removed left %+v", all)
	}
}

func TestRemovedJobGivesItsSpaceBack(t *testing.T) {
	s := openStore(t, t.TempDir(), checkpoint.Options{})
	size := func() int64 {
		st, err := os.Stat(s.Path())
		must(t, err)
		return st.Size()
	}
	must(t, s.PutJob(checkpoint.Job{ID: "j"}))
	before := size()
	entries := make([]checkpoint.Entry, 5000)
	for i := range entries {
		entries[i] = numbered(i)
	}
	must(t, s.Save("j", entries))
	full := size()
	must(t, s.RemoveJob("j"))
	if after := size(); full <= before || after > before {
		t.Errorf("%d bytes, with streams %d, after the job was removed %d", before, full, after)
	}
}

func TestCallsThatAreWrongStoreNothing(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, checkpoint.Options{})
	must(t, s.PutJob(checkpoint.Job{ID: "j"}))
	long := strings.Repeat("x", checkpoint.MaxText+1)
	good := checkpoint.Entry{ID: "good"}
	save := func(job string, entries ...checkpoint.Entry) error { return s.Save(job, append(entries, good)) }
	for _, x := range []struct {
		name string
		err  error
		is   error
		want string
	}{
		{"no job", save("k"), checkpoint.ErrNoJob, "no such job: k"},
		{"streams of no job", s.Streams("k", nil), checkpoint.ErrNoJob, "no such job: k"},
		{"remove no job", s.RemoveJob("k"), checkpoint.ErrNoJob, "no such job: k"},
		{"no ID", save("j", checkpoint.Entry{}), nil, "a stream without an ID"},
		{"long ID", save("j", checkpoint.Entry{ID: long}), nil, "its ID has 4097 bytes; the limit is 4096"},
		{"long name", save("j", checkpoint.Entry{ID: "a\n", Name: long}), nil, `stream "a\n": its name has 4097 bytes`},
		{"long position", save("j", checkpoint.Entry{ID: "a", Checkpoint: weir.Checkpoint{Position: make([]byte, weir.MaxPosition+1)}}), nil, "its position has 385 bytes; the limit is 384"},
		{"negative", save("j", checkpoint.Entry{ID: "a", Checkpoint: weir.Checkpoint{Size: -2}}), nil, "size -2"},
		{"many", s.Save("j", make([]checkpoint.Entry, checkpoint.MaxSave+1)), nil, "a Save of 16385 entries; the limit is 16384"},
		{"job without ID", s.PutJob(checkpoint.Job{}), nil, "a job without an ID"},
		{"long job", s.PutJob(checkpoint.Job{ID: long}), nil, "has 4097 bytes"},
		{"long description", s.PutJob(checkpoint.Job{ID: "k", Description: long}), nil, "has 4097 bytes"},
	} {
		if weir.KindOf(x.err) != weir.Invalid || !strings.Contains(x.err.Error(), x.want) || x.is != nil && !errors.Is(x.err, x.is) {
			t.Errorf("%s: %v; want %q", x.name, x.err, x.want)
		}
	}
	if all := streams(t, s, "j"); len(all) != 0 {
		t.Errorf("stored: %+v", all)
	}
}

func TestClosedStoreSaysSo(t *testing.T) {
	s := openStore(t, t.TempDir(), checkpoint.Options{})
	must(t, s.PutJob(checkpoint.Job{ID: "j"}))
	must(t, s.Save("j", []checkpoint.Entry{{ID: "a"}}))
	must(t, s.Close())
	_, _, jobErr := s.Job("j")
	_, _, streamErr := s.Stream("j", "a")
	for name, err := range map[string]error{
		"Job": jobErr, "Stream": streamErr, "Save": s.Save("j", []checkpoint.Entry{{ID: "a"}}),
		"Jobs": s.Jobs(nil), "Streams": s.Streams("j", nil), "PutJob": s.PutJob(checkpoint.Job{ID: "j"}), "RemoveJob": s.RemoveJob("j"),
	} {
		if weir.KindOf(err) != weir.Closed {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

// TestIterationSeesOneMomentAndMayCallTheStore: what is saved, merged and closed
// meanwhile does not disturb it.
func TestIterationSeesOneMomentAndMayCallTheStore(t *testing.T) {
	weirtest.CheckLeaks(t)
	s, err := checkpoint.OpenSmall(t.TempDir(), checkpoint.Options{})
	must(t, err)
	must(t, s.PutJob(checkpoint.Job{ID: "j"}))
	for i := range 100 {
		must(t, s.Save("j", []checkpoint.Entry{{ID: fmt.Sprint(i), Checkpoint: checkpoint.At(1)}}))
	}
	before, n := s.Stats().Compactions, 0
	must(t, s.Streams("j", func(e checkpoint.Entry) bool {
		if e.Read.Bytes != 1 {
			t.Errorf("stream %s at %d, which was saved later", e.ID, e.Read.Bytes)
		}
		switch n++; {
		case n < 50:
			must(t, s.Save("j", []checkpoint.Entry{{ID: e.ID, Checkpoint: checkpoint.At(2)}, {ID: "new " + e.ID, Checkpoint: checkpoint.At(2)}}))
		case n == 50:
			must(t, s.Close())
		}
		return true
	}))
	if after := s.Stats().Compactions; n != 100 || after < before+2 {
		t.Errorf("%d streams and %d compactions meanwhile; want 100 and some", n, after-before)
	}
}

func TestStreamsStopsWhenToldTo(t *testing.T) {
	s := openStore(t, t.TempDir(), checkpoint.Options{})
	must(t, s.PutJob(checkpoint.Job{ID: "j"}))
	must(t, s.Save("j", []checkpoint.Entry{{ID: "a"}, {ID: "b"}, {ID: "c"}}))
	n := 0
	must(t, s.Streams("j", func(checkpoint.Entry) bool { n++; return n < 2 }))
	if n != 2 {
		t.Errorf("%d streams; want 2", n)
	}
}

// TestMemoryDoesNotFollowTheNumberOfStreams: what is kept for a stream, less
// than a byte, is the index of the table.
func TestMemoryDoesNotFollowTheNumberOfStreams(t *testing.T) {
	s, err := checkpoint.OpenSmall(t.TempDir(), checkpoint.Options{})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, s.PutJob(checkpoint.Job{ID: "j"}))
	total := 0
	fill := func(n int) uint64 {
		entries := make([]checkpoint.Entry, n)
		for i := range entries {
			entries[i] = checkpoint.Entry{ID: fmt.Sprintf("file:2049:%d", total+i), Name: strings.Repeat("n", 60)}
		}
		total += n
		must(t, s.Save("j", entries))
		must(t, s.Save("j", entries[:1])) // merges the others into the table
		entries = nil
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	fill(checkpoint.MaxSave)
	before := fill(checkpoint.MaxSave)
	var after uint64
	const more = 3
	for range more {
		after = fill(checkpoint.MaxSave)
	}
	if grown := int64(after) - int64(before); grown > more*checkpoint.MaxSave {
		t.Errorf("%d bytes for %d more streams; want less than one each", grown, more*checkpoint.MaxSave)
	}
	n := 0
	must(t, s.Streams("j", func(checkpoint.Entry) bool { n++; return true }))
	if n != total {
		t.Errorf("%d streams; want %d", n, total)
	}
}

func TestSaveAllocatesNothingForAnEntry(t *testing.T) {
	s := openStore(t, t.TempDir(), checkpoint.Options{})
	must(t, s.PutJob(checkpoint.Job{ID: "j"}))
	entries := make([]checkpoint.Entry, 1000)
	for i := range entries {
		entries[i] = numbered(i)
	}
	must(t, s.Save("j", entries))
	if n := testing.AllocsPerRun(20, func() { must(t, s.Save("j", entries)) }); n > 20 {
		t.Errorf("%v allocations for 1000 entries; want a few for the call", n)
	}
}
