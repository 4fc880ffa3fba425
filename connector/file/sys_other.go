//go:build !linux

package file

import (
	"errors"
	"os"
)

// nonblock is not used here: the runtime cannot poll FIFOs on every system, so
// opening and reading one may have to be abandoned.
const nonblock = 0

// waitWriter does nothing: a blocking open has waited.
func waitWriter(*os.File) error { return nil }

// renameNew renames from to to, or returns fs.ErrExist if there is a to.
func renameNew(from, to string) error { return linkNew(from, to) }

// An advisor does nothing here.
type advisor struct{}

func newAdvisor(*os.File) *advisor { return nil }

func (*advisor) preallocate(_, _ int64) bool        { return false }
func (*advisor) writeBack(_, _ int64) (bool, error) { return false, nil }
func (*advisor) settle(_, _ int64) (bool, error)    { return false, nil }

// unsupported says that the file system does not know a call.
func unsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }
