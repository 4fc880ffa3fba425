package weirtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"testing/synctest"

	"github.com/weirflow/weir"
)

// fake is a source of one stream whose every method a test can break.
type fake struct {
	data   []byte
	record int // 0: opaque

	id       func() string
	seek     func(*fakeStream, weir.Position) error
	read     func(*fakeStream, context.Context, *weir.Batch) error
	close    func(*fakeStream) error
	closeSrc func() error
}

func (f fake) open(testing.TB) weir.Source { return &fakeSource{fake: f} }

type fakeSource struct {
	fake
	given bool
}

func (s *fakeSource) Next(context.Context) (weir.Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	s.given = true
	return &fakeStream{fake: s.fake}, nil
}

func (s *fakeSource) Close() error {
	if s.closeSrc != nil {
		return s.closeSrc()
	}
	return nil
}

type fakeStream struct {
	fake
	off  int
	kept []byte
}

func (s *fakeStream) Info() weir.StreamInfo {
	id := "fake"
	if s.id != nil {
		id = s.id()
	}
	return weir.StreamInfo{ID: id, Name: "fake", Size: int64(len(s.data))}
}

func (s *fakeStream) Seek(_ context.Context, p weir.Position) error {
	if s.seek != nil {
		return s.seek(s, p)
	}
	_, err := fmt.Sscanf(string(p), "%d", &s.off)
	return err
}

func (s *fakeStream) Read(ctx context.Context, b *weir.Batch) error {
	if s.read != nil {
		return s.read(s, ctx, b)
	}
	return s.honest(b)
}

func (s *fakeStream) honest(b *weir.Batch) error {
	if s.off == len(s.data) {
		return io.EOF
	}
	if s.record == 0 {
		n := copy(b.Space(), s.data[s.off:])
		b.Advance(n)
		s.off += n
	}
	for s.record > 0 && s.off < len(s.data) {
		rec := s.data[s.off:min(s.off+s.record, len(s.data))]
		if !b.Append(rec) {
			if b.Len() == 0 {
				return &weir.NeedError{Size: weir.RecordSize(len(rec))}
			}
			break
		}
		s.off += len(rec)
	}
	b.SetPosition(fmt.Appendf(nil, "%d", s.off))
	return nil
}

func (s *fakeStream) Close() error {
	if s.close != nil {
		return s.close(s)
	}
	return nil
}

// idle waits for its context, as it must.
func idle(_ *fakeStream, ctx context.Context, _ *weir.Batch) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

var testData = bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog; 0123456789\n"), 300)

func honestHarness() SourceHarness {
	f := fake{data: testData, record: 100}
	return SourceHarness{
		Open:      f.open,
		Want:      func(string) []byte { return testData },
		Idle:      fake{read: idle}.open,
		Truncated: fake{read: func(*fakeStream, context.Context, *weir.Batch) error { return io.ErrUnexpectedEOF }}.open,
		Taken:     func() int64 { return 0 },
	}
}

func TestHonestSourcesPass(t *testing.T) {
	CheckLeaks(t)
	t.Run("fake", func(t *testing.T) { TestSource(t, func(*testing.T) SourceHarness { return honestHarness() }) })
	t.Run("bytes", func(t *testing.T) {
		TestSource(t, func(*testing.T) SourceHarness {
			return SourceHarness{Open: func(testing.TB) weir.Source {
				return NewBytesSource(BytesStream{"a", testData, true}, BytesStream{"b", testData, false}, BytesStream{Name: "empty"})
			}}
		})
	})
}

// The bubble's clock makes the waiting for what never comes short.
func TestBrokenSourcesFail(t *testing.T) { synctest.Test(t, brokenSourcesFail) }

