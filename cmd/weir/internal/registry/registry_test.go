package registry

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
)

func TestTableIsComplete(t *testing.T) {
	r := New()
	if s := r.Schemes(); !slices.IsSorted(s) {
		t.Errorf("schemes are not sorted: %v", s)
	}
	for _, c := range r.Connectors() {
		if c.Summary == "" || len(c.Examples) == 0 || !c.Reads() && !c.Writes() {
			t.Errorf("%s: summary, example or constructor is missing", c.Scheme)
		}
		for _, p := range c.Params {
			if p.Text == "" || p.Example == "" {
				t.Errorf("%s: parameter %s: text or example is missing", c.Scheme, p.Name)
			}
			if v, err := unescapeValue(p.Example); err != nil || p.Check(v) != nil {
				t.Errorf("%s: parameter %s: example %s: %v", c.Scheme, p.Name, p.Example, p.Check(v))
			}
			if p.Default != "" && p.Check(p.Default) != nil {
				t.Errorf("%s: parameter %s: default %s: %v", c.Scheme, p.Name, p.Default, p.Check(p.Default))
			}
			if (p.Kind == Choice || p.Kind == Set) != (len(p.Choices) > 0) {
				t.Errorf("%s: parameter %s: choices do not fit its kind", c.Scheme, p.Name)
			}
		}
		for _, e := range c.Examples {
			if _, err := r.Parse(strings.Trim(e, "'")); err != nil {
				t.Errorf("%s: example: %v", c.Scheme, err)
			}
		}
	}
}

func TestAddressesAreUnderstood(t *testing.T) {
	r := New()
	for arg, want := range map[string]struct {
		scheme string
		path   string
	}{
		"-":                          {"stdio", ""},
		"stdio://":                   {"stdio", ""},
		"a.log":                      {"file", "a.log"},
		"./gen://x":                  {"file", "./gen://x"},
		"/odd://path":                {"file", "/odd://path"},
		"a b://c":                    {"file", "a b://c"},
		"C://temp/x":                 {"file", "C://temp/x"},
		`C:\temp\x`:                  {"file", `C:\temp\x`},
		"what?x=1":                   {"file", "what?x=1"},
		"file:///a%20b/c":            {"file", "/a b/c"},
		"file:///a?sync=false":       {"file", "/a"},
		"FILE:///a":                  {"file", "/a"},
		"file://localhost/etc/hosts": {"file", "/etc/hosts"},
		"gen://":                     {"gen", ""},
		"gen:///?size=1":             {"gen", ""},
		"null://":                    {"null", ""},
	} {
		a, err := r.Parse(arg)
		if err != nil {
			t.Errorf("Parse(%q): %v", arg, err)
			continue
		}
		path := strings.Join(a.Paths, "|")
		if a.connector.Scheme != want.scheme || path != want.path {
			t.Errorf("Parse(%q) = %s %q; want %s %q", arg, a.connector.Scheme, path, want.scheme, want.path)
		}
	}
}

func TestAddressErrorsNameWhatIsWrongAndValid(t *testing.T) {
	r := New()
	for arg, want := range map[string]string{
		"":                            "empty",
		"slow://?foo=1":               `unknown query parameter "foo" of slow://; valid: delay, jitter, concurrency, rate, seed`,
		"null://?foo=1":               `unknown query parameter "foo" of null://; it has none`,
		"slow://?delay=fast":          `parameter delay is "fast": not a duration; example: delay=50ms`,
		"slow://?delay=-1s":           "must not be negative",
		"slow://?delay=":              "it has no value",
		"slow://?delay":               "it has no value",
		"slow://?delay=1s&delay=2s":   "parameter delay is given twice",
		"slow://?concurrency=x":       "not a whole number",
		"slow://?concurrency=-2":      "it must be from -1 to 1048576",
		"gen://?format=xml":           "it must be one of random, ndjson",
		"gen://?size=1q":              "not a size",
		"gen://?rate=10Mb/s":          "could mean bits",
		"gen://?streams=0":            "it must be from 1",
		"gen://1GiB":                  "gen:// takes no path; parameters come after a question mark, as in gen://?size=1GiB",
		"gen://#x":                    "%23",
		"gen://?size=%zz":             "parameter size",
		"gen://?%zz=1":                "escape",
		"chaos://?hang=sleep":         "it must be some of open, write",
		"chaos://?into=slow://?x=1":   `parameter into: slow://?x=1: unknown query parameter "x"`,
		"file://":                     "the path is missing",
		"file://host/path":            `"host" would be another machine`,
		"file:///a?sync=maybe":        "it must be true or false",
		"s3://bucket/key":             `unknown scheme "s3"; known are chaos, dlq, file, gen, http, https, null, postgres, postgresql, slow, sqlite, stdio, and paths; for a file of that name write ./s3://bucket/key`,
		"null:":                       "did you mean null://? for a file of that name write ./null:",
		"mysql://u:secret@h/db":       "mysql://u:xxxxx@h/db",
		"gen://u:secret@h?size=oops":  "gen://u:xxxxx@h",
		"gen://?password=secret&x=%g": `gen://?password=xxxxx&x=%g`,
	} {
		_, err := r.Parse(arg)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) error = %v; want it to say %q", arg, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("Parse(%q) error gives the secret away: %v", arg, err)
		}
	}
}

