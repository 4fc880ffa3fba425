package records

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/transform"
	"github.com/weirflow/weir/transform/external"
)

// Kinds of stages that are not a statement of the language.
const (
	Program = "program" // several statements
	Exec    = "exec"    // a command line
)

// A Stage is one thing that is done to every record.
type Stage struct {
	kind, text string
	statements []transform.Statement
	command    string
}

// ParseStage reads a stage: a kind, or a statement's name, and its text.
func ParseStage(kind, text string) (Stage, error) {
	switch kind {
	case Program:
		all, err := transform.Split(text)
		if err == nil && len(all) == 0 {
			err = errors.New("the program is empty")
		}
		return Stage{kind: kind, text: text, statements: all}, err
	case Exec:
		if strings.TrimSpace(text) == "" {
			return Stage{}, errors.New("the command is empty; example: jq -c .")
		}
		return Stage{kind: kind, text: text, command: text}, nil
	}
	s, err := transform.ParseStatement(kind, text)
	return Stage{kind: kind, text: text, statements: []transform.Statement{s}}, err
}

// columnsStay are the statements that leave the columns what they are.
var columnsStay = []string{"where", "mask", "sample", "dedupe"}

// keepsColumns reports whether records leave the stages with the members that they
// had, if there are any.
func (a Ask) keepsColumns() bool {
	for _, s := range a.Stages {
		if !slices.Contains(columnsStay, s.kind) {
			return false
		}
	}
	return true
}

// Parts returns what was asked for that changes what is written, as text: another
// text is another job.
func (a Ask) Parts() []string {
	parts := []string{"from", a.From, "to", a.To, "columns", strings.Join(a.Columns, ",")}
	if a.UTF8 != "" {
		parts = append(parts, "utf8", string(a.UTF8))
	}
	for _, o := range []struct{ name, text string }{
		{"message-field", a.Message},
		{"schema", a.Schema},
		{"level", number(a.Level)},
		{"strings", flag(a.Strings)},
		{"drop-others", flag(a.DropOthers)},
	} {
		if o.text != "" {
			parts = append(parts, o.name, o.text)
		}
	}
	for _, s := range a.Stages {
		parts = append(parts, s.kind, s.text)
	}
	return parts
}

// number returns a number that was given as text, and nothing for none.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// flag returns a text for a flag that was given, and nothing for one that was not.
func flag(given bool) string {
	if given {
		return "yes"
	}
	return ""
}

// steps returns the steps of the stages: statements in a row are one program. json
// says that what comes out must be JSON; between stages it always must.
func (a Ask) steps(batch int, bad weir.BadPolicy, json bool) ([]weir.Step, error) {
	var steps []weir.Step
	var row []transform.Statement
	end := func() error {
		if len(row) == 0 {
			return nil
		}
		p, err := transform.New(row, transform.Options{Bad: bad})
		if err != nil {
			return err
		}
		row = nil
		steps = append(steps, p.Step(batch))
		return nil
	}
	for i, s := range a.Stages {
		row = append(row, s.statements...)
		if s.command == "" {
			continue
		}
		if err := end(); err != nil {
			return nil, err
		}
		step, err := external.Step(s.command, external.Options{JSON: json || i+1 < len(a.Stages)})
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, end()
}
