// Package records decides what happens to the content of streams on their way from
// sources to a destination: how it is divided into records, decompressed,
// transformed, written and compressed, and what becomes of what cannot be used.
//
// Where nothing of that is asked for, bytes pass as they are, which is fastest. It
// is asked for by flags, by a destination that takes records, or by names: the
// extensions of a source and of the destination say different things.
package records

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/codec/parquet"
	"github.com/weirflow/weir/deadletter"
)

// Ask is what the user wants.
type Ask struct {
	From, To string  // specs; empty: find out
	Stages   []Stage // in their order
	Validate bool

	Columns    []string // of CSV and TSV; of Parquet that is read
	DropOthers bool     // members that are not columns are left out
	Strings    bool     // fields of CSV and TSV are strings
	Message    string   // the member that holds a record that is not JSON or a row; "": the codec's default
	Level      int      // of compression; 0: the compression's default
	Schema     string   // of Parquet that is written; "": found

	MaxRecord int64   // bytes; 0: the codec's default
	MaxRatio  float64 // of decompression; 0: none
	MaxWindow int64   // of a decompressor, in bytes; 0: the codec's default
	UTF8      UTF8    // what becomes of text that is not UTF-8
	Workers   int     // 0: the engine's default

	OnError        OnError
	DeadLetters    string // directory, or an address
	DeadLettersMax int64  // bytes; 0: the default
	// LettersSink opens the sink that DeadLetters is the address of; nil: it is a
	// directory.
	LettersSink func() (weir.Sink, error)
	StopBad     StopBad
}

// Source is what is known of a source before it is opened.
type Source struct {
	Name   string // of the file, or of what it is called by; "": not known
	Yields string // format of the records it gives by itself; "": bytes
	Piped  bool   // it is standard input, which has no name
}

// Destination is what is known of a destination before it is opened.
type Destination struct {
	Name    string // of the file; "": streams keep their names, or there is no file
	Takes   string // format of the records it takes; "": bytes
	Joins   bool   // several streams are written one behind another into one output
	Divided bool   // a stream becomes several files, each whole by itself
}

// Parquet is what From and To call Parquet.
const Parquet = "parquet"

// A Pipeline is what stands between sources and a destination.
type Pipeline struct {
	// Changes says that bytes do not pass as they are.
	Changes bool
	// Resumes says that a stream that was cut short can be continued. One that
	// can only be written as a whole begins again.
	Resumes bool
	// Blind says that streams are divided without a look at what is in them.
	Blind bool
	// From and To are what was decided, for people.
	From, To string

	notice  atomic.Pointer[func(string)] // tells people something
	guessed sync.Once                    // tells that of a table
	ask     Ask
	bad     weir.BadPolicy
	box     letters // of dead letters; nil: none are kept
	source  func(inner weir.Source, batch int) (weir.Source, error)
	sink    func(weir.Sink) (weir.Sink, error)
	dynamic bool // the formats of streams are found out one by one
	from    codec.Format
	json    bool // what is written is made of JSON values
	encode  func() (*codec.Encoder, error)
	encoder *codec.Encoder // of this run
}