func TestMissingSlashesAreNoticed(t *testing.T) {
	r := New()
	t.Chdir(t.TempDir())
	for arg, want := range map[string]string{
		"sqlite:x.db":                       "did you mean sqlite://x.db?",
		"sqlite:/var/x.db?table=t":          "did you mean sqlite:///var/x.db?table=t?",
		"SQLite:x.db":                       "did you mean sqlite://x.db?",
		"postgres:app:secret@host/db":       "postgres:app:xxxxx@host/db: did you mean postgres://app:xxxxx@host/db?",
		"postgres:/app@host/db":             "did you mean postgres://xxxxx@host/db?",
		"http:example.org/a":                "did you mean http://example.org/a? for a file of that name write ./http:example.org/a",
		"https:/example.org/a?token=secret": "did you mean https://example.org/a?token=xxxxx?",
		"gen:size=1GiB":                     "did you mean gen://?size=1GiB?",
		"gen:?size=1GiB":                    "did you mean gen://?size=1GiB?",
		"slow:":                             "did you mean slow://?",
		"file:a.log":                        "did you mean a.log?",
		"file:/a.log":                       "did you mean file:///a.log?",
		"dlq:dead":                          "did you mean dlq://dead?",
	} {
		_, err := r.Parse(arg)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Parse(%q) error = %v; want it to say %q, and no secret", arg, err, want)
		}
	}
	if err := os.WriteFile("sqlite:x.db", nil, 0o600); err != nil {
		t.Skipf("this system has no such names: %v", err)
	}
	for _, arg := range []string{"sqlite:x.db", "./slow:x", "backup:x", "a/gen:x", "s3:x", `C:\a`} {
		if a, err := r.Parse(arg); err != nil || len(a.Paths) != 1 || a.Paths[0] != arg {
			t.Errorf("Parse(%q) = %v, %v; want a file", arg, a.Paths, err)
		}
	}
}

func TestHeadersMayBeSeveral(t *testing.T) {
	r := New()
	a, err := r.Parse("http://example.org/a#header=Authorization:%20Bearer%20secret&header=accept:text/csv&retries=1")
	if err != nil {
		t.Fatal(err)
	}
	all, err := headers(a)
	if err != nil || len(all) != 2 || all.Get("Authorization") != "Bearer secret" || all.Get("Accept") != "text/csv" {
		t.Errorf("headers = %v, %v", all, err)
	}
	if strings.Contains(a.Redacted, "secret") {
		t.Errorf("the address gives the secret away: %s", a.Redacted)
	}
	if a, err = r.Parse("http://example.org/a#header=x"); err != nil {
		t.Fatal(err)
	}
	if _, err = headers(a); err == nil || !strings.Contains(err.Error(), "a name, a colon and a value") {
		t.Errorf("err = %v", err)
	}
}

func TestSidesAreChecked(t *testing.T) {
	r, env := New(), Env{}
	for arg, want := range map[string]string{
		"null://":                 "null:// can only be written",
		"file:///a?sync=true":     "parameter sync is for a destination",
		"chaos://":                "parameter from is missing",
		"chaos://?from=null://":   "can only be written",
		"chaos://?into=x&from=y":  "parameter into is for a destination",
		"chaos://?from=gen://?x=": "unknown query parameter",
	} {
		if _, err := r.OpenSource([]string{arg}, env); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenSource(%q) error = %v; want it to say %q", arg, err, want)
		}
	}
	for arg, want := range map[string]string{
		"gen://":               "gen:// can only be read",
		"chaos://?from=x":      "parameter from is for a source",
		"chaos://?into=gen://": "can only be read",
	} {
		if _, err := r.OpenSink(arg, env); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenSink(%q) error = %v; want it to say %q", arg, err, want)
		}
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	r := &Registry{connectors: append(New().connectors, Connector{
		Scheme: "pg", Place: "HOST/DB", Examples: []string{"pg://h/db"},
		Params: []Param{
			{Name: "word", Kind: Duration, Secret: true, Example: "1s"},
			{Name: "into", Kind: URL, Example: "x"},
		},
	})}
	for _, arg := range []string{
		"pg://u:hunter2@h/db", "pg://u:hunt@hunter2@h/db", "pg://u:p?hunter2@h/db?into=x",
		"pg://u:p/hunter2@h/db", "pg://u:p#hunter2@h/db", "pg://u:%zzhunter2@h/db",
		"pg://h/db?word=hunter2", "pg://h/db?wor%64=hunter2", "pg://h/db?into=pg://u:hunter2@h",
		"pg://h/db?into=pg%3A%2F%2Fu%3Ahunter2%40h", "pg://h/db?x=1&word=hunter2&into=a@b",
		"s3://h?secret_key=hunter2&a=b@c", "s3://h:80/p?mail=a@b&token=hunter2", "chaos://?token=hunter2&into=pg://u:p@h",
	} {
		if got := r.Redact(arg); strings.Contains(got, "hunter2") {
			t.Errorf("Redact(%q) = %q", arg, got)
		}
		if _, err := r.Parse(arg); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Parse(%q) error = %v", arg, err)
		}
	}
	for _, arg := range []string{"-", "a@b:c", "gen://?size=1GiB&seed=1", "pg://u@h/db", "pg://h:80/db", "chaos://?into=gen://?size=1"} {
		if got := r.Redact(arg); got != arg {
			t.Errorf("Redact(%q) = %q; want it unchanged", arg, got)
		}
	}
}

