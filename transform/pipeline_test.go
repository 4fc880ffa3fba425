package transform_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/transform"
)

// lines is a source of one stream whose records are the lines of text.
type lines struct {
	text  string
	given bool
}

func (l *lines) Next(context.Context) (weir.Stream, error) {
	if l.given {
		return nil, io.EOF
	}
	l.given = true
	return l, nil
}

func (l *lines) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: "lines", Name: "lines", Size: weir.UnknownSize}
}

func (l *lines) Seek(context.Context, weir.Position) error { return weir.ErrNotResumable }

func (l *lines) Read(_ context.Context, b *weir.Batch) error {
	for l.text != "" {
		line := l.text[:strings.IndexByte(l.text, '\n')+1]
		if !b.Append([]byte(line)) {
			return nil
		}
		l.text = l.text[len(line):]
	}
	return io.EOF
}

func (l *lines) Close() error { return nil }

func TestAProgramInAPipelineKeepsTheOrder(t *testing.T) {
	var in, want strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&in, `{"n":%d,"list":[1,2,3]}`+"\n", i)
		if i%3 == 0 {
			for k := 1; k <= 3; k++ {
				fmt.Fprintf(&want, `{"n":%d,"list":%d,"padding":"%s"}`+"\n", i, k, strings.Repeat("x", 200))
			}
		}
	}
	// What comes out of a batch is many times what goes in: the output grows.
	p := mustParse(t, `where n % 3 == 0; explode list; set padding = repeat("x", 200)`, transform.Options{})
	for _, workers := range []int{1, 3} {
		var out bytes.Buffer
		result, err := weir.Ingest(t.Context(), &lines{text: in.String()}, weir.ToWriter(&out), weir.Options{
			Steps: []weir.Step{p.Step(64 << 10)}, Workers: workers, Batch: 64 << 10,
		})
		if err != nil {
			t.Fatal(err)
		}
		if out.String() != want.String() {
			t.Errorf("%d workers: the output is not what it must be", workers)
		}
		if result.Written.Records != 20_001 {
			t.Errorf("%d workers: %d records were written", workers, result.Written.Records)
		}
	}
}

func TestABadRecordNamesItsPlaceInThePipeline(t *testing.T) {
	p := mustParse(t, "where n > 1", transform.Options{})
	_, err := weir.Ingest(t.Context(), &lines{text: "{\"n\":1}\n{\"n\":\"x\"}\n"}, weir.ToWriter(io.Discard), weir.Options{Steps: []weir.Step{p.Step(64 << 10)}})
	if err == nil || !strings.Contains(err.Error(), "where: record 2:") || !strings.Contains(err.Error(), "number(x)") {
		t.Errorf("got %v", err)
	}
}

func TestAProgramIsSafeForSeveralGoroutines(t *testing.T) {
	p := mustParse(t, `
		where status >= 200 and path matches "items" and any(split(path, "/"), # == "api")
		set first = split(upper(path), "/")[1], seconds = latency_ms / 1000
		mask email, /web-\d+/ with [x]; hash user_id with md5; parse_time ts to unix
		set list = [1, 2]; explode list; keep first, seconds, user, user_id, ts, list, host`, transform.Options{})
	in := accessLog(300)
	want := ""
	for i := range 4 {
		var wg sync.WaitGroup
		outs := make([]string, 4)
		for k := range outs {
			wg.Go(func() {
				out := weir.NewBatch(4 * in.Len())
				if err := p.Batch(context.Background(), in, out); err != nil {
					t.Error(err)
				}
				outs[k] = string(out.Bytes())
			})
		}
		wg.Wait()
		if i == 0 {
			want = outs[0]
		}
		for _, got := range outs {
			if got != want || got == "" {
				t.Fatal("the goroutines do not agree")
			}
		}
	}
}