// New decides. Its errors are about what was asked for.
func New(a Ask, sources []Source, to Destination) (*Pipeline, error) {
	p := &Pipeline{ask: a}
	d, err := decide(a, sources, to)
	if err != nil {
		return nil, err
	}
	if err = a.applies(d); err != nil {
		return nil, err
	}
	if p.bad, p.box, err = a.policy(); err != nil {
		return nil, err
	}
	p.From, p.To, p.Changes, p.Resumes = d.fromText(), d.toText(), d.mode != asIs, !d.toParquet
	p.Blind = to.Divided && d.mode != convert
	switch d.mode {
	case asIs:
		return p, nil
	case recompress:
		p.recompress(d)
	case convert:
		err = p.convert(d)
	}
	if err == nil {
		err = p.Renew()
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Renew makes the pipeline ready for another run of the same.
func (p *Pipeline) Renew() (err error) {
	if p.encode != nil {
		p.encoder, err = p.encode()
	}
	return err
}

// recompress changes nothing but the compression.
func (p *Pipeline) recompress(d decision) {
	extension := method(d.to.Compression)
	p.source = func(inner weir.Source, _ int) (weir.Source, error) {
		return codec.NewSource(inner, codec.SourceOptions{
			Format: codec.Format{Name: codec.Bytes}, Compression: d.from.Compression,
			MaxRatio: p.ask.MaxRatio, MaxWindow: p.ask.MaxWindow,
			Rename: func(name string) string { return codec.TrimCompression(name) + extension },
		})
	}
	bytes := codec.Spec{Format: codec.Format{Name: codec.Bytes}, Compression: d.to.Compression}
	p.encode = func() (*codec.Encoder, error) {
		return codec.NewEncoder(bytes.Format, bytes, codec.EncodeOptions{Level: p.ask.Level, KeepNames: true})
	}
}

// convert divides the streams into records and writes them in another way.
func (p *Pipeline) convert(d decision) error {
	p.from = d.from.Format
	switch {
	case d.yields:
		p.from = codec.Format{Name: codec.NDJSON}
	case d.fromParquet:
		p.from = codec.Format{Name: codec.NDJSON}
		p.source = func(inner weir.Source, _ int) (weir.Source, error) {
			return parquet.NewSource(inner, p.parquetRead()), nil
		}
	default:
		p.dynamic = p.from.Name == codec.Auto
		p.source = func(inner weir.Source, batch int) (weir.Source, error) {
			return codec.NewSource(inner, codec.SourceOptions{
				Format: d.from.Format, Compression: d.from.Compression, MaxRecord: int(p.ask.MaxRecord),
				Bad: p.bad, UTF8: p.ask.UTF8.encoding(), MaxRatio: p.ask.MaxRatio, MaxWindow: p.ask.MaxWindow,
				Rename: codec.TrimCompression, Carry: carry(batch), Table: p.tellTable,
				Validate: p.ask.Validate && d.from.Format.Name != codec.NDJSON && d.from.Format.Name != codec.JSON, // which conversion does
			})
		}
	}
	if d.toParquet {
		p.sink = func(inner weir.Sink) (weir.Sink, error) {
			o := d.parquet
			o.Bad, o.Rename, o.Schema = p.bad, parquet.RenameFile, p.ask.Schema
			return parquet.NewSink(inner, o), nil
		}
		d.to = codec.Spec{Format: codec.Format{Name: codec.NDJSON}}
	}
	p.json = isText(d.to.Format)
	p.encode = func() (*codec.Encoder, error) {
		return codec.NewEncoder(p.middle(), d.to, codec.EncodeOptions{
			Convert: p.conversion(), Level: p.ask.Level, KeepNames: d.takes, KeepColumns: p.ask.keepsColumns(), Join: d.joins,
		})
	}
	return nil
}

// middle is the format in which records leave the stages.
func (p *Pipeline) middle() codec.Format {
	if len(p.ask.Stages) > 0 || p.dynamic {
		return codec.Format{Name: codec.NDJSON}
	}
	return p.from
}

func (p *Pipeline) conversion() codec.ConvertOptions {
	return codec.ConvertOptions{
		Columns: p.ask.Columns, DropOthers: p.ask.DropOthers, Strings: p.ask.Strings, Key: p.ask.Message,
		Text: p.ask.UTF8.invalid(), Validate: p.ask.Validate, Bad: p.bad,
	}
}

// Source returns inner with what is done to its streams, in batches of so many
// bytes.
func (p *Pipeline) Source(inner weir.Source, batch int) (weir.Source, error) {
	source := inner
	if p.source != nil {
		var err error
		if source, err = p.source(inner, batch); err != nil {
			return nil, err
		}
	}
	if p.encoder != nil {
		source = p.encoder.Source(source)
	}
	return source, nil
}

// carry is what a stream may hold of a record that spans two batches: less where
// batches are small, because there are many streams.
func carry(batch int) int { return max(8<<10, min(batch/4, codec.DefaultCarry)) }

// Sink returns inner with what is done before it.
func (p *Pipeline) Sink(inner weir.Sink) (weir.Sink, error) {
	if p.sink != nil {
		return p.sink(inner)
	}
	if p.encoder == nil {
		return inner, nil
	}
	return p.encoder.Sink(inner), nil
}

// Steps returns what is done to batches of so many bytes. Each call makes new
// steps, which belong to one run.
func (p *Pipeline) Steps(batch int) ([]weir.Step, error) {
	if p.encoder == nil {
		return nil, nil
	}
	var steps []weir.Step
	var err error
	switch {
	case p.dynamic:
		steps = []weir.Step{p.dynamicStep()}
	case len(p.ask.Stages) > 0:
		steps, err = codec.Convert(p.from, codec.Format{Name: codec.NDJSON}, p.conversion())
	}
	if err != nil {
		return nil, err
	}
	stages, err := p.ask.steps(batch, p.bad, p.json)
	if err != nil {
		return nil, err
	}
	return append(append(steps, stages...), p.encoder.Steps()...), nil
}

// OnNotice says who tells people what they should know while it runs.
func (p *Pipeline) OnNotice(f func(text string)) { p.notice.Store(&f) }

// LettersMemory is what sending dead letters takes, in bytes.
func (p *Pipeline) LettersMemory() int64 {
	if p == nil {
		return 0
	}
	if o, sends := p.box.(*deadletter.Outbox); sends {
		return o.Memory()
	}
	return 0
}

// Bad is what becomes of records that cannot be used.
func (p *Pipeline) Bad() weir.BadPolicy { return p.bad }

// Sync brings the dead letters to the disk. It must come before a checkpoint.
func (p *Pipeline) Sync() error {
	if p.box == nil {
		return nil
	}
	return p.box.Sync()
}

// Close ends the dead letters.
func (p *Pipeline) Close() error {
	if p.box == nil {
		return nil
	}
	return p.box.Close()
}

// Weight returns what a batch costs on its way through the steps, in bytes per
// byte of it, and what the steps hold beside batches with so many workers.
func Weight(steps []weir.Step, workers int) (weight float64, static int64) {
	first, second, size := 1.0, 0.0, 1.0
	for i, s := range steps {
		expand := s.Expand
		if expand == 0 {
			expand = 1
		}
		size *= expand
		if i%2 == 0 {
			second = max(second, size)
		} else {
			first = max(first, size)
		}
		static += s.Static + s.PerWorker*int64(workers)
	}
	return first + second, static
}

// base returns the last part of a name, in which extensions are.
func base(name string) string { return path.Base(strings.ReplaceAll(name, `\`, "/")) }

func errFormat(flag, text string, err error) error {
	return fmt.Errorf("%s %s: %w", flag, text, err)
}