func TestSourcesOfPathsAreOneList(t *testing.T) {
	dir := t.TempDir()
	var args []string
	for _, name := range []string{"a", "b", "c"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	args = append(args, "gen://?size=10&opaque=true")
	s, err := New().OpenSource(args, Env{})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	sink := weir.SinkFunc(func(_ context.Context, b *weir.Batch) error { got.Write(b.Bytes()); return nil })
	if _, err := weir.Ingest(t.Context(), s, sink, weir.Options{Streams: 1}); err != nil {
		t.Fatal(err)
	}
	if text := got.String(); !strings.HasPrefix(text, "abc") || len(text) != 13 {
		t.Errorf("delivered %q; want abc and ten bytes", text)
	}
}

func TestValuesReachTheConnector(t *testing.T) {
	a, err := New().Parse("slow://?delay=50ms&rate=1MiB/s&concurrency=-1")
	if err != nil {
		t.Fatal(err)
	}
	if d := value[time.Duration](a, "delay"); d != 50*time.Millisecond {
		t.Errorf("delay = %v", d)
	}
	if n := value[int64](a, "rate"); n != 1<<20 {
		t.Errorf("rate = %v", n)
	}
	if n := value[int64](a, "concurrency"); n != -1 {
		t.Errorf("concurrency = %v", n)
	}
	if d := value[time.Duration](a, "jitter"); d != 0 {
		t.Errorf("jitter = %v; want the default", d)
	}
	if kind(Address{connector: a.connector.clone("kind"), values: map[string]any{"kind": "rejected"}}) != weir.Rejected {
		t.Error("kind=rejected is not weir.Rejected")
	}
}

func (c Connector) clone(param string) *Connector {
	c.Params = []Param{{Name: param}}
	return &c
}

func TestCompletion(t *testing.T) {
	r := New()
	for prefix, want := range map[string]string{
		"g":                         "gen://",
		"slow://?d":                 "slow://?delay=",
		"slow://?delay=1s&":         "slow://?delay=1s&jitter= slow://?delay=1s&concurrency= slow://?delay=1s&rate= slow://?delay=1s&seed=",
		"file:///a?sync=":           "file:///a?sync=true file:///a?sync=false",
		"gen://?format=n":           "",
		"file:///a":                 "",
		"null://x":                  "",
		"null://?":                  "",
		"nothing://?":               "",
		"slow://?nothing=":          "",
		"chaos://?kind=tr":          "chaos://?kind=transient",
		"chaos://?fail=write&fail_": "chaos://?fail=write&fail_after=",
	} {
		side := Sink
		if prefix == "g" {
			side = Source
		}
		var got []string
		for _, c := range r.Complete(prefix, side) {
			got = append(got, c.Text)
		}
		if prefix == "gen://?format=n" {
			want = "gen://?format=ndjson"
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("Complete(%q) = %q; want %q", prefix, text, want)
		}
	}
}

// FuzzParse holds that no address makes the parser panic, that an address that
// is understood is so again, and that a password is never shown.
func FuzzParse(f *testing.F) {
	r := New()
	for _, c := range r.Connectors() {
		for _, e := range c.Examples {
			f.Add(strings.Trim(e, "'"))
		}
	}
	for _, s := range []string{"-", "", "a://b", "C:\\x", "gen://?a=%", "x://u:p@h?k=v", "file:///%00", "chaos://?into=chaos%3A%2F%2F%3Finto%3Dx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		a, err := r.Parse(arg)
		if err == nil && a.connector == nil {
			t.Fatalf("Parse(%q): no connector and no error", arg)
		}
		if again, err2 := r.Parse(arg); (err == nil) != (err2 == nil) || again.Redacted != a.Redacted {
			t.Fatalf("Parse(%q) differs the second time", arg)
		}
		if scheme, _ := splitScheme(arg); scheme != "" && !strings.ContainsAny(arg, "@?") {
			return
		}
		const password = "correct-horse"
		secret := "pg://user:" + password + "@" + arg
		if shown := r.Redact(secret); strings.Contains(shown, password) && !strings.Contains(arg, password) {
			t.Fatalf("Redact(%q) = %q", secret, shown)
		}
	})
}
