package weir_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/weirtest"
)

// pieces is a source whose streams find out how long a record is by reading it,
// and hold memory of their own.
type pieces struct {
	streams [][]byte // each of records that end in a newline
	hold    int64
	wait    time.Duration // before each piece
	knows   bool          // streams know how long a record is
	creeps  bool          // they can go on with one byte more
	given   int

	mu      sync.Mutex
	holding int64 // of streams that are open now
	most    int64
}

func (p *pieces) Next(context.Context) (weir.Stream, error) {
	if p.given == len(p.streams) {
		return nil, io.EOF
	}
	p.given++
	return &piece{src: p, n: p.given - 1, left: p.streams[p.given-1]}, nil
}

func (p *pieces) Close() error { return nil }

type piece struct {
	src   *pieces
	n     int
	left  []byte
	holds bool
	large bool // the batch was made larger for a record
}

func (s *piece) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: fmt.Sprint(s.n), Name: fmt.Sprint("s", s.n), Size: int64(len(s.left))}
}

func (s *piece) Seek(context.Context, weir.Position) error { return weir.ErrNotResumable }

func (s *piece) Reserve(context.Context) (int64, error) { return s.src.hold, nil }

func (s *piece) Read(ctx context.Context, b *weir.Batch) error {
	if !s.holds {
		s.holds = true
		s.src.mu.Lock()
		s.src.holding += s.src.hold
		s.src.most = max(s.src.most, s.src.holding)
		s.src.mu.Unlock()
	}
	if !pause(ctx, s.src.wait) {
		return context.Cause(ctx)
	}
	for len(s.left) > 0 {
		if b.Records() > 2 {
			return nil
		}
		n := bytes.IndexByte(s.left, '\n') + 1
		if s.src.knows && b.Len() == 0 && weir.RecordSize(n) > b.Cap() {
			s.large = true
			return &weir.NeedError{Size: weir.RecordSize(n)}
		}
		room := max(len(b.Space())-weir.RecordSize(0), 0) // so that it can be ended
		k := copy(b.Space()[:room], s.left[:n])
		b.Advance(k)
		s.left = s.left[k:]
		if k < n || !b.EndRecord() {
			s.large = true
			need := &weir.NeedError{Size: b.Cap() * 3 / 2}
			switch {
			case s.src.knows:
				need.Size = b.Len() + bytes.IndexByte(s.left, '\n') + 1 + (b.Records()+1)*weir.RecordSize(0)
			case s.src.creeps:
				need.Least = b.Cap() + 1
			}
			return need
		}
		if s.large && len(s.left) > 0 {
			s.large = false
			return nil
		}
	}
	return io.EOF
}

func (s *piece) Close() error {
	if s.holds {
		s.src.mu.Lock()
		defer s.src.mu.Unlock()
		s.src.holding -= s.src.hold
	}
	return nil
}

// randomPieces returns streams of records of up to most bytes.
func randomPieces(r *rand.Rand, streams, most int) [][]byte {
	all := make([][]byte, streams)
	for i := range all {
		for range 20 {
			n := 1 + r.IntN(100)
			if r.IntN(4) == 0 {
				n = 1 + r.IntN(most)
			}
			all[i] = append(all[i], bytes.Repeat([]byte{byte('a' + r.IntN(26))}, n-1)...)
			all[i] = append(all[i], '\n')
		}
	}
	return all
}

// Several streams at once find that their records are larger than a batch, hold
// what they have and wait for more, and for what they hold for their whole life:
// nobody waits for ever, and everything arrives.
func TestRecordsOfUnknownLengthGrowTheirBatchWithoutDeadlock(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			src := &pieces{
				streams: randomPieces(r, 1+r.IntN(8), 60<<10),
				hold:    int64(r.IntN(3)) * 8 << 10,
				wait:    time.Duration(r.IntN(3)) * time.Millisecond,
			}
			b := poisoned(int64(224+r.IntN(64)) << 10)
			dst := weirtest.NewMemSink(weir.Footprint{PerWrite: int64(r.IntN(2)) << 10})
			o := weir.Options{Batch: 4 << 10, Streams: 1 + r.IntN(4), Budget: b, Guarantee: b.Limit()}
			if r.IntN(2) == 0 {
				o.Steps = []weir.Step{{Do: func(_ context.Context, in, out *weir.Batch) error { return copyRecords(in, out) }}}
				src.streams = randomPieces(r, len(src.streams), 30<<10)
			}
			res, err := weir.Ingest(t.Context(), src, dst, o)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for i, want := range src.streams {
				if got, _ := dst.Committed(fmt.Sprint("s", i)); !bytes.Equal(got, want) {
					t.Errorf("seed %d: stream %d: %d bytes arrived of %d", seed, i, len(got), len(want))
				}
			}
			if s := b.Stats(); s.Used != 0 || s.Held != 0 || res.InFlightBytes != 0 {
				t.Errorf("seed %d: %+v, %d in flight", seed, s, res.InFlightBytes)
			}
			if src.most > b.Limit() {
				t.Errorf("seed %d: streams held %d of %d", seed, src.most, b.Limit())
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatCanNeverBeHeldIsRefusedWithTheArithmetic(t *testing.T) {
	long := append(bytes.Repeat([]byte("x"), 200<<10), '\n')
	for name, c := range map[string]struct {
		src  *pieces
		want string
	}{
		"record": {&pieces{streams: [][]byte{long}}, "this pipeline can give it at most"},
		"hold":   {&pieces{streams: [][]byte{[]byte("a\n")}, hold: 127 << 10}, "this pipeline can spare at most"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := poisoned(128 << 10)
				dst := weirtest.NewMemSink(weir.Footprint{})
				_, err := weir.Ingest(t.Context(), c.src, dst, weir.Options{Batch: 4 << 10, Budget: b, Guarantee: b.Limit(), Streams: 2})
				if weir.KindOf(err) != weir.Rejected || !strings.Contains(err.Error(), c.want) {
					t.Errorf("err = %v", err)
				}
				if _, ok := dst.Committed("s0"); ok {
					t.Error("committed")
				}
				if s := b.Stats(); s.Used != 0 || s.Held != 0 {
					t.Errorf("%+v", s)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Streams wait for what they hold for their whole life while others hold theirs,
// and each is read to its end.
func TestHoldsAreGrantedAsFarAsThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &pieces{hold: 24 << 10, wait: time.Millisecond}
		for i := range 10 {
			src.streams = append(src.streams, fmt.Appendf(nil, "stream %d\n", i))
		}
		b := poisoned(100 << 10)
		dst := weirtest.NewMemSink(weir.Footprint{})
		_, err := weir.Ingest(t.Context(), src, dst, weir.Options{Batch: 4 << 10, Budget: b, Guarantee: b.Limit(), Streams: 8})
		if err != nil {
			t.Fatal(err)
		}
		if src.most != 2*src.hold {
			t.Errorf("%d bytes were held at once, want two streams' of %d", src.most, src.hold)
		}
		if n := len(dst.Streams()); n != 10 {
			t.Errorf("%d streams arrived", n)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}
