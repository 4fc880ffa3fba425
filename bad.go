package weir

import (
	"context"
	"fmt"
	"strings"
)

// Fate is what became of a record that was read and not delivered as such. The
// ledger of a run (Stats) counts each where it happens; see Batch.Note.
type Fate uint8

// The fates.
const (
	// Filtered records were left out on purpose: a condition, a sample, a
	// duplicate.
	Filtered Fate = iota
	// Skipped records could not be used and were given up on, by policy.
	Skipped
	// DeadLettered records could not be used and were stored elsewhere, with the
	// reason.
	DeadLettered
	// Added records were made by a transform beside the one they came from.
	Added

	fates
)

// MaxExcerpt is the largest excerpt of a BadRecord, in bytes.
const MaxExcerpt = 4 << 10

// A BadRecord is a record that a stage could not use.
type BadRecord struct {
	Stage   string // what could not use it: "csv", "where", "sink postgres"
	Stream  string // the stream's name
	Record  int64  // its number in the stream, from 1; 0: not known
	Offset  int64  // of its first byte in the stream, after decompression; -1: not known
	Line    int64  // that it begins in, of text, as an editor counts them, from 1; 0: not known
	Size    int64  // bytes of the whole record
	Reason  error
	Excerpt []byte // at most MaxExcerpt bytes from its beginning; valid during the call
	Whole   []byte // all of it, if that is at hand; valid during the call
}

// Error places the reason, so that a BadRecord can be the error of a stream that
// it fails.
func (r *BadRecord) Error() string {
	var at []string
	if r.Line > 0 {
		at = append(at, fmt.Sprintf("line %d", r.Line))
	}
	if r.Record > 0 {
		at = append(at, fmt.Sprintf("record %d", r.Record))
	}
	if r.Offset >= 0 {
		at = append(at, fmt.Sprintf("offset %d", r.Offset))
	}
	text := fmt.Sprintf("%s: ", r.Stage)
	if len(at) > 0 {
		text += strings.Join(at, ", ") + ": "
	}
	return text + r.Reason.Error()
}

// Unwrap returns the reason.
func (r *BadRecord) Unwrap() error { return r.Reason }

// A BadPolicy decides what becomes of a bad record: Skipped, DeadLettered, once
// the letter is stored, or an error, which fails the stream. It is called from
// several goroutines at once. r and its excerpt are the caller's again when it
// returns.
type BadPolicy func(ctx context.Context, r *BadRecord) (Fate, error)

// FailBad is the policy that fails the stream.
func FailBad(_ context.Context, r *BadRecord) (Fate, error) {
	kept := *r
	kept.Excerpt, kept.Whole = nil, nil
	return Filtered, &Error{Kind: Rejected, Err: &kept}
}

// SkipBad is the policy that counts the record and goes on.
func SkipBad(context.Context, *BadRecord) (Fate, error) { return Skipped, nil }

// Decide applies the policy, FailBad if it is nil, and notes the fate on b, the
// batch that is being filled.
func (p BadPolicy) Decide(ctx context.Context, r *BadRecord, b *Batch) error {
	if p == nil {
		p = FailBad
	}
	fate, err := p(ctx, r)
	if err != nil {
		return err
	}
	b.Note(fate, 1, r.Size)
	return nil
}
