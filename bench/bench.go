package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// bench is a run of some scenarios.
type bench struct {
	options
	scratch *scratch
	self    string // this program, for contestants in processes of their own
}

// run runs the chosen scenarios and keeps what they found out.
func run(ctx context.Context, o options) (err error) {
	chosen, err := o.chosen()
	if err != nil {
		return err
	}
	b := &bench{options: o}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.weir, err = program(o.weir); err != nil {
		return err
	}
	if b.scratch, err = newScratch(o.dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.scratch.remove()) }() // also after a Ctrl-C

	began := time.Now()
	var kept bytes.Buffer
	out := io.MultiWriter(os.Stdout, &kept)
	m := describeMachine(b.scratch.dir)
	m.weir, err = versionOf(ctx, b.weir)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(out, m.header(began, o.remark())); err != nil {
		return err
	}
	for _, s := range chosen {
		if err := b.scenario(ctx, s, out); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if _, err := fmt.Fprintf(out, "The whole took %v.\n", time.Since(began).Round(time.Second)); err != nil {
		return err
	}
	return o.keep(kept.Bytes(), m.slug(began))
}

// scenario runs s and writes its tables, with what else the machine was doing.
func (b *bench) scenario(ctx context.Context, s scenario, out io.Writer) error {
	fmt.Fprintf(os.Stderr, "bench: %s: %s\n", s.name, s.about)
	began := time.Now()
	load := watchLoad()
	tables, err := s.run(ctx, b)
	if err != nil {
		return err
	}
	noise := load.since()
	for i := range tables {
		if err := tables[i].write(out); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "  (%s: %v; meanwhile %s)\n\n\n", s.name, time.Since(began).Round(time.Second), noise)
	return err
}

// roundsOr returns the number of rounds: what was asked for, or full, or quick.
func (o options) roundsOr(full, quick int) int {
	switch {
	case o.rounds > 0:
		return o.rounds
	case o.quick:
		return quick
	}
	return full
}

// whole reports whether everything is run as it is meant to be quoted.
func (o options) whole() bool {
	return !o.quick && o.only == "" && o.rounds == 0 && o.size == fullSize
}

// remark says what was not as usual.
func (o options) remark() string {
	switch {
	case o.quick:
		return "quick: small sizes and few rounds, not to be quoted"
	case !o.whole():
		return "not everything, or not as usual"
	}
	return ""
}

// keep writes the result to a file, if it is one to keep.
func (o options) keep(result []byte, slug string) error {
	name := o.out
	if name == "" {
		if !o.whole() {
			return nil
		}
		name = filepath.Join("bench", "results", slug+".txt")
	}
	if err := os.WriteFile(name, result, 0o644); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "bench: written to", name)
	return nil
}

// program returns the path of a program that is there.
func program(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err == nil {
		_, err = os.Stat(abs)
	}
	if err != nil {
		return "", fmt.Errorf("the program to measure: %w; build it with make build, or name it with --weir", err)
	}
	return abs, nil
}
