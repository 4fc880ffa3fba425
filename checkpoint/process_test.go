package checkpoint_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/checkpoint"
)

// childVariable tells the test's binary to be a child: its value is what to do
// and the state directory.
const childVariable = "WEIR_CHECKPOINT_CHILD"

func TestMain(m *testing.M) {
	what, dir, child := strings.Cut(os.Getenv(childVariable), " ")
	if !child {
		os.Exit(m.Run())
	}
	if err := runChild(what, dir); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// runChild opens the store and prints what it has saved, or keeps it open until
// its input ends.
func runChild(what, dir string) error {
	s, err := checkpoint.OpenSmall(dir, checkpoint.Options{})
	if err != nil {
		return err
	}
	if what == "hold" {
		fmt.Println("open")
		_, err = io.Copy(io.Discard, os.Stdin)
		return errors.Join(err, s.Close())
	}
	if err := s.PutJob(checkpoint.Job{ID: "j"}); err != nil {
		return err
	}
	from := int64(0)
	if err := s.Streams("j", func(e checkpoint.Entry) bool { from = max(from, e.Read.Bytes); return true }); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for i := range savers {
		wg.Go(func() {
			for n := from + 1; ; n++ {
				e := checkpoint.Entry{ID: fmt.Sprint(i), Checkpoint: checkpoint.At(n)}
				e.Position = weir.Position(fmt.Sprint("off=", n))
				if err := s.Save("j", []checkpoint.Entry{e, {ID: fmt.Sprint("twin of ", i), Checkpoint: checkpoint.At(n)}}); err != nil {
					fmt.Println("error:", err)
					os.Exit(1)
				}
				fmt.Printf("%d %d\n", i, n)
			}
		})
	}
	wg.Wait()
	return nil
}

const savers = 3

// child starts the test's binary again.
func child(t *testing.T, what, dir string) (*exec.Cmd, io.WriteCloser, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+what+" "+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	return cmd, in, bufio.NewScanner(out)
}

// TestKilledProcessIsNeverBehindWhatItSaid kills a process that saves, compacts
// and extends its file all the time, again and again on the same directory.
func TestKilledProcessIsNeverBehindWhatItSaid(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 8
	}
	dir := t.TempDir()
	for round := range rounds {
		cmd, in, lines := child(t, "save", dir)
		said := map[string]int64{}
		for n := 1 + rand.IntN(60); lines.Scan(); n-- {
			if n == 0 {
				must(t, cmd.Process.Kill())
			}
			stream, position, ok := strings.Cut(lines.Text(), " ")
			bytes, err := strconv.ParseInt(position, 10, 64)
			if !ok || err != nil {
				t.Fatalf("round %d: the child says %q", round, lines.Text())
			}
			said[stream] = bytes
		}
		_ = cmd.Wait() // it was killed
		_ = in.Close()

		s, err := checkpoint.OpenSmall(dir, checkpoint.Options{ReadOnly: round%2 == 0})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		all := streams(t, s, "j")
		for stream, bytes := range said {
			e, twin := all[stream], all["twin of "+stream]
			if e.Read.Bytes < bytes || e.Read.Bytes != twin.Read.Bytes || e.Position.String() != fmt.Sprint("off=", e.Read.Bytes) {
				t.Fatalf("round %d: stream %s at %d (%s), its twin at %d; the process had said %d", round, stream, e.Read.Bytes, e.Position, twin.Read.Bytes, bytes)
			}
		}
		must(t, s.Close())
	}
}

func TestSecondProcessIsRefusedAndMayLook(t *testing.T) {
	dir := t.TempDir()
	cmd, in, lines := child(t, "hold", dir)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("the child says %q", lines.Text())
	}
	_, err := checkpoint.Open(dir, checkpoint.Options{})
	want := fmt.Sprintf("the state directory is in use by process %d; wait until it ends", cmd.Process.Pid)
	if !errors.Is(err, checkpoint.ErrLocked) || weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), want) {
		t.Errorf("a second process: %v; want %q", err, want)
	}
	openStore(t, dir, checkpoint.Options{ReadOnly: true})
	must(t, in.Close())
	must(t, cmd.Wait())

	openStore(t, dir, checkpoint.Options{})
	if _, err = checkpoint.Open(dir, checkpoint.Options{}); !errors.Is(err, checkpoint.ErrLocked) || !strings.Contains(err.Error(), "by this process") {
		t.Errorf("a second Store: %v", err)
	}
}

func TestPlacesThatHoldNoStore(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "file")
	must(t, os.WriteFile(plain, nil, 0o600))
	taken := filepath.Join(dir, "taken")
	must(t, os.MkdirAll(filepath.Join(taken, checkpoint.FileName), 0o700))
	for _, x := range []struct {
		name, dir string
		o         checkpoint.Options
		want      string
	}{
		{"no name", "", checkpoint.Options{}, "give the path of one"},
		{"nothing to look at", filepath.Join(dir, "none"), checkpoint.Options{ReadOnly: true}, checkpoint.ErrNoStore.Error()},
		{"a file", plain, checkpoint.Options{}, "file: it is not a directory"},
		{"a directory in its place", taken, checkpoint.Options{ReadOnly: true}, "it is not a regular file"},
	} {
		if _, err := checkpoint.Open(x.dir, x.o); weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v; want %q", x.name, err, x.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking made a directory: %v", err)
	}
}

func TestLookingChangesNothing(t *testing.T) {
	dir := t.TempDir()
	s, err := checkpoint.Open(dir, checkpoint.Options{})
	must(t, err)
	must(t, s.PutJob(checkpoint.Job{ID: "j"}))
	must(t, s.Close())
	before, err := os.ReadFile(s.Path())
	must(t, err)
	look, err := checkpoint.Open(dir, checkpoint.Options{ReadOnly: true})
	must(t, err)
	for name, err := range map[string]error{
		"PutJob": look.PutJob(checkpoint.Job{ID: "k"}), "Save": look.Save("j", []checkpoint.Entry{{ID: "a"}}), "RemoveJob": look.RemoveJob("j"),
	} {
		if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), "opened to look only") {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, look.Close())
	if after, err := os.ReadFile(s.Path()); err != nil || string(after) != string(before) {
		t.Errorf("the file changed: %v", err)
	}
}

// TestLookingWhileAnotherWritesSeesWhatWasSaved opens the store to look, again
// and again, while it is written, extended and compacted.
func TestLookingWhileAnotherWritesSeesWhatWasSaved(t *testing.T) {
	dir := t.TempDir()
	s, err := checkpoint.OpenSmall(dir, checkpoint.Options{})
	must(t, err)
	must(t, s.PutJob(checkpoint.Job{ID: "j"}))
	var mu sync.Mutex
	var saved int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := int64(1); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Save("j", []checkpoint.Entry{{ID: "a", Checkpoint: checkpoint.At(n)}, {ID: fmt.Sprint(n % 10), Checkpoint: checkpoint.At(n)}}); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			saved = n
			mu.Unlock()
		}
	})
	for range 300 {
		mu.Lock()
		least := saved
		mu.Unlock()
		look, err := checkpoint.OpenSmall(dir, checkpoint.Options{ReadOnly: true})
		if err != nil {
			t.Error(err)
			break
		}
		if e := streams(t, look, "j")["a"]; e.Read.Bytes < least {
			t.Errorf("at %d; %d was saved before", e.Read.Bytes, least)
		}
		must(t, look.Close())
	}
	close(stop)
	wg.Wait()
	must(t, s.Close())
}
