// Package manpage writes the manual page of a tree of commands.
package manpage

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weirflow/weir/cmd/weir/internal/registry"
)

// Group is the annotation of a flag whose value is the title under which it is
// shown.
const Group = "group"

// Write writes one page, in the roff of man(7), for root and all its commands
// that are not hidden.
func Write(w io.Writer, root *cobra.Command, connectors []registry.Connector) error {
	p := &page{w: bufio.NewWriter(w)}
	p.macro(".TH", strings.ToUpper(root.Name()), "1", "", root.Name(), "User Commands")
	p.macro(".SH", "NAME")
	p.text(root.Name() + " - " + root.Short)
	p.macro(".SH", "SYNOPSIS")
	commands := visible(root)
	for _, c := range commands {
		p.macro(".B", c.UseLine())
		p.raw(".br")
	}
	p.macro(".SH", "DESCRIPTION")
	p.paragraphs(root.Long)
	p.examples(root.Example)
	p.macro(".SH", "COMMANDS")
	for _, c := range commands {
		p.command(c)
	}
	p.macro(".SH", "CONNECTORS")
	for _, c := range connectors {
		p.connector(c)
	}
	p.macro(".SH", "ENVIRONMENT")
	p.item("WEIR_STATE", "The directory in which it is kept how far jobs have come, or none.")
	p.item("NO_COLOR", "If set, progress is drawn without colours.")
	p.item("TERM", "If it is dumb, progress is not drawn in place.")
	return p.w.Flush()
}

// visible returns the commands below root that are not hidden.
func visible(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && !c.Hidden {
			all = append(append(all, c), visible(c)...)
		}
	}
	return all
}

type page struct{ w *bufio.Writer }

func (p *page) command(c *cobra.Command) {
	p.macro(".SS", c.UseLine())
	p.paragraphs(long(c))
	title := ""
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if given := f.Annotations[Group]; len(given) > 0 && given[0] != title {
			title = given[0]
			p.raw(".PP")
			p.text(title + ":")
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if kind != "" {
			name += " " + kind
		}
		text := usage
		if f.DefValue != "" && f.DefValue != "false" {
			text += " (default " + f.DefValue + ")"
		}
		p.item(name, text)
	})
	p.examples(c.Example)
}

// long returns the long text of a command, or the short one as a sentence.
func long(c *cobra.Command) string {
	if c.Long != "" || c.Short == "" {
		return c.Long
	}
	return strings.ToUpper(c.Short[:1]) + c.Short[1:] + "."
}

func (p *page) connector(c registry.Connector) {
	p.macro(".SS", c.Scheme+"://"+c.Place)
	p.text(c.Summary)
	for _, param := range c.Params {
		text := param.Text
		if param.Default != "" {
			text += " (default " + param.Default + ")"
		}
		p.item(param.Name+"="+param.Type(), text)
	}
	p.examples("  " + strings.Join(c.Examples, "\n  "))
}

// examples prints lines as they are.
func (p *page) examples(s string) {
	if strings.TrimSpace(s) == "" {
		return
	}
	p.raw(".PP", ".nf", ".RS")
	p.text(s)
	p.raw(".RE", ".fi")
}

// paragraphs prints text whose paragraphs are separated by empty lines.
func (p *page) paragraphs(s string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(s), "\n\n") {
		if i > 0 {
			p.raw(".PP")
		}
		p.text(paragraph)
	}
}

// item prints a term and what it means.
func (p *page) item(term, meaning string) {
	p.raw(".TP")
	p.macro(".B", term)
	p.text(meaning)
}

// macro prints a request with quoted arguments.
func (p *page) macro(name string, args ...string) {
	p.print(name)
	for _, a := range args {
		p.print(` "` + strings.ReplaceAll(escape(a), `"`, `\(dq`) + `"`)
	}
	p.print("\n")
}

// text prints lines of text. A dot or an apostrophe that begins one would make
// it a request.
func (p *page) text(s string) {
	for line := range strings.SplitSeq(s, "\n") {
		line = escape(line)
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		p.print(line + "\n")
	}
}

func (p *page) raw(requests ...string) {
	for _, r := range requests {
		p.print(r + "\n")
	}
}

// print leaves errors to the Flush at the end, which repeats the first.
func (p *page) print(s string) { _, _ = fmt.Fprint(p.w, s) }

// escape keeps roff from interpreting characters of s.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
}
