package file

import (
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/weirflow/weir"
)

// Forget removes the temporary files that runs of a job to path, the one of NewSink,
// have left behind for the given streams, such as those of the checkpoints that are
// about to be removed: nobody would find them any more. Only their ID and Name count;
// the name's extension may be another one than in the sink. No run of the job may be
// going on. What is not there is no error.
func Forget(path, job string, streams iter.Seq[weir.StreamInfo]) error {
	if job == "" {
		return nil
	}
	st, err := os.Stat(path)
	if err == nil && !st.IsDir() || err != nil && !os.IsPathSeparator(path[len(path)-1]) {
		if resolved, err := filepath.EvalSymlinks(path); err == nil {
			path = resolved
		}
		return forgetIn(func(weir.StreamInfo) string { return filepath.Dir(path) }, job, streams)
	}
	return forgetIn(func(s weir.StreamInfo) string {
		return filepath.Join(path, filepath.Dir(filepath.FromSlash(s.Name)))
	}, job, streams)
}

// forgetIn does so in the directory that dir gives for each stream. It reads each
// directory once, and holds the names of the temporary files in it.
func forgetIn(dir func(weir.StreamInfo) string, job string, streams iter.Seq[weir.StreamInfo]) error {
	temps := map[string]map[string]string{} // by directory and random part
	var errs []error
	for s := range streams {
		in := dir(s)
		if temps[in] == nil {
			temps[in] = map[string]string{}
			err := eachName(in, func(name string) {
				if isTempName(name) {
					temps[in][name[len(name)-len(tempSuffix)-tempRandom:len(name)-len(tempSuffix)]] = filepath.Join(in, name)
				}
			})
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, pathError(in, err))
			}
		}
		if name := temps[in][randomOf(job, s.ID, 0)]; name != "" {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, pathError(name, err))
			}
		}
	}
	if len(errs) > 0 {
		return newError("forget", "", errors.Join(errs...))
	}
	return nil
}
