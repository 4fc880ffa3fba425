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
//
// A program that fails, or prints what is no record, fails the stream: what it
// printed cannot be told from what it meant, so there is no single record to give up
// on.
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
	// mostIgnored is how much a program may print behind what was no record until
	// it is killed: it may be about to say why, and fail by itself.
	mostIgnored = 1 << 20
	// patience is how long the pipes of a program that was killed may stay open,
	// held by a child that it started.
	patience = time.Second
)

// PerWorker is the memory that a running program takes in this process, in bytes:
// the end of its standard error, and bookkeeping.
const PerWorker = 32 << 10

// Options say what a program makes. The zero value works.
type Options struct {
	// Expand is the largest output in bytes per byte of input. Default: 2.
	Expand float64
	// JSON checks that each line of the output is a JSON value; a line that is not
	// fails the stream with a *NotJSONError. Empty lines are left out. Default: a
	// line may be anything.
	JSON bool
}

// Step returns a step that runs a command line by the shell.
func Step(commandLine string, o Options) (weir.Step, error) {
	if strings.TrimSpace(commandLine) == "" {
		return weir.Step{}, &weir.Error{Op: "exec", Kind: weir.Invalid, Err: errors.New("the command is empty; example: jq -c .")}
	}
	if o.Expand == 0 {
		o.Expand = 2
	}
	name, _, _ := strings.Cut(strings.TrimSpace(commandLine), " ")
	return weir.Step{
		Name: "exec " + name, Expand: o.Expand, PerWorker: PerWorker,
		Do: func(ctx context.Context, in, out *weir.Batch) error {
			return run(ctx, commandLine, in, &output{batch: out, json: o.JSON})
		},
	}, nil
}

// run gives the records of in to a program and takes those of out from it.
func run(ctx context.Context, commandLine string, in *weir.Batch, out *output) error {
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
	failed := out.read(stdout)
	switch {
	case errors.Is(failed, weir.ErrBatchFull):
		askForAll(stdout, out.batch, in.Len())
		cancel(failed)
	case failed != nil && !ignored(failed, stdout):
		cancel(failed)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	switch exited := errors.As(err, &exit); {
	case exited && ctx.Err() == nil: // what it printed before may be part of that
		return &weir.Error{Kind: weir.Rejected, Err: fmt.Errorf("%w%s", err, said.String())}
	case failed != nil:
		return failed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err // a program that does not want all of its input and exits with 0 is content
}

// ignored reads what a program prints behind what was no record, and reports whether
// it ended by itself.
func ignored(failed error, r io.Reader) bool {
	var bad *NotJSONError
	if !errors.As(failed, &bad) {
		return false
	}
	n, _ := io.CopyN(io.Discard, r, mostIgnored) // an error is the end
	return n < mostIgnored
}

// askForAll counts what the program still says, up to twice what it was given, and
// asks for room for all of it in vain: the refusal tells then how much that is.
func askForAll(r io.Reader, out *weir.Batch, given int) {
	rest, _ := io.Copy(io.Discard, io.LimitReader(r, 2*int64(given))) // the count is what matters
	_ = out.Grow(len(out.Space()) + int(rest) + growStep)
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
