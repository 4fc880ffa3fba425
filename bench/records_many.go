package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

const (
	manyStreams = 500
	manyCap     = "96MiB"
	manyCapMiB  = 96
)

// many reads compressed files side by side, beside a tool that reads one after the
// other.
func (r *recording) many(ctx context.Context) ([]table, error) {
	var all []table
	for _, c := range []struct {
		method, pack, cat string
		speed             float64
	}{
		{"gzip", "gzip", "zcat", 1.3},
		{"zstd", "zstd -q --rm", "zstdcat", 0.9},
	} {
		if !has(c.method) {
			continue
		}
		t, err := r.manyOf(ctx, c.method, c.pack, c.cat, c.speed)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// manyOf makes the files with a tool and reads them. least is the target of speed.
func (r *recording) manyOf(ctx context.Context, method, pack, cat string, least float64) (table, error) {
	dir := r.b.scratch.path("many-" + method)
	if err := r.makeMany(ctx, dir, pack); err != nil {
		return table{}, err
	}
	t, s, err := r.compare(ctx, fmt.Sprintf("%s, in %d streams at once, cap %s, to null", method, manyStreams, manyCap), []string{cat + " | wc -l, one by one", "weir"},
		command{args: []string{"sh", "-c", cat + ` "$0"/* | wc -l`, dir}},
		r.weir(dir, "null://", "--from", "ndjson+"+method, "--streams", fmt.Sprint(manyStreams), "--memory", manyCap))
	if err != nil {
		return t, err
	}
	most := s[1].of(peakMiB).most
	t.target(most <= manyCapMiB, "weir's memory at most its cap of %d MiB: %s MiB", manyCapMiB, number(most))
	t.target(speed(s[0], s[1]) >= least, "weir at least %g times as fast as %s: %s", least, cat, times(speed(s[0], s[1])))
	return t, os.RemoveAll(dir)
}

// makeMany fills dir with compressed files of records.
func (r *recording) makeMany(ctx context.Context, dir, pack string) error {
	_, err := process(ctx, command{args: []string{
		r.b.weir, "gen", "-q", "--no-sync", "--format", "ndjson", "--size", fmt.Sprint(int64(r.b.size)),
		"--streams", fmt.Sprint(manyStreams), "-o", dir + string(filepath.Separator),
	}})
	if err != nil {
		return err
	}
	_, err = process(ctx, command{args: []string{"sh", "-c", pack + ` "$0"/*`, dir}})
	return err
}
