package weir

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/weirflow/weir"

// mayImport lists, for each layer, the layers of this module it may import.
// Read top to bottom, it is the architecture.
var mayImport = map[string][]string{
	"internal":   {"internal"},   // mechanisms: know nothing of records
	".":          {"internal"},   // the contract and the engine
	"weirtest":   {"."},          // conformance suites
	"observe":    {"."},          // what is seen from outside
	"codec":      {".", "codec"}, // bytes to records and back
	"transform":  {".", "codec"}, // the record language
	"deadletter": {"."},
	"checkpoint": {"."},                                                                                           // stores of positions
	"connector":  {".", "codec"},                                                                                  // ours get no private door
	"prove":      {".", "observe"},                                                                                // the experiments
	"cmd":        {".", "codec", "transform", "checkpoint", "deadletter", "connector", "observe", "prove", "cmd"}, // the one place that knows everything
	"examples":   {"."},                                                                                           // for people to copy
	"scripts":    {},                                                                                              // tools that draw and measure
}

// testsMayImport lists what the tests of a layer may import beside that.
var testsMayImport = map[string][]string{
	".":          {".", "weirtest", "connector"}, // of the external package weir_test
	"weirtest":   {"weirtest"},
	"observe":    {"observe"},
	"prove":      {"prove", "connector", "weirtest"},
	"examples":   {"examples", "connector", "weirtest"},
	"connector":  {"weirtest"}, // the conformance suites
	"codec":      {"weirtest", "connector"},
	"transform":  {"weirtest", "connector"},
	"checkpoint": {"weirtest"},
	"deadletter": {"weirtest"},
	"cmd":        {"weirtest"},
}

// Limits on shape.
const (
	maxFileLines = 800
	maxFuncLines = 70
	maxTestLines = 140  // of a function in a test: its table of cases is data
	maxRootLines = 6000 // of the root package, without tests
)

// goAllowed is the package that may start goroutines for the root and internal.
const goAllowed = "internal/lifecycle"

// vague are names of packages that say nothing.
var vague = []string{"util", "utils", "common", "helper", "helpers", "base", "shared", "types", "misc"}

// excused lists the findings that are known, with the reason. It only shrinks:
// an entry that excuses nothing fails the test.
var excused = map[string]string{}

// checker collects what is wrong with the files it is shown.
type checker struct {
	fset       *token.FileSet
	findings   []string
	documented map[string]bool // directory: one of its files has a package comment
	rootLines  int
}

func newChecker() *checker {
	return &checker{fset: token.NewFileSet(), documented: map[string]bool{}}
}

func (c *checker) report(where, format string, args ...any) {
	c.findings = append(c.findings, where+": "+fmt.Sprintf(format, args...))
}

// file checks the file name, a path from the root of the module.
func (c *checker) file(name string, src []byte) error {
	f, err := parser.ParseFile(c.fset, name, src, parser.ParseComments)
	if err != nil {
		return err
	}
	dir, isTest := path.Dir(name), strings.HasSuffix(name, "_test.go")
	lines := strings.Count(string(src), "\n")
	if lines > maxFileLines {
		c.report(name, "%d lines, limit %d", lines, maxFileLines)
	}
	c.imports(name, f, isTest)
	c.comments(name, f)
	c.declarations(name, f, isTest)
	if isTest {
		return nil
	}
	if dir == "." {
		c.rootLines += lines
	}
	c.documented[dir] = c.documented[dir] || f.Doc != nil
	c.packageName(name, f.Name.Name)
	return nil
}

func (c *checker) imports(name string, f *ast.File, isTest bool) {
	dir := path.Dir(name)
	from := layer(dir)
	if _, known := mayImport[from]; !known {
		c.report(name, "layer %q is not in the table", from)
	}
	for _, imp := range f.Imports {
		p := strings.Trim(imp.Path.Value, `"`)
		to, ours := relative(p)
		switch {
		case p == "C" || p == "unsafe" && from == ".":
			c.report(name, "imports %s", p)
		case !ours && strings.Contains(strings.Split(p, "/")[0], ".") && slices.Contains([]string{".", "internal", "weirtest"}, from):
			c.report(name, "imports %s: layer %q uses the standard library only", p, from)
		case !ours || unit(dir) == unit(to) && from != ".":
		case slices.Contains(mayImport[from], layer(to)), isTest && slices.Contains(testsMayImport[from], layer(to)):
		default:
			c.report(name, "imports %s: layer %q may not import layer %q", p, from, layer(to))
		}
		if isTest || from != "connector" || unit(dir) == unit(to) {
			continue
		}
		if ours && layer(to) == "connector" {
			c.report(name, "imports %s: a connector does not know another", p)
		}
	}
}

