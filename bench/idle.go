package main

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/weirflow/weir"
)

// idleSource is one stream of batches that it says are full: it touches none of
// their memory. It does what the contract demands and no more.
type idleSource struct {
	batches int64
	given   bool
}

var _ weir.Source = (*idleSource)(nil)

func (s *idleSource) Next(context.Context) (weir.Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	s.given = true
	return &idleStream{left: s.batches}, nil
}

func (s *idleSource) Close() error { return nil }

type idleStream struct {
	left     int64
	position [8]byte
}

func (s *idleStream) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: "idle", Name: "idle", Size: weir.UnknownSize}
}

func (s *idleStream) Seek(context.Context, weir.Position) error { return weir.ErrNotResumable }

func (s *idleStream) Read(_ context.Context, b *weir.Batch) error {
	b.Advance(len(b.Space()))
	s.left--
	binary.LittleEndian.PutUint64(s.position[:], uint64(s.left))
	b.SetPosition(s.position[:])
	if s.left == 0 {
		return io.EOF
	}
	return nil
}

func (s *idleStream) Close() error { return nil }

// idleSink takes every batch at once. It says what it is told to say of itself.
type idleSink struct{ footprint weir.Footprint }

var _ weir.Sink = idleSink{}

func (s idleSink) Footprint() weir.Footprint { return s.footprint }

func (s idleSink) Open(context.Context, weir.StreamInfo) (weir.Writer, error) { return s, nil }

func (idleSink) Write(context.Context, *weir.Batch) error { return nil }
func (idleSink) Commit(context.Context) error             { return nil }
func (idleSink) Abort(context.Context, error) error       { return nil }
func (idleSink) Close() error                             { return nil }
