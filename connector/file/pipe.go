package file

import (
	"context"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/weirflow/weir"
)

// pipe reads a file that is not regular: a FIFO or a device. It has no size and
// no positions.
type pipe struct {
	f    *os.File
	path string
	info weir.StreamInfo
	met  bool // data or a writer was seen
}

var _ weir.Stream = (*pipe)(nil)

func newPipe(f *os.File, path, name string, st fs.FileInfo) *pipe {
	return &pipe{
		f:    f,
		path: path,
		info: weir.StreamInfo{ID: streamID(path, st), Name: name, Size: weir.UnknownSize},
		met:  st.Mode()&fs.ModeNamedPipe == 0,
	}
}

func (p *pipe) Info() weir.StreamInfo { return p.info }

// Seek returns weir.ErrNotResumable.
func (p *pipe) Seek(context.Context, weir.Position) error {
	return weir.ErrNotResumable
}

// Read waits for data and takes what there is. A FIFO ends when its last writer
// has closed it, and not before the first has opened it.
func (p *pipe) Read(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	release := interrupt(ctx, p.f.SetReadDeadline)
	defer release()
	begin := time.Now()
	n, err := p.read(b.Space())
	b.AddWait(time.Since(begin))
	b.Advance(n)
	switch {
	case err == nil || err == io.EOF:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return newError("read", p.info.Name, pathError(p.path, err))
}

func (p *pipe) read(space []byte) (int, error) {
	if !p.met {
		if err := waitWriter(p.f); err != nil {
			return 0, err
		}
		p.met = true
	}
	return p.f.Read(space)
}

// Close closes the file and ends a Read that is still running.
func (p *pipe) Close() error {
	if err := p.f.Close(); err != nil {
		return newError("close", p.info.Name, pathError(p.path, err))
	}
	return nil
}
