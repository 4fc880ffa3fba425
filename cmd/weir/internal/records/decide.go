package records

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/codec/compress"
)

// mode is how much is done to the content.
type mode uint8

const (
	asIs       mode = iota // nothing
	recompress             // bytes are decompressed or compressed
	convert                // there are records
)

// decision is what sources and destination are.
type decision struct {
	mode     mode
	from, to codec.Spec
	known    bool // from is, for all sources
	yields   bool // the sources give records by themselves
	takes    bool // the destination takes records

	fromParquet, toParquet bool
}

// decide finds out what is to be done from flags and names.
func decide(a Ask, sources []Source, to Destination) (decision, error) {
	var d decision
	if err := d.findFrom(a, sources); err != nil {
		return d, err
	}
	named, err := d.findTo(a, to)
	if err != nil {
		return d, err
	}
	asked := a.From != "" || a.To != ""
	switch {
	case len(a.Stages) > 0, d.takes, a.Validate, a.MaxRecord > 0, a.Columns != nil, a.UTF8 != "" && a.UTF8 != Keep, a.OnError != "" && a.OnError != Fail,
		asked && (isRecords(d.from.Format) || isRecords(d.to.Format)),
		d.fromParquet && (named || asked), d.toParquet:
		d.mode = convert
	case asked:
		d.mode = recompress
	case !named || !d.known || d.from == d.to:
	case !sameFormat(d.from.Format, d.to.Format):
		d.mode = convert
	case method(d.from.Compression) == method(d.to.Compression):
	case d.yields:
		d.mode = convert
	default:
		d.mode = recompress
	}
	if d.mode == convert {
		return d, d.complete(a, named)
	}
	return d, nil
}

// findFrom finds out what the sources are.
func (d *decision) findFrom(a Ask, sources []Source) (err error) {
	if a.From != "" {
		d.known = true
		if a.From == Parquet {
			d.fromParquet = true
			return nil
		}
		d.from, err = codec.ParseSpec(a.From)
		if err != nil {
			return errFormat("--from", a.From, err)
		}
		return nil
	}
	for i, s := range sources {
		one := decision{yields: s.Yields != "", known: s.Yields != ""}
		if one.yields {
			if one.from, err = codec.ParseSpec(s.Yields + "+" + codec.None); err != nil {
				return err
			}
		} else {
			one.fromParquet = strings.HasSuffix(strings.ToLower(s.Name), "."+Parquet)
			one.from, one.known = codec.InferSpec(base(s.Name))
			one.known = one.known || one.fromParquet
		}
		if i == 0 {
			*d = one
			continue
		}
		if one.yields != d.yields || one.fromParquet != d.fromParquet {
			return fmt.Errorf("the sources are of different kinds (%s); move them one by one, or say what they all are with --from", s.Name)
		}
		if one.from != d.from || !one.known {
			d.from, d.known = codec.Spec{}, false
		}
	}
	return nil
}

// findTo finds out what the destination is, and reports whether that is known.
func (d *decision) findTo(a Ask, to Destination) (named bool, err error) {
	d.takes = to.Takes != ""
	switch {
	case d.takes && a.To != "":
		return false, errors.New("--to: this destination takes records and has no format")
	case d.takes:
		d.to, err = codec.ParseSpec(to.Takes)
		return true, err
	case a.To == Parquet:
		d.toParquet = true
		return true, nil
	case a.To != "":
		if d.to, err = codec.ParseSpec(a.To); err != nil {
			err = errFormat("--to", a.To, err)
		}
		return true, err
	case to.Name == "":
		return false, nil
	case strings.HasSuffix(strings.ToLower(to.Name), "."+Parquet):
		d.toParquet = !d.fromParquet || len(a.Stages) > 0
		return d.toParquet, nil
	}
	d.to, named = codec.InferSpec(base(to.Name))
	return named, nil
}

// complete fills in what neither flags nor names said.
func (d *decision) complete(a Ask, named bool) error {
	if d.to.Format.Name == codec.Auto && !d.toParquet {
		d.to.Format = codec.Format{Name: codec.NDJSON}
		if keeps(d.from.Format) && !d.yields && !d.fromParquet && (len(a.Stages) == 0 || structured(d.from.Format)) {
			d.to.Format = d.from.Format
		}
	}
	if d.from.Format.Name == codec.Bytes && (len(a.Stages) > 0 || d.to.Format.Name != codec.Bytes) {
		return errors.New("the source is bytes without records; say with --from how they are divided, such as lines")
	}
	if !named && d.to.Compression == "" {
		d.to.Compression = codec.None
	}
	return nil
}

// isRecords reports whether a format is named that has records.
func isRecords(f codec.Format) bool { return f.Name != codec.Auto && f.Name != codec.Bytes }

// keeps reports whether a format is known and can be written as it was read.
func keeps(f codec.Format) bool { return f.Name != codec.Auto && f.Name != codec.JSON }

// structured reports whether records of a format have fields.
func structured(f codec.Format) bool {
	return f.Name == codec.CSV || f.Name == codec.TSV || f.Name == codec.NDJSON
}

// sameFormat reports whether two names say nothing that differs but compression.
func sameFormat(from, to codec.Format) bool {
	return from == to || from.Name == codec.Auto || to.Name == codec.Auto
}

// method returns the extension of a compression, or nothing for none.
func method(name string) string {
	m, err := compress.ByName(name)
	if name == "" || err != nil || m == compress.None {
		return ""
	}
	return m.Extensions()[0]
}

func (d decision) fromText() string {
	switch {
	case d.fromParquet:
		return Parquet
	case d.yields:
		return "records"
	case !d.known:
		return "found by content"
	}
	return d.from.String()
}

func (d decision) toText() string {
	if d.toParquet {
		return Parquet
	}
	return d.to.String()
}
