package deadletter

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/weirflow/weir"
)

// OutboxRecord is the largest record that an Outbox sends as a whole, in bytes; of a
// larger one the beginning. Its line has no more than four times as much.
const OutboxRecord = 256 << 10

// OutboxMemory is what an Outbox holds beside its sink, in bytes: the line of one
// letter while it is made, and in a batch.
const OutboxMemory = 16 * OutboxRecord

// An Outbox sends letters to a sink, one after another, as one stream of JSON
// lines. Each is written and made durable before Put returns, so no checkpoint can
// pass a record whose letter is lost; a letter can be there twice when a stream is
// tried again from before its record. The members of a line are those of Letter,
// all of them always, so that a table made from the first letter fits the others:
//
//	{"time":"…","stage":"csv","stream":"orders.csv","record":7,"line":8,"offset":311,"size":42,
//	 "reason":"3 fields, want 4","text":"…","bytes":"","whole":true}
//
// Its methods are safe for concurrent use.
type Outbox struct {
	sink    weir.Sink
	max     int64
	turn    chan struct{} // holds the one that may use the fields below
	batch   *weir.Batch   // nil: no letter yet
	writer  weir.Writer   // nil: none is open
	bytes   int64         // that were sent
	closed  bool
	put     atomic.Int64
	durable bool  // each Write is, at once
	memory  int64 // bytes
}

// NewOutbox returns an Outbox into sink, which belongs to it. Of the options MaxBytes
// counts: what is sent at most. The sink must be able to say what it has durably
// (weir.Flusher, or Footprint.Durable). A sink that appends, such as a table, fits
// best: a file is seen when the Outbox is closed, and not before.
func NewOutbox(sink weir.Sink, o Options) *Outbox {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	f := sink.Footprint()
	return &Outbox{
		sink: sink, max: o.MaxBytes, turn: make(chan struct{}, 1), durable: f.Durable,
		memory: OutboxMemory + f.Static + f.PerWriter + f.PerWrite,
	}
}

// Memory is what it needs, in bytes, the sink's included.
func (o *Outbox) Memory() int64 { return o.memory }

// Policy is the weir.BadPolicy that sends a letter of each bad record.
func (o *Outbox) Policy(ctx context.Context, r *weir.BadRecord) (weir.Fate, error) {
	return weir.DeadLettered, o.Put(ctx, r)
}

// Put sends a letter of r. When it returns nil, the sink has it, durably.
func (o *Outbox) Put(ctx context.Context, r *weir.BadRecord) error {
	l := newLetter(r, time.Now(), OutboxRecord)
	if err := o.take(ctx); err != nil {
		return err
	}
	defer o.release()
	if o.closed {
		return fs.ErrClosed
	}
	line, err := appendRow(nil, &l)
	if err != nil {
		return err
	}
	if o.bytes+int64(len(line)) > o.max {
		return &weir.Error{Op: "dead letter", Node: o.name(), Kind: weir.Rejected, Err: fmt.Errorf(
			"%d bytes of letters were sent, of at most %d; look at them, then allow more", o.bytes, o.max)}
	}
	if err := o.send(ctx, line); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	o.bytes += int64(len(line))
	o.put.Add(1)
	return nil
}

// take waits for the turn of the caller.
func (o *Outbox) take(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case o.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (o *Outbox) release() { <-o.turn }

// send writes line durably. After an error the next letter has a new Writer.
func (o *Outbox) send(ctx context.Context, line []byte) error {
	if o.writer == nil {
		w, err := o.sink.Open(ctx, weir.StreamInfo{ID: "dead-letters", Name: "dead-letters.ndjson", Size: weir.UnknownSize, Endless: true})
		if err != nil {
			return err
		}
		if _, can := w.(weir.Flusher); !can && !o.durable {
			return errors.Join(errors.New("the destination of dead letters cannot say what it has durably; give a directory, or a table"), w.Abort(ctx, fs.ErrInvalid))
		}
		o.writer = w
	}
	if o.batch == nil || o.batch.Cap() < len(line) {
		o.batch = weir.NewBatch(len(line) + 1<<12)
	}
	o.batch.Reset()
	o.batch.Append(line)
	err := o.writer.Write(ctx, o.batch)
	if flusher, can := o.writer.(weir.Flusher); err == nil && can && !o.durable {
		_, err = flusher.Flush(ctx, weir.Position(strconv.FormatInt(o.put.Load()+1, 10)))
	}
	if err != nil {
		w := o.writer
		o.writer = nil
		return errors.Join(err, w.Abort(context.WithoutCancel(ctx), err))
	}
	return nil
}

// Letters returns how many letters were sent.
func (o *Outbox) Letters() int64 { return o.put.Load() }

// Sync has nothing to do: what was put is durable.
func (o *Outbox) Sync() error { return nil }

// Close commits the stream of letters, if there is one, and closes the sink. A
// letter that is being sent ends first.
func (o *Outbox) Close() error {
	ctx := context.Background()
	if err := o.take(ctx); err != nil {
		return err
	}
	defer o.release()
	o.closed = true
	var err error
	if o.writer != nil {
		err = o.writer.Commit(ctx)
		o.writer = nil
	}
	return errors.Join(err, o.sink.Close())
}

func (o *Outbox) name() string {
	if s, named := o.sink.(fmt.Stringer); named {
		return s.String()
	}
	return "dead letters"
}

// appendRow appends l as a line in which every member stands.
func appendRow(dst []byte, l *Letter) ([]byte, error) {
	if escapes(l.Text) > len(l.Text)/4 {
		l.Text, l.Bytes = "", []byte(l.Text) // base64 is shorter
	}
	text, err := json.Marshal(struct {
		Time   time.Time `json:"time"`
		Stage  string    `json:"stage"`
		Stream string    `json:"stream"`
		Record int64     `json:"record"`
		Line   int64     `json:"line"`
		Offset int64     `json:"offset"`
		Size   int64     `json:"size"`
		Reason string    `json:"reason"`
		Text   string    `json:"text"`
		Bytes  string    `json:"bytes"`
		Whole  bool      `json:"whole"`
	}{l.Time, l.Stage, l.Stream, l.Record, l.Line, l.Offset, l.Size, l.Reason, l.Text, base64.StdEncoding.EncodeToString(l.Bytes), l.Whole})
	return append(append(dst, text...), '\n'), err
}

// escapes returns how many bytes of s take six in JSON.
func escapes(s string) int {
	n := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '<' || c == '>' || c == '&' {
			n++
		}
	}
	return n
}
