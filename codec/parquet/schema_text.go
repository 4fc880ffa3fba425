package parquet

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/weirflow/weir/codec/jsonscan"
)

// maxFieldNames is how many bytes the names of all columns that a sink writes may
// have.
const maxFieldNames = 256 << 10

// CheckSchema reports what is wrong with the text of Options.Schema.
func CheckSchema(text string) error {
	_, err := parseSchema(text)
	return err
}

// parseSchema reads the columns of a schema.
func parseSchema(text string) ([]field, error) {
	p := schemaParser{rest: text}
	var columns []field
	seen, size := map[string]bool{}, 0
	for {
		c, err := p.column()
		if err != nil {
			return nil, fmt.Errorf("the schema at byte %d: %w", len(text)-len(p.rest), err)
		}
		if seen[c.name] {
			return nil, fmt.Errorf("the schema has two columns %q", c.name)
		}
		if size += len(c.name); size > maxFieldNames {
			return nil, fmt.Errorf("the names in the schema have more than %d bytes", maxFieldNames)
		}
		seen[c.name] = true
		columns = append(columns, c)
		if p.skipSpace(); p.rest == "" {
			return columns, nil
		}
		if !p.take(",") {
			return nil, fmt.Errorf("the schema at byte %d: want a comma or the end", len(text)-len(p.rest))
		}
	}
}

// schemaParser takes the text of a schema apart, from the front of rest.
type schemaParser struct{ rest string }

func (p *schemaParser) skipSpace() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *schemaParser) take(s string) bool {
	p.skipSpace()
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *schemaParser) column() (c field, err error) {
	if c.name, err = p.name(); err != nil {
		return c, err
	}
	word := p.word()
	for k, name := range kindNames {
		if name == word {
			c.kind = kind(k)
			return c, p.arguments(&c)
		}
	}
	if word == "" {
		return c, fmt.Errorf("the column %q has no type", c.name)
	}
	return c, fmt.Errorf("the column %q has the unknown type %q; want one of %s", c.name, word, strings.Join(kindNames[:], ", "))
}

// word takes what has no white space and no sign that means something here.
func (p *schemaParser) word() string {
	p.skipSpace()
	end := strings.IndexAny(p.rest, " \t\r\n,()\"")
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word
}

func (p *schemaParser) name() (string, error) {
	p.skipSpace()
	if !strings.HasPrefix(p.rest, `"`) {
		if word := p.word(); word != "" {
			return word, nil
		}
		return "", errors.New("want the name of a column")
	}
	raw := []byte(p.rest)
	_, end, _, err := jsonscan.Value(raw, 0)
	if err != nil {
		return "", err
	}
	name, err := jsonscan.Unquote(nil, raw[:end])
	p.rest = p.rest[end:]
	return string(name), err
}

// arguments reads what stands in brackets behind a type.
func (p *schemaParser) arguments(c *field) error {
	timed := c.kind == kindTime || c.kind == kindInstant || c.kind == kindLocal
	switch {
	case timed && p.take("("):
		unit := p.word()
		c.digits = map[string]int{"ms": 3, "us": 6, "ns": 9}[unit]
		if c.digits == 0 {
			return fmt.Errorf("the column %q has the unit %q; want ms, us or ns", c.name, unit)
		}
		return p.closing()
	case timed:
		c.digits = 6
	case c.kind == kindDecimal:
		return p.decimal(c)
	case p.take("("):
		return fmt.Errorf("the column %q has a type that takes nothing in brackets", c.name)
	}
	return nil
}

func (p *schemaParser) decimal(c *field) (err error) {
	if !p.take("(") {
		return fmt.Errorf("the column %q has a decimal without the number of its digits: decimal(18,2)", c.name)
	}
	if c.digits, err = strconv.Atoi(p.word()); err != nil || c.digits < 1 || c.digits > digitsIn16Bytes {
		return fmt.Errorf("the column %q has a decimal whose digits are not a number from 1 to %d", c.name, digitsIn16Bytes)
	}
	if p.take(",") {
		if c.scale, err = strconv.Atoi(p.word()); err != nil || c.scale < 0 || c.scale > c.digits {
			return fmt.Errorf("the column %q has a decimal whose digits behind the point are not a number from 0 to %d", c.name, c.digits)
		}
	}
	return p.closing()
}

func (p *schemaParser) closing() error {
	if !p.take(")") {
		return errors.New("want a closing bracket")
	}
	return nil
}
