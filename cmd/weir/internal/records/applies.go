package records

import (
	"errors"

	"github.com/weirflow/weir/codec"
)

// applies reports everything that was asked for and would do nothing. What is found
// out stream by stream may be anything.
func (a Ask) applies(d decision) error {
	var errs []error
	refuse := func(asked bool, text string) {
		if asked {
			errs = append(errs, errors.New(text))
		}
	}
	readsAny := d.mode == convert && !d.yields && !d.fromParquet && d.from.Format.Name == codec.Auto
	readsRows := d.mode == convert && !d.yields && isRows(d.from.Format)
	readsOpaque := d.mode == convert && !d.yields && !d.fromParquet && isRecords(d.from.Format) && !isText(d.from.Format)
	writesRows := d.mode == convert && !d.toParquet && isRows(d.to.Format)
	projects := d.mode == convert && d.fromParquet && len(a.Stages) == 0

	refuse(a.Columns != nil && !writesRows && !projects && !(readsRows && d.from.Format.NoHeader),
		"--columns is about CSV and TSV, and neither is written, nor read without a header")
	refuse(a.DropOthers && !writesRows, "--drop-others is about CSV and TSV that are made of other records, and none are")
	refuse(a.Strings && !readsRows && !readsAny, "--strings is about CSV and TSV, and neither is read into something else")
	refuse(a.Message != "" && !readsOpaque && !readsAny, "--message-field is about records such as lines, and none become something else")
	refuse(a.UTF8 == Base64 && !readsOpaque && !readsAny, "--utf8 base64 is about records such as lines, and none become something else")
	refuse(a.Schema != "" && !d.toParquet, "--schema is about Parquet, and none is written")
	refuse(a.Level > 0 && (d.toParquet || method(d.to.Compression) == ""),
		"--level is about compression, and none is written; ask for it by the name of the destination or with --to, such as --to +zstd")
	return errors.Join(errs...)
}

// isText reports whether records of a format are JSON values or rows.
func isText(f codec.Format) bool { return structured(f) || f.Name == codec.JSON }
