package transform_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/transform"
)

func TestRecordsCountsWhatAFunctionDoes(t *testing.T) {
	odd := errors.New("odd")
	f := transform.Records(func(_ context.Context, rec []byte, emit func([]byte) error) error {
		for range strings.Count(string(rec), "x") {
			if err := emit(rec); err != nil {
				return err
			}
		}
		if strings.Contains(string(rec), "!") {
			return odd
		}
		return nil
	}, skipBad)
	in, out := batchOf(t, "a\nx\nxx\n!\nx!\nxxx!\n"), weir.NewBatch(1024)
	if err := f(context.Background(), in, out); err != nil {
		t.Fatal(err)
	}
	if got, want := string(out.Bytes()), "x\nxx\nxx\nx!\nxxx!\nxxx!\nxxx!\n"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	filtered, skipped, added := out.Noted(weir.Filtered).Records, out.Noted(weir.Skipped).Records, out.Noted(weir.Added).Records
	if filtered != 1 || skipped != 3 || int64(in.Records())+added != int64(out.Records())+filtered+skipped {
		t.Errorf("%d filtered, %d skipped, %d added of %d in and %d out", filtered, skipped, added, in.Records(), out.Records())
	}
}

func TestRecordsReturnsWhatMustEndTheStream(t *testing.T) {
	odd := errors.New("odd")
	fail := transform.Records(func(context.Context, []byte, func([]byte) error) error { return odd }, transform.Options{})
	in := batchOf(t, "a\nb\n")
	in.SetFirstRecord(5)
	err := fail(context.Background(), in, weir.NewBatch(100))
	var bad *weir.BadRecord
	if !errors.Is(err, odd) || !errors.As(err, &bad) || bad.Record != 5 {
		t.Errorf("without a policy: %v", err)
	}
	twice := transform.Records(func(_ context.Context, rec []byte, emit func([]byte) error) error {
		return errors.Join(emit(rec), emit(rec))
	}, skipBad)
	if err := twice(context.Background(), in, weir.NewBatch(20)); !errors.Is(err, weir.ErrBatchFull) {
		t.Errorf("a full batch: %v", err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	if err := twice(ctx, in, weir.NewBatch(1000)); !errors.Is(err, cause) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestMapsKeepsTheTextOfNumbers(t *testing.T) {
	f := transform.Maps(func(_ context.Context, rec map[string]any) (map[string]any, error) {
		switch {
		case rec["drop"] != nil:
			return nil, nil
		case rec["fail"] != nil:
			return rec, errors.New("failed")
		}
		rec["new"] = "<é>"
		return rec, nil
	}, skipBad)
	in := batchOf(t, `{"id":12345678901234567890,"f":1.50}`+"\n"+`{"drop":1}`+"\n"+`{"fail":1}`+"\n[]\nnull\n{} {}\n{\n")
	out := weir.NewBatch(1024)
	if err := f(context.Background(), in, out); err != nil {
		t.Fatal(err)
	}
	if got, want := string(out.Bytes()), `{"f":1.50,"id":12345678901234567890,"new":"<é>"}`+"\n"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	if filtered, skipped := out.Noted(weir.Filtered).Records, out.Noted(weir.Skipped).Records; filtered != 1 || skipped != 5 {
		t.Errorf("%d filtered, %d skipped; want 1 and 5", filtered, skipped)
	}
}