func (c *checker) comments(name string, f *ast.File) {
	for _, group := range f.Comments {
		for _, comment := range group.List {
			text := strings.TrimLeft(comment.Text, "/* ")
			for _, word := range []string{"TODO", "FIXME", "XXX", "HACK"} {
				if strings.HasPrefix(text, word) {
					c.report(c.line(comment), "%s: after a merge it is an issue", word)
				}
			}
		}
	}
}

func (c *checker) declarations(name string, f *ast.File, isTest bool) {
	dir := path.Dir(name)
	engine := layer(dir) == "." || layer(dir) == "internal"
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			lines := c.fset.Position(n.End()).Line - c.fset.Position(n.Pos()).Line + 1
			if limit := limitOf(isTest); lines > limit {
				c.report(name, "%s is longer than %d lines", n.Name.Name, limit)
			}
			if n.Name.Name == "init" && n.Recv == nil {
				c.report(name, "an init function: say it in cmd/weir instead")
			}
		case *ast.GoStmt:
			if engine && !isTest && dir != goAllowed {
				c.report(c.line(n), "a go statement: use %s", goAllowed)
			}
		case *ast.CallExpr:
			if !isTest && isTimeSleep(n) {
				c.report(c.line(n), "time.Sleep: wait on a timer and a context")
			}
		case *ast.ImportSpec:
			if n.Name != nil && n.Name.Name == "_" && n.Path.Value != `"embed"` {
				c.report(c.line(n), "a blank import: side effects are called by name")
			}
		}
		return true
	})
}

func limitOf(isTest bool) int {
	if isTest {
		return maxTestLines
	}
	return maxFuncLines
}

func isTimeSleep(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Sleep" {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "time"
}

func (c *checker) packageName(name, pkg string) {
	if slices.Contains(vague, pkg) {
		c.report(name, "package %s: the name says nothing", pkg)
	}
	for _, twin := range []string{"_v2", "v2", "_new", "_old", "_poc"} {
		if strings.HasSuffix(pkg, twin) || strings.HasSuffix(strings.TrimSuffix(name, ".go"), twin) {
			c.report(name, "%s: replace what is there instead of standing beside it", twin)
		}
	}
}

// packages checks what only the whole can say.
func (c *checker) packages() {
	for dir, ok := range c.documented {
		if !ok {
			c.report(dir, "the package has no package comment")
		}
	}
	if c.rootLines > maxRootLines {
		c.report(".", "the root package has %d lines, limit %d", c.rootLines, maxRootLines)
	}
}

// line is where n stands.
func (c *checker) line(n ast.Node) string {
	p := c.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// relative returns the directory of the import path p in this module.
func relative(p string) (dir string, ours bool) {
	if p == module {
		return ".", true
	}
	return strings.CutPrefix(p, module+"/")
}

// layer is the first element of dir.
func layer(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

// unit is the layer, and for a connector its own directory: connector/x may
// import connector/x/internal and nothing of its neighbours.
func unit(dir string) string {
	parts := strings.Split(dir, "/")
	if parts[0] == "connector" && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

func TestTidy(t *testing.T) {
	c := newChecker()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || ownModule(name)):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return c.file(filepath.ToSlash(name), src)
	})
	if err != nil {
		t.Fatal(err)
	}
	c.packages()
	used := map[string]bool{}
	for _, finding := range c.findings {
		if excused[finding] != "" {
			used[finding] = true
			continue
		}
		t.Error(finding)
	}
	for finding := range excused {
		if !used[finding] {
			t.Errorf("excused, and no longer found: take it out: %s", finding)
		}
	}
}

