package parquet

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weirflow/weir"
)

// Extension is what names of Parquet files end with.
const Extension = ".parquet"

// Defaults and bounds of Options.
const (
	DefaultMaxRecord     = 16 << 20
	DefaultRowGroupBytes = 4 << 20
	DefaultFooterBytes   = 2 << 20
	DefaultMaxColumns    = 1024

	maxMaxRecord     = 1 << 30
	minRowGroupBytes = 256 << 10
	maxRowGroupBytes = 1 << 30
	minFooterBytes   = 64 << 10
	maxFooterBytes   = 1 << 30
	maxMaxColumns    = 1 << 14

	// recordShare is the part of a row group that one write may take: values may
	// need more room there than as JSON.
	recordShare = 4
)

// Options are the choices of NewSource and NewSink. The zero value works.
type Options struct {
	// Rename, if not nil, gives the streams of either their names; RenameRecords and
	// RenameFile are two. Default: names stay.
	Rename func(name string) string

	// Columns are the names of the fields of the record that a source reads; the
	// others are not looked at. Default: all.
	Columns []string

	// MaxRecord is the largest record that a source makes of a row, in bytes; a
	// longer one is a bad record. A row of a few bytes may be a list of any length.
	// At most 1 GiB. Default: DefaultMaxRecord.
	MaxRecord int

	// Schema are the columns that a sink writes, each a name and a type, with
	// commas between them:
	//
	//	id int64, name string, "first seen" timestamp(ms), price decimal(12,2), tags json
	//
	// The package documentation lists the types. A name with white space, commas,
	// brackets or quotes in it is written as a string of JSON. Default: what the
	// records of the first write need.
	Schema string

	// Bad decides about rows that are longer than MaxRecord, and about records that
	// a sink cannot put into its columns. Default: weir.FailBad.
	Bad weir.BadPolicy

	// RowGroupBytes is what a sink's Writer collects before it writes a row group,
	// in bytes of values, with nine for each value there is or is not. A write may
	// have a quarter of it. From 256 KiB to 1 GiB. Default: DefaultRowGroupBytes.
	RowGroupBytes int

	// FooterBytes is what the descriptions of the row groups may take that are
	// written at the end of a file, about 100 bytes for each column of each row
	// group; they bound the size of a file. From 64 KiB to 1 GiB. Default:
	// DefaultFooterBytes.
	FooterBytes int

	// MaxColumns is the largest number of columns that a sink writes, at most
	// 16,384. Default: DefaultMaxColumns.
	MaxColumns int

	// Compression of a sink's pages: "zstd", "snappy", "gzip" or "none". Default:
	// "zstd".
	Compression string
}

func (o Options) withDefaults() Options {
	if o.MaxRecord == 0 {
		o.MaxRecord = DefaultMaxRecord
	}
	if o.RowGroupBytes == 0 {
		o.RowGroupBytes = DefaultRowGroupBytes
	}
	if o.FooterBytes == 0 {
		o.FooterBytes = DefaultFooterBytes
	}
	if o.MaxColumns == 0 {
		o.MaxColumns = DefaultMaxColumns
	}
	if o.Compression == "" {
		o.Compression = compressZstd
	}
	return o
}

// validate reports every option that is out of bounds. It is called with defaults.
func (o Options) validate() error {
	var errs []error
	bad := func(name string, value any, bound string) {
		errs = append(errs, fmt.Errorf("option %s is %v; it must be %s", name, value, bound))
	}
	if o.MaxRecord < 0 || o.MaxRecord > maxMaxRecord {
		bad("MaxRecord", o.MaxRecord, "0 (default) or up to 1 GiB, in bytes")
	}
	if o.RowGroupBytes < minRowGroupBytes || o.RowGroupBytes > maxRowGroupBytes {
		bad("RowGroupBytes", o.RowGroupBytes, "0 (default) or from 256 KiB to 1 GiB, in bytes")
	}
	if o.FooterBytes < minFooterBytes || o.FooterBytes > maxFooterBytes {
		bad("FooterBytes", o.FooterBytes, "0 (default) or from 64 KiB to 1 GiB, in bytes")
	}
	if most := min(maxMaxColumns, o.RowGroupBytes/recordShare/cellSize); o.MaxColumns < 1 || o.MaxColumns > most {
		bad("MaxColumns", o.MaxColumns, fmt.Sprintf("0 (default) or up to %d with row groups of %d bytes", most, o.RowGroupBytes))
	}
	if !knownCompression(o.Compression) {
		bad("Compression", fmt.Sprintf("%q", o.Compression), "zstd, snappy, gzip or none")
	}
	return errors.Join(errs...)
}

func (o Options) name(of string) string {
	if o.Rename == nil {
		return of
	}
	return o.Rename(of)
}

// RenameRecords is a Rename for a source: "a.parquet" becomes "a.ndjson".
func RenameRecords(name string) string {
	if stem, ok := strings.CutSuffix(name, Extension); ok {
		return stem + ".ndjson"
	}
	return name
}

// RenameFile is a Rename for a sink: "a.ndjson", "a.jsonl" and "a.json" become
// "a.parquet", and what has another ending gets this one.
func RenameFile(name string) string {
	for _, end := range []string{".ndjson", ".jsonl", ".json", Extension} {
		if stem, ok := strings.CutSuffix(name, end); ok {
			return stem + Extension
		}
	}
	return name + Extension
}
