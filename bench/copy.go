package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// runCopy copies a file that lies in the page cache: first as far as the page
// cache, then as far as the disk.
func runCopy(ctx context.Context, b *bench) ([]table, error) {
	n := int64(b.size)
	if err := b.scratch.need(2 * n); err != nil {
		return nil, err
	}
	src, err := b.scratch.random("source", n)
	if err != nil {
		return nil, err
	}
	dst := b.scratch.path("target")
	defer func() { _ = discard(src, dst) }() // the directory goes as well
	c := copying{src: src, dst: dst, size: n, b: b}

	loose := c.loose()
	rounds := b.roundsOr(9, 3)
	results, err := race(ctx, rounds, loose, nil)
	if err != nil {
		return nil, err
	}
	cached := compareSeconds(fmt.Sprintf("COPY: %s, from page cache to page cache, not durable", b.size.String()), "cp", loose, results)
	cached.note(warmed)
	cached.target(speed(results[0], results[1]) >= 1.2, "weir at least 1.2 times as fast as cp: %s", times(speed(results[0], results[1])))
	cpu := ratio(results[1].of(cpuSeconds).median, results[0].of(cpuSeconds).median)
	cached.target(cpu <= 1.1, "weir's CPU at most 1.1 times that of cp: %s", times(cpu))

	durable := append(c.durable(), c.direct(ctx)...)
	results, err = race(ctx, rounds, durable, nil)
	if err != nil {
		return nil, err
	}
	stored := compareSeconds(fmt.Sprintf("COPY: %s, from page cache to disk, durable", b.size.String()), "cp", durable, results)
	stored.note(warmed)
	stored.note("CPU is of the processes alone: what the kernel does in the background to store their pages is not in it")
	stored.target(speed(results[0], results[1]) >= 1.3, "weir at least 1.3 times as fast as cp and sync: %s", times(speed(results[0], results[1])))
	return []table{cached, stored}, nil
}

// warmed says how each run finds free memory in the same state. A virtual machine
// gives free pages back to its host, and gets them again one by one, which takes
// several times as long as the copy itself: who comes after a pause, or after one
// that takes the page cache in pieces of another size, would lose, whatever it is.
const warmed = "right before each run the same copy is made once, does not count and is removed: otherwise a virtual machine may have given the memory back to its host, and gets it again page by page"

// copying is a source, a target and its contestants.
type copying struct {
	src, dst string
	state    string // a directory that a run leaves behind, or none
	size     int64
	b        *bench
}

func (c copying) loose() []contestant {
	cp := command{args: []string{"cp", c.src, c.dst}}
	return []contestant{
		c.contestant("cp", cp),
		c.contestant("weir cp --no-sync", command{args: []string{c.b.weir, "cp", "--quiet", "--no-sync", c.src, c.dst}}),
		c.contestant("cat >", command{args: []string{"cat", c.src}, stdout: c.dst}),
		c.contestant("dd bs=1M", command{args: []string{"dd", "bs=1M", "status=none", "if=" + c.src, "of=" + c.dst}}),
		c.contestant("Go, io.Copy", command{args: []string{c.b.self, childArg, "copy", c.src, c.dst}}),
		c.contestant("cp, again", cp),
		c.contestant("weir, again", command{args: []string{c.b.weir, "cp", "--quiet", "--no-sync", c.src, c.dst}}),
	}
}

func (c copying) durable() []contestant {
	cp := []command{{args: []string{"cp", c.src, c.dst}}, {args: []string{"sync", c.dst}}}
	weir := command{args: []string{c.b.weir, "cp", "--quiet", c.src, c.dst}}
	return []contestant{
		c.contestant("cp && sync FILE", cp...),
		c.contestant("weir cp", weir),
		c.contestant("cp && sync, again", cp...),
		c.contestant("weir cp, again", weir),
	}
}

// direct is the disk's own limit, past the page cache, where dd can do that.
func (c copying) direct(ctx context.Context) []contestant {
	dd := func(more string) command {
		return command{args: []string{"dd", "bs=1M", "oflag=direct", "conv=fsync", "status=none", "if=" + c.src, "of=" + c.dst, more}}
	}
	if _, err := process(ctx, dd("count=1")); err != nil {
		return nil // not every file system can
	}
	return []contestant{c.contestant("dd bs=1M oflag=direct", dd("iflag=fullblock"))}
}

// contestant runs commands twice; the second time counts.
func (c copying) contestant(name string, commands ...command) contestant {
	return contestant{name, func(ctx context.Context) (sample, error) {
		if _, err := c.once(ctx, commands); err != nil {
			return sample{}, err
		}
		return c.once(ctx, commands)
	}}
}

// once takes the last copy away, runs commands, and sees that they have copied
// everything.
func (c copying) once(ctx context.Context, commands []command) (sample, error) {
	if err := discard(c.dst); err != nil {
		return sample{}, err
	}
	if c.state != "" {
		if err := os.RemoveAll(c.state); err != nil {
			return sample{}, err
		}
	}
	s, err := processes(ctx, commands...)
	if err != nil {
		return s, err
	}
	st, err := os.Stat(c.dst)
	if err == nil && st.Size() != c.size {
		err = fmt.Errorf("it copied %d of %d bytes", st.Size(), c.size)
	}
	return s, err
}

// copyChild is io.Copy between two files, in a process of its own.
func copyChild(args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	src, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // it was only read
	dst, err := os.Create(args[1])
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, src); err != nil {
		return err
	}
	return dst.Close()
}