func brokenSourcesFail(t *testing.T) {
	type read = func(*fakeStream, context.Context, *weir.Batch) error
	changed := func(change func(*fake)) SourceHarness {
		h := honestHarness()
		f := fake{data: testData, record: 100}
		change(&f)
		h.Open = f.open
		h.Want = nil
		return h
	}
	reading := func(r read) SourceHarness { return changed(func(f *fake) { f.read = r }) }
	block := make(chan struct{})
	defer close(block)

	for name, c := range map[string]struct {
		rule string
		h    SourceHarness
	}{
		"empty read": {"S1.1", reading(func(*fakeStream, context.Context, *weir.Batch) error { return nil })},
		"bytes after the last record": {"S1.1", reading(func(s *fakeStream, _ context.Context, b *weir.Batch) error {
			b.Append([]byte("record"))
			b.Advance(copy(b.Space(), "rest"))
			return io.EOF
		})},
		"swallowed cancellation": {"S1.2", with(func(h *SourceHarness) {
			h.Idle = fake{read: func(_ *fakeStream, ctx context.Context, _ *weir.Batch) error {
				<-ctx.Done()
				return nil
			}}.open
		})},
		"cancellation as the end": {"S1.2", with(func(h *SourceHarness) {
			h.Idle = fake{read: func(_ *fakeStream, ctx context.Context, _ *weir.Batch) error {
				<-ctx.Done()
				return io.EOF
			}}.open
		})},
		"deaf": {"S1.2", with(func(h *SourceHarness) {
			h.Idle = fake{read: func(*fakeStream, context.Context, *weir.Batch) error { <-block; return io.EOF }}.open
		})},
		"loses what does not fit": {"S1.3", reading(func(s *fakeStream, _ context.Context, b *weir.Batch) error {
			s.record = 0
			err := s.honest(b)
			s.off = min(s.off+1, len(s.data))
			return err
		})},
		"other content": {"S1.3", with(func(h *SourceHarness) { h.Want = func(string) []byte { return testData[1:] } })},
		"another ID every time": {"S1.3", changed(func(f *fake) {
			n := 0
			f.id = func() string { n++; return fmt.Sprint(n) }
		})},
		"seek one off": {"S1.4", changed(func(f *fake) {
			f.seek = func(s *fakeStream, p weir.Position) error {
				_, err := fmt.Sscanf(string(p), "%d", &s.off)
				s.off = max(s.off-1, 0)
				return err
			}
		})},
		"seek that does nothing": {"S1.4", changed(func(f *fake) {
			f.seek = func(*fakeStream, weir.Position) error { return nil }
		})},
		"reads ahead": {"S1.5", with(func(h *SourceHarness) { h.Taken = func() int64 { return 1 << 30 } })},
		"keeps the batch": {"S1.6", reading(func(s *fakeStream, _ context.Context, b *weir.Batch) error {
			s.record = 0
			if s.kept != nil {
				copy(s.data[s.off:], s.kept[:min(len(s.kept), len(s.data)-s.off)])
			}
			err := s.honest(b)
			s.kept = b.Bytes()
			return err
		})},
		"close that hangs": {"S1.7", changed(func(f *fake) {
			f.close = func(*fakeStream) error { <-block; return nil }
		})},
		"truncation as the end": {"S1.8", with(func(h *SourceHarness) { h.Truncated = fake{data: testData}.open })},
		"grows": {"S1.9", changed(func(f *fake) {
			var kept [][]byte
			f.read = func(s *fakeStream, _ context.Context, b *weir.Batch) error {
				kept = append(kept, make([]byte, 1000))
				b.Advance(1)
				return nil
			}
			f.closeSrc = func() error { kept = kept[:0]; return nil }
		})},
		"records by batch": {"S1.10", reading(func(s *fakeStream, _ context.Context, b *weir.Batch) error {
			if s.off == len(s.data) {
				return io.EOF
			}
			rec := s.data[s.off:min(len(s.data), s.off+b.Cap()-weir.RecordSize(0))]
			b.Append(rec)
			s.off += len(rec)
			return nil
		})},
		"need with bytes": {"S1.11", reading(func(s *fakeStream, _ context.Context, b *weir.Batch) error {
			b.Advance(1)
			return &weir.NeedError{Size: 1000}
		})},
		"need of less": {"S1.11", reading(func(s *fakeStream, _ context.Context, b *weir.Batch) error {
			return &weir.NeedError{Size: b.Cap()}
		})},
		"leaks a goroutine": {"S1.12", changed(func(f *fake) {
			f.closeSrc = func() error {
				go func() { <-block }()
				return nil
			}
		})},
	} {
		mustBreak(t, name, sourceRules, c.rule, c.h.withDefaults())
	}
}

// with returns the honest harness with a change.
func with(change func(*SourceHarness)) SourceHarness {
	h := honestHarness()
	change(&h)
	return h
}

// mustBreak expects the rule to find h broken.
func mustBreak[H any](t *testing.T, name string, rules []rule[H], id string, h H) {
	t.Helper()
	for _, r := range rules {
		if r.id != id {
			continue
		}
		err := r.holds(t, h)
		if err == nil || errors.Is(err, errUntested) {
			t.Errorf("%s: rule %s, %q, passed: %v", name, id, r.text, err)
		}
		return
	}
	t.Fatalf("no rule %s", id)
}

func TestRuleNumbersAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range sourceRules {
		seen[r.id] = true
	}
	for _, r := range sinkRules {
		seen[r.id] = true
	}
	if len(seen) != len(sourceRules)+len(sinkRules) {
		t.Error("two rules have the same number")
	}
}

func TestLeaksAreSeen(t *testing.T) { synctest.Test(t, leaksAreSeen) }

func leaksAreSeen(t *testing.T) {
	before := takeSnapshot()
	end := make(chan struct{})
	go func() { <-end }()
	if err := before.leaks(); err == nil {
		t.Error("a goroutine was not seen")
	}
	close(end)
	if err := before.leaks(); err != nil {
		t.Error(err)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if before.leaks() == nil && len(descriptors()) > 0 {
		t.Error("a descriptor was not seen")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := before.leaks(); err != nil {
		t.Error(err)
	}
}
