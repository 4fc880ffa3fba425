package records

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/codec/compress"
	"github.com/weirflow/weir/codec/parquet"
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
	piped    bool // the source is standard input
	joins    bool // several streams become one output

	fromParquet, toParquet bool
	parquet                parquet.Options // where it is written
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
	d.joins = to.Joins
	if d.joins && d.toParquet {
		return d, errors.New("several streams cannot be one Parquet file; write them to a directory, or one by one")
	}
	switch {
	case a.needsRecords(), d.takes, d.fromParquet && !d.toParquet && (named || asked), d.toParquet && (!d.fromParquet || a.To != "" || a.Schema != ""):
		d.mode = convert
	case d.toParquet: // from Parquet: it passes as it is
		d.toParquet = false
	case d.areBytes(a):
		d.mode = recompress
	case asked && (isRecords(d.from.Format) || isRecords(d.to.Format)):
		d.mode = convert
	case !asked && d.joins && d.known && surrounded(d.from.Format):
		d.mode, named, d.to = convert, true, codec.Spec{Format: d.from.Format, Compression: writable(d.from.Compression)}
	case asked:
		d.mode = recompress
	case named && d.piped && d.to.Format.Name == codec.NDJSON: // whatever it is, lines of JSON are wanted
		d.mode = convert
	case !named || !d.known || d.from == d.to:
	case !sameFormat(d.from.Format, d.to.Format):
		d.mode = convert
	case method(d.from.Compression) == method(d.to.Compression):
	case d.yields:
		d.mode = convert
	default:
		d.mode = recompress
	}
	if to.Divided {
		if err := d.divide(to); err != nil {
			return d, err
		}
	}
	switch {
	case d.mode == convert:
		return d, d.complete(a, named)
	case d.mode == asIs && a.Level > 0 && method(d.to.Compression) != "":
		d.mode = recompress // what is compressed that way already is compressed again
	}
	return d, nil
}

// needsRecords reports whether something is to be done with each record.
func (a Ask) needsRecords() bool {
	return len(a.Stages) > 0 || a.Validate || a.MaxRecord > 0 || a.Columns != nil ||
		a.UTF8 != "" && a.UTF8 != Keep || a.OnError != "" && a.OnError != Fail
}

// areBytes reports whether one end was said to be bytes, and nothing else was said of
// the other one: then its name does not matter.
func (d *decision) areBytes(a Ask) bool {
	from, to := d.from.Format.Name == codec.Bytes, d.to.Format.Name == codec.Bytes
	switch {
	case from && a.From != "":
		return a.To == "" || !isRecords(d.to.Format)
	case to && a.To != "":
		return a.From == "" || !isRecords(d.from.Format)
	}
	return false
}

// divide sees to it that each part of a stream is whole by itself: it ends behind a
// record, where there are any, and is compressed by itself.
func (d *decision) divide(to Destination) error {
	if d.toParquet || strings.HasSuffix(strings.ToLower(to.Name), "."+Parquet) || d.fromParquet && d.mode != convert {
		return errors.New("a Parquet file is not divided into parts; leave out --roll-size and --roll-every, or choose another format")
	}
	if d.mode == convert {
		return nil
	}
	if !isRecords(d.from.Format) && isRecords(d.to.Format) {
		d.from.Format = d.to.Format // bytes that pass as they are are taken for what the name says
	}
	if d.to.Compression == "" {
		d.to.Compression = d.from.Compression
	}
	switch {
	case isRecords(d.from.Format):
		d.mode = convert
	case method(d.from.Compression) != "":
		d.mode = recompress
	}
	return nil
}

// findFrom finds out what the sources are.
func (d *decision) findFrom(a Ask, sources []Source) (err error) {
	if a.From != "" {
		d.known = true
		var settings string
		if d.fromParquet, settings = cutParquet(a.From); d.fromParquet {
			if settings != "" {
				err = errFormat("--from", a.From, errors.New("Parquet that is read has no settings"))
			}
			return err
		}
		d.from, err = codec.ParseSpec(a.From)
		if err != nil {
			return errFormat("--from", a.From, err)
		}
		return nil
	}
	for i, s := range sources {
		one := decision{yields: s.Yields != "", known: s.Yields != "", piped: s.Piped && len(sources) == 1}
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
	case isParquet(a.To):
		d.toParquet = true
		if d.parquet, err = parseParquet(a.To); err != nil {
			err = errFormat("--to", a.To, err)
		}
		return true, err
	case a.To != "":
		if d.to, err = codec.ParseSpec(a.To); err != nil {
			err = errFormat("--to", a.To, err)
		}
		return true, err
	case to.Name == "":
		return false, nil
	case strings.HasSuffix(strings.ToLower(to.Name), "."+Parquet):
		d.toParquet = true
		return true, nil
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
	return isRows(f) || f.Name == codec.NDJSON
}

// surrounded reports whether files of a format have something around their records:
// one behind another they are no such file.
func surrounded(f codec.Format) bool {
	return f.Name == codec.JSON || isRows(f) && !f.NoHeader
}

// writable is a compression if it can be written, and otherwise none.
func writable(compression string) string {
	m, err := compress.ByName(compression)
	if err != nil || compress.EncoderMemory(m, 0) == 0 {
		return codec.None
	}
	return compression
}

// isRows reports whether records of a format are rows.
func isRows(f codec.Format) bool { return f.Name == codec.CSV || f.Name == codec.TSV }

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
