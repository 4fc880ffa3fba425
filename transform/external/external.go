// Package external makes any program a step of a pipeline: records on its standard
// input, records on its standard output, one a line.
//
// The program is started once for each batch, which holds hundreds of kilobytes of
// records, and ends with it. That costs a few milliseconds a batch and buys what a
// program that runs along cannot give: the records that come out are known to be
// all of those that went in, so positions are right after a crash, whatever the
// program buffers; its exit code is the batch's; and several run at once with the
// order kept. A program must therefore not carry anything from one record to
// another: jq, sed, grep and a script that maps lines will do, sort and uniq will
// not.
//
// A batch is written to the program while its output is read, so neither side can
// hold the other up for ever, and none of it is held outside of the batch but for
// the pipes of the operating system.
package external

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/weirflow/weir"
)

const (
	// maxStderr is how much of the end of what the program says is kept.
	maxStderr = 4 << 10
	// growStep is how much room is asked for when the output is full.
	growStep = 64 << 10
	// patience is how long the pipes of a program that was killed may stay open,
	// held by a child that it started.
	patience = time.Second
)

// PerWorker is the memory that a running program takes in this process, in bytes:
// the end of its standard error, and bookkeeping.
const PerWorker = 32 << 10

// Step returns a step that runs a command line by the shell. expand is the largest
// output in bytes per byte of input; 0: 2.
func Step(commandLine string, expand float64) (weir.Step, error) {
	if strings.TrimSpace(commandLine) == "" {
		return weir.Step{}, &weir.Error{Op: "exec", Kind: weir.Invalid, Err: errors.New("the command is empty; example: jq -c .")}
	}
	if expand == 0 {
		expand = 2
	}
	name, _, _ := strings.Cut(strings.TrimSpace(commandLine), " ")
	return weir.Step{
		Name: "exec " + name, Expand: expand, PerWorker: PerWorker,
		Do: func(ctx context.Context, in, out *weir.Batch) error { return run(ctx, commandLine, in, out) },
	}, nil
}

// run gives the records of in to a program and takes those of out from it.
func run(ctx context.Context, commandLine string, in, out *weir.Batch) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var said tail
	cmd := shell(ctx, commandLine)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in.Bytes()), &said
	cmd.WaitDelay = patience
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return &weir.Error{Kind: weir.Invalid, Err: err}
	}
	full := read(stdout, out)
	if full != nil {
		askForAll(stdout, out, in.Len())
		cancel(full)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case full != nil:
		return full
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit):
		return &weir.Error{Kind: weir.Rejected, Err: fmt.Errorf("%w%s", err, said.String())}
	}
	return err // a program that does not want all of its input and exits with 0 is content
}

// read appends the lines of r to out as records.
func read(r io.Reader, out *weir.Batch) error {
	waiting := 0 // bytes behind the last record, in the space
	for {
		space := out.Space()
		if waiting == len(space) {
			if !out.Grow(waiting + growStep) {
				return weir.ErrBatchFull
			}
			space = out.Space()
		}
		n, err := r.Read(space[waiting:])
		for unseen := waiting; ; unseen = 0 {
			space = out.Space()[:waiting+n]
			at := bytes.IndexByte(space[unseen:], '\n')
			if at < 0 {
				waiting += n
				break
			}
			line := unseen + at + 1
			if err := end(out, line, waiting+n); err != nil {
				return err
			}
			n, waiting = waiting+n-line, 0
		}
		if err == io.EOF && waiting > 0 { // a last line without an end
			return end(out, waiting, waiting)
		}
		if err != nil {
			return nil // the end; the exit code says whether it is a good one
		}
	}
}

// askForAll counts what the program still says, up to twice what it was given, and
// asks for room for all of it in vain: the refusal tells then how much that is.
func askForAll(r io.Reader, out *weir.Batch, given int) {
	rest, _ := io.Copy(io.Discard, io.LimitReader(r, 2*int64(given))) // the count is what matters
	_ = out.Grow(len(out.Space()) + int(rest) + growStep)
}

// end makes the next line bytes of the space a record; in all, so many bytes of it
// are in use.
func end(out *weir.Batch, line, used int) error {
	if room := len(out.Space()) - used; room < weir.RecordSize(0) && !out.Grow(used+growStep) {
		return weir.ErrBatchFull
	}
	out.Advance(line)
	if !out.EndRecord() {
		return weir.ErrBatchFull
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	kept []byte
	cut  bool
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) > maxStderr {
		p, t.cut = p[n-maxStderr:], true
	}
	if over := len(t.kept) + len(p) - maxStderr; over > 0 {
		t.kept, t.cut = append(t.kept[:0], t.kept[over:]...), true
	}
	t.kept = append(t.kept, p...)
	return n, nil
}

// String returns what was said, as the end of a message.
func (t *tail) String() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "\uFFFD"))
	switch {
	case text == "":
		return ", and it said nothing"
	case t.cut:
		text = "… " + text
	}
	return ": " + text
}
