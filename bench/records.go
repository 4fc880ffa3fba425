package main

import (
	"context"
	"fmt"
	"os/exec"
)

// runRecords does what is done to records, beside the tools that do nothing else.
func runRecords(ctx context.Context, b *bench) ([]table, error) {
	n := int64(b.size)
	if err := b.scratch.need(6 * n); err != nil {
		return nil, err
	}
	r := &recording{b: b}
	if err := r.prepare(ctx, n); err != nil {
		return nil, err
	}
	var tables []table
	for _, part := range []func(context.Context) (table, error){r.framing, r.copying, r.transforming, r.working, r.gzip, r.zstd, r.converting} {
		t, err := part(ctx)
		if err != nil {
			return nil, err
		}
		if len(t.rows) > 0 {
			tables = append(tables, t)
		}
	}
	many, err := r.many(ctx)
	if err != nil {
		return nil, err
	}
	return append(tables, many...), discard(r.ndjson, r.csv, r.gz, r.zst, r.target)
}

// recording is the files of the scenario.
type recording struct {
	b                            *bench
	ndjson, csv, gz, zst, target string
}

func (r *recording) prepare(ctx context.Context, n int64) error {
	s := r.b.scratch
	r.ndjson, r.csv, r.gz, r.zst, r.target = s.path("r.ndjson"), s.path("r.csv"), s.path("r.ndjson.gz"), s.path("r.ndjson.zst"), s.path("r.out")
	for _, c := range []command{
		{args: []string{r.b.weir, "gen", "-q", "--no-sync", "--format", "ndjson", "--size", fmt.Sprint(n), "-o", r.ndjson}},
		r.weir(r.ndjson, r.csv),
		// As the usual tools make them: one member, one frame.
		{args: []string{"gzip", "-c", r.ndjson}, stdout: r.gz},
	} {
		if _, err := process(ctx, c); err != nil {
			return err
		}
	}
	if has("zstd") {
		_, err := process(ctx, command{args: []string{"zstd", "-q", "-c", r.ndjson}, stdout: r.zst})
		return err
	}
	return nil
}

func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// weir is a run of the program that keeps no state.
func (r *recording) weir(args ...string) command {
	return command{args: append([]string{r.b.weir, "cp", "--quiet", "--no-sync", "--force", "--state", "none"}, args...)}
}

// contestants makes each a contestant; the first is the limit, which runs again at
// the end.
func contestants(names []string, commands []command) []contestant {
	all := make([]contestant, 0, len(names)+1)
	for i, name := range names {
		all = append(all, contestant{name, func(ctx context.Context) (sample, error) { return process(ctx, commands[i]) }})
	}
	return append(all, contestant{names[0] + ", again", all[0].run})
}

func (r *recording) compare(ctx context.Context, title string, names []string, commands ...command) (table, []series, error) {
	c := contestants(names, commands)
	// What one has written must not be for the next one to remove.
	results, err := race(ctx, r.b.roundsOr(7, 3), c, func(context.Context) error { return discard(r.target) })
	if err != nil {
		return table{}, nil, err
	}
	return compareSeconds(fmt.Sprintf("RECORDS: %s of NDJSON, %s", r.b.size.String(), title), names[0], c, results), results, nil
}

func (r *recording) framing(ctx context.Context) (table, error) {
	t, s, err := r.compare(ctx, "lines counted", []string{"wc -l", "weir, framed, to null"},
		command{args: []string{"wc", "-l", r.ndjson}}, r.weir(r.ndjson, "null://", "--from", "ndjson"))
	if err == nil {
		t.target(speed(s[0], s[1]) >= 0.8, "weir at least 0.8 times as fast as wc -l: %s", times(speed(s[0], s[1])))
	}
	return t, err
}

func (r *recording) copying(ctx context.Context) (table, error) {
	t, s, err := r.compare(ctx, "file to file, not durable", []string{"cp", "weir, framed"},
		command{args: []string{"cp", r.ndjson, r.target}}, r.weir(r.ndjson, r.target, "--from", "ndjson"))
	if err == nil {
		t.target(speed(s[0], s[1]) >= 0.85, "weir at least 0.85 times as fast as cp: %s", times(speed(s[0], s[1])))
	}
	return t, err
}

func (r *recording) transforming(ctx context.Context) (table, error) {
	edit := []string{r.ndjson, "null://", "--where", "status >= 200", "--drop", "path"}
	t, s, err := r.compare(ctx, "where on one field, drop one, to null", []string{"weir, 1 worker", "weir, 2 workers"},
		r.weir(append(edit, "--workers", "1")...), r.weir(append(edit, "--workers", "2")...))
	if err != nil {
		return t, err
	}
	perSecond := float64(r.b.size) / 1e9 / s[0].of(cpuSeconds).median
	t.target(perSecond >= 0.9, "at least 0.9 GB for each second of CPU, reading it included: %.2f", perSecond)
	t.target(speed(s[0], s[1]) >= 1.7, "two workers at least 1.7 times as fast as one: %s", times(speed(s[0], s[1])))
	return t, nil
}

func (r *recording) gzip(ctx context.Context) (table, error) {
	t, s, err := r.compare(ctx, "gzip, to null", []string{"zcat | wc -l", "weir"},
		command{args: []string{"sh", "-c", `zcat "$0" | wc -l`, r.gz}}, r.weir(r.gz, "null://", "--from", "ndjson+gzip"))
	if err == nil {
		t.target(speed(s[0], s[1]) >= 1.3, "weir at least 1.3 times as fast as zcat: %s", times(speed(s[0], s[1])))
	}
	return t, err
}

func (r *recording) zstd(ctx context.Context) (table, error) {
	if !has("zstd") {
		return table{}, nil
	}
	t, s, err := r.compare(ctx, "zstd, to null", []string{"zstdcat | wc -l", "weir"},
		command{args: []string{"sh", "-c", `zstdcat "$0" | wc -l`, r.zst}}, r.weir(r.zst, "null://", "--from", "ndjson+zstd"))
	if err == nil {
		t.target(speed(s[0], s[1]) >= 0.9, "weir at least 0.9 times as fast as zstdcat: %s", times(speed(s[0], s[1])))
	}
	return t, err
}

func (r *recording) converting(ctx context.Context) (table, error) {
	t, _, err := r.compare(ctx, "between formats, to null; the limit is the same scan without encoding",
		[]string{"weir, NDJSON scanned", "weir, CSV scanned", "weir, CSV to NDJSON", "weir, NDJSON to CSV"},
		r.weir(r.ndjson, "null://", "--from", "ndjson", "--validate"), r.weir(r.csv, "null://", "--from", "csv"),
		r.weir(r.csv, "null://", "--from", "csv", "--to", "ndjson"), r.weir(r.ndjson, "null://", "--from", "ndjson", "--to", "csv"))
	return t, err
}
