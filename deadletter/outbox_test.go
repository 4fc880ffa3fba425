package deadletter_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/deadletter"
	"github.com/weirflow/weir/weirtest"
)

// post is a sink of letters. Of its writers only what was flushed stays.
type post struct {
	sync.Mutex
	failWrite, failFlush, failOpen int // the next so many fail
	flushes                        bool
	opened, commits, aborts        int
	kept                           []string
	closed                         bool
}

func (p *post) Footprint() weir.Footprint {
	return weir.Footprint{Static: 100, PerWriter: 10, PerWrite: 1}
}

func (p *post) Open(context.Context, weir.StreamInfo) (weir.Writer, error) {
	p.opened++
	if p.failOpen > 0 {
		p.failOpen--
		return nil, errPost
	}
	if !p.flushes {
		return &letterWriter{p: p}, nil
	}
	return &flushingWriter{letterWriter{p: p}}, nil
}

func (p *post) Close() error {
	p.closed = true
	return nil
}

var errPost = errors.New("the post is on strike")

type letterWriter struct {
	p       *post
	written []string
}

func (w *letterWriter) Write(_ context.Context, b *weir.Batch) error {
	if w.p.failWrite > 0 {
		w.p.failWrite--
		return errPost
	}
	for i := range b.Records() {
		w.written = append(w.written, string(b.Record(i)))
	}
	return nil
}

func (w *letterWriter) Commit(context.Context) error { w.p.commits++; return nil }

func (w *letterWriter) Abort(context.Context, error) error { w.p.aborts++; return nil }

type flushingWriter struct{ letterWriter }

func (w *flushingWriter) Flush(context.Context, weir.Position) ([]byte, error) {
	if w.p.failFlush > 0 {
		w.p.failFlush--
		return nil, errPost
	}
	w.p.kept = append(w.p.kept, w.written...)
	w.written = nil
	return nil, nil
}

func TestOutboxMakesEachLetterDurable(t *testing.T) {
	weirtest.CheckLeaks(t)
	sink := &post{flushes: true}
	o := deadletter.NewOutbox(sink, deadletter.Options{})
	if want := int64(deadletter.OutboxMemory + 111); o.Memory() != want {
		t.Errorf("it needs %d bytes, want %d", o.Memory(), want)
	}
	var senders sync.WaitGroup
	for i := range 20 {
		senders.Go(func() {
			if fate, err := o.Policy(t.Context(), bad(i)); fate != weir.DeadLettered || err != nil {
				t.Errorf("%v, %v", fate, err)
			}
		})
	}
	senders.Wait()
	if len(sink.kept) != 20 || o.Letters() != 20 {
		t.Errorf("%d letters kept, %d counted", len(sink.kept), o.Letters())
	}
	seen := map[int64]bool{}
	for _, line := range sink.kept {
		var l map[string]any
		must(t, json.Unmarshal([]byte(line), &l))
		if len(l) != 11 || l["stage"] != "csv" || l["reason"] != "3 fields, want 4" || l["whole"] != true || l["bytes"] != "" || !strings.HasSuffix(line, "\n") {
			t.Errorf("a line is %s", line)
		}
		seen[int64(l["record"].(float64))] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d different letters", len(seen))
	}
	must(t, o.Close())
	if sink.opened != 1 || sink.commits != 1 || sink.aborts != 0 || !sink.closed {
		t.Errorf("%+v", sink)
	}
	if err := o.Put(t.Context(), bad(1)); err == nil {
		t.Error("a closed outbox takes letters")
	}
}

func TestOutboxTellsWhatItCouldNotSendAndGoesOn(t *testing.T) {
	for _, sink := range []*post{{flushes: true, failWrite: 1}, {flushes: true, failFlush: 1}, {flushes: true, failOpen: 1}} {
		o := deadletter.NewOutbox(sink, deadletter.Options{})
		if err := o.Put(t.Context(), bad(1)); !errors.Is(err, errPost) {
			t.Errorf("%v", err)
		}
		must(t, o.Put(t.Context(), bad(2)))
		must(t, o.Close())
		if len(sink.kept) != 1 || !strings.Contains(sink.kept[0], `"record":2`) || sink.opened != 2 || sink.commits != 1 {
			t.Errorf("%+v", sink)
		}
	}
}

func TestOutboxRefusesWhatItCannotKeep(t *testing.T) {
	o := deadletter.NewOutbox(&post{}, deadletter.Options{})
	if err := o.Put(t.Context(), bad(1)); err == nil || !strings.Contains(err.Error(), "cannot say what it has durably") {
		t.Errorf("a sink that does not flush: %v", err)
	}
	must(t, o.Close())
	o = deadletter.NewOutbox(&post{flushes: true}, deadletter.Options{MaxBytes: 400})
	var err error
	for n := 0; err == nil && n < 10; n++ {
		err = o.Put(t.Context(), bad(n))
	}
	if weir.KindOf(err) != weir.Rejected || !strings.Contains(err.Error(), "of at most 400") {
		t.Errorf("too many letters: %v", err)
	}
	must(t, o.Close())
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(errPost)
	o = deadletter.NewOutbox(&post{flushes: true}, deadletter.Options{})
	if err := o.Put(stopped, bad(1)); !errors.Is(err, errPost) {
		t.Errorf("cancelled: %v", err)
	}
	must(t, o.Close())
}

func TestOutboxMemoryHoldsTheLargestLetter(t *testing.T) {
	for name, piece := range map[string]string{"control characters": "\x01", "quotes": `"`, "no text": "\xff", "some of each": "\x01\"\"\"\"", "separators": "\u2028"} {
		rec := []byte(strings.Repeat(piece, deadletter.OutboxRecord/len(piece)))
		for _, more := range []int{0, deadletter.OutboxRecord} {
			rec = append(rec, make([]byte, more)...)
			r := &weir.BadRecord{Stage: "csv", Stream: "s", Reason: errPost, Size: int64(len(rec)), Excerpt: rec[:10], Whole: rec}
			sink := &post{flushes: true}
			o := deadletter.NewOutbox(sink, deadletter.Options{})
			must(t, o.Put(t.Context(), r))
			if n := len(sink.kept[0]); 4*n > deadletter.OutboxMemory+4096 {
				t.Errorf("%s: a line of %d bytes", name, n)
			}
			var l struct {
				Text  string
				Bytes []byte
				Whole bool
			}
			must(t, json.Unmarshal([]byte(sink.kept[0]), &l))
			if kept := l.Text + string(l.Bytes); !strings.HasPrefix(string(rec), kept) || l.Whole != (kept == string(rec)) || l.Whole != (more == 0) {
				t.Errorf("%s: %d of %d bytes kept, whole: %t", name, len(kept), len(rec), l.Whole)
			}
			must(t, o.Close())
		}
	}
}
