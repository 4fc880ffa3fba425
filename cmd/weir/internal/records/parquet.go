package records

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirflow/weir/cmd/weir/internal/size"
	"github.com/weirflow/weir/codec/parquet"
)

// parquetCompressions are those of the pages of Parquet that is written.
var parquetCompressions = []string{"zstd", "snappy", "gzip", "none"}

// cutParquet reports whether a spec is of Parquet, and returns what follows the name.
func cutParquet(spec string) (is bool, settings string) {
	rest, found := strings.CutPrefix(spec, Parquet)
	return found && (rest == "" || rest[0] == ',' || rest[0] == '+'), rest
}

func isParquet(spec string) bool {
	is, _ := cutParquet(spec)
	return is
}

// parseParquet reads how Parquet is written:
//
//	parquet    parquet+snappy    parquet,row-group=64MiB,footer=4MiB,columns=2000+none
//
// Package parquet has the bounds.
func parseParquet(spec string) (parquet.Options, error) {
	var o parquet.Options
	_, rest := cutParquet(spec)
	rest, compression, compressed := strings.Cut(rest, "+")
	if o.Compression = compression; compressed && !slices.Contains(parquetCompressions, compression) {
		return o, fmt.Errorf("the compression of Parquet cannot be %q: it is one of %s", compression, strings.Join(parquetCompressions, ", "))
	}
	for setting := range strings.SplitSeq(strings.TrimPrefix(rest, ","), ",") {
		if setting == "" {
			continue
		}
		if err := setParquet(&o, setting); err != nil {
			return o, err
		}
	}
	return o, nil
}

// setParquet sets what "row-group=64MiB" or the like says.
func setParquet(o *parquet.Options, setting string) error {
	key, value, _ := strings.Cut(setting, "=")
	var err error
	switch key {
	case "row-group":
		o.RowGroupBytes, err = parquetBytes(value)
	case "footer":
		o.FooterBytes, err = parquetBytes(value)
	case "columns":
		o.MaxColumns, err = strconv.Atoi(value)
		if err == nil && o.MaxColumns < 1 {
			err = errors.New("it must be 1 or more")
		}
	default:
		return fmt.Errorf("no setting is called %q: it is one of row-group, footer, columns", key)
	}
	if err != nil {
		return fmt.Errorf("the setting %q cannot be %q: %w", key, value, err)
	}
	return nil
}

func parquetBytes(text string) (int, error) {
	n, err := size.Parse(text)
	if err == nil && (n < 1 || n > 1<<30) {
		err = errors.New("it must be up to 1GiB")
	}
	return int(n), err
}

// parquetRead is how Parquet is read. Columns that nobody asks for are not looked at
// if no stage could need them.
func (p *Pipeline) parquetRead() parquet.Options {
	o := parquet.Options{Bad: p.bad, MaxRecord: int(p.ask.MaxRecord), Rename: parquet.RenameRecords}
	if len(p.ask.Stages) == 0 {
		o.Columns = p.ask.Columns
	}
	return o
}