// ownModule reports whether dir is a module of its own.
func ownModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// TestTidyFinds shows the checker a file for each rule that breaks it, and one
// that breaks none.
func TestTidyFinds(t *testing.T) {
	long := strings.Repeat("\t_ = 0\n", maxFuncLines)
	for _, x := range []struct{ name, src, want string }{
		{"internal/a/a.go", "// Package a is fine.\npackage a\n", ""},
		{"connector/a/a.go", "// Package a is fine.\npackage a\nimport _ \"embed\"\nimport \"" + module + "\"\nimport \"" + module + "/connector/a/internal/b\"\n", ""},
		{"connector/a/a_test.go", "package a\nimport \"" + module + "/weirtest\"\n", ""},
		{"a_test.go", "package a\nfunc f() { go f() }\n", ""},
		{"internal/lifecycle/a.go", "// Package a is fine.\npackage a\nfunc f() { go f() }\n", ""},
		{"cmd/a/a.go", "// Package a is fine.\npackage a\nimport \"example.com/b\"\nimport \"" + module + "/connector/a\"\n", ""},

		{"internal/a/a.go", "// Package a errs.\npackage a\nimport \"" + module + "\"\n", `layer "internal" may not import layer "."`},
		{"internal/a/a.go", "// Package a errs.\npackage a\nimport \"golang.org/x/sys/unix\"\n", "standard library only"},
		{"a.go", "// Package a errs.\npackage a\nimport \"" + module + "/connector/file\"\n", `layer "." may not import layer "connector"`},
		{"a.go", "// Package a errs.\npackage a\nimport \"example.com/b\"\n", "standard library only"},
		{"connector/a/a.go", "// Package a errs.\npackage a\nimport \"" + module + "/internal/arena\"\n", `may not import layer "internal"`},
		{"connector/a/a.go", "// Package a errs.\npackage a\nimport \"" + module + "/weirtest\"\n", `may not import layer "weirtest"`},
		{"connector/a/a.go", "// Package a errs.\npackage a\nimport \"" + module + "/connector/b\"\n", "a connector does not know another"},
		{"observe/a.go", "// Package a errs.\npackage a\nimport \"" + module + "/internal/arena\"\n", `may not import layer "internal"`},
		{"weirtest/a.go", "// Package a errs.\npackage a\nimport \"" + module + "/connector/sim\"\n", `may not import layer "connector"`},
		{"other/a.go", "// Package a errs.\npackage a\n", "not in the table"},
		{"internal/a/a.go", "// Package a errs.\npackage a\nfunc f() {\n" + long + "}\n", "f is longer than 70 lines"},
		{"internal/a/a_test.go", "package a\nfunc f() {\n" + long + long + "}\n", "f is longer than 140 lines"},
		{"internal/a/a.go", "// Package a errs.\npackage a\n" + strings.Repeat("\n", maxFileLines), "802 lines, limit 800"},
		{"internal/a/a.go", "// Package a errs.\npackage a\nfunc init() {}\n", "an init function"},
		{"internal/a/a.go", "// Package a errs.\npackage a\nfunc f() { go f() }\n", "a go statement"},
		{"a.go", "// Package a errs.\npackage a\nfunc f() { go f() }\n", "a go statement"},
		{"cmd/a/a.go", "// Package a errs.\npackage a\nimport \"time\"\nfunc f() { time.Sleep(1) }\n", "time.Sleep"},
		{"cmd/a/a.go", "// Package a errs.\npackage a\nimport _ \"image/png\"\n", "a blank import"},
		{"internal/a/a.go", "package a\n", "no package comment"},
		{"internal/util/a.go", "// Package util errs.\npackage util\n", "the name says nothing"},
		{"internal/a/pump_v2.go", "// Package a errs.\npackage a\n", "_v2"},
		{"internal/a/a.go", "// Package a errs.\npackage a\n\n// " + "TODO: later.\nvar x int\n", "TODO"},
	} {
		c := newChecker()
		if err := c.file(x.name, []byte(x.src)); err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		c.packages()
		all := strings.Join(c.findings, "\n")
		if x.want == "" && all != "" || !strings.Contains(all, x.want) {
			t.Errorf("%s:\n%s\nfound %q; want %q", x.name, x.src, all, x.want)
		}
	}
}
