package records

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

// dynamicExpand is the output set aside for a batch whose format is not known
// ahead: that of rows.
const dynamicExpand = 3

// dynamicStep makes JSON objects of records of whatever format each stream has.
func (p *Pipeline) dynamicStep() weir.Step {
	var mu sync.Mutex
	steps := map[string]weir.Transform{} // by format: as many as there are
	find := func(format string) (weir.Transform, error) {
		mu.Lock()
		defer mu.Unlock()
		if f, known := steps[format]; known {
			return f, nil
		}
		spec, err := codec.ParseSpec(format)
		if err != nil {
			return nil, err
		}
		if tell := p.notice.Load(); tell != nil && spec.Format.Name == codec.Lines {
			(*tell)("what is read is taken for lines of text, each the message of a record; if it is something else, say what with --from")
		}
		o := p.conversion()
		if isRows(spec.Format) {
			o.Text = codec.Replace // rows cannot be kept as base64
		}
		made, err := codec.Convert(spec.Format, codec.Format{Name: codec.NDJSON}, o)
		if err != nil {
			return nil, err
		}
		f := copyRecords
		if len(made) == 1 {
			f = made[0].Do
		}
		steps[format] = f
		return f, nil
	}
	return weir.Step{
		Name: "to ndjson", Expand: dynamicExpand, PerWorker: 704 << 10,
		Do: func(ctx context.Context, in, out *weir.Batch) error {
			if in.Format() == "" {
				return unknownFormat(in)
			}
			f, err := find(in.Format())
			if err != nil {
				return err
			}
			return f(ctx, in, out)
		},
	}
}

// tellTable tells, once, that a stream is taken for a table.
func (p *Pipeline) tellTable(stream string, f codec.Format, header []byte) {
	tell := p.notice.Load()
	if tell == nil {
		return
	}
	p.guessed.Do(func() {
		(*tell)(fmt.Sprintf("%s looks like %s with the columns %s, and is taken for that; if it is something else, say what with --from, such as --from lines",
			stream, f, strings.ReplaceAll(string(header), string(f.Separator), ", ")))
	})
}

// unknownFormat is the error of a stream of bytes that are no records.
func unknownFormat(in *weir.Batch) error {
	e := &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf("the format of %s is not known; say it with --from", in.Stream())}
	if name := in.Stream(); strings.HasSuffix(strings.ToLower(name), "."+Parquet) || bytes.HasPrefix(in.Bytes(), []byte("PAR1")) {
		e.Err = fmt.Errorf("%s is Parquet, which is not read together with other formats, nor from a pipe: move such files by themselves", name)
	}
	return e
}

// copyRecords passes records that are what they should be.
func copyRecords(_ context.Context, in, out *weir.Batch) error {
	for i := range in.Records() {
		if !out.Append(in.Record(i)) {
			return weir.ErrBatchFull
		}
	}
	return nil
}
