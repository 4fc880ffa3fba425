package file_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/weirtest"
)

func TestSourceConforms(t *testing.T) {
	weirtest.TestSource(t, func(t *testing.T) weirtest.SourceHarness {
		dir := t.TempDir()
		content := map[string][]byte{"a": noise(300_000), "b/c": noise(1), "b/d": noise(70_001)}
		for name, data := range content {
			put(t, dir, name, string(data))
		}
		return weirtest.SourceHarness{
			Open: func(tb testing.TB) weir.Source { return openSource(tb, dir) },
			Want: func(name string) []byte { return content[name] },
			Truncated: func(tb testing.TB) weir.Source {
				return &truncated{Source: openSource(tb, filepath.Join(dir, "a")), path: filepath.Join(dir, "a")}
			},
		}
	})
}

func openSource(tb testing.TB, path string) weir.Source {
	tb.Helper()
	s, err := file.NewSource([]string{path}, file.SourceOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// truncated cuts the file off when it has been opened.
type truncated struct {
	weir.Source
	path string
}

func (s *truncated) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.Source.Next(ctx)
	if err == nil {
		err = os.Truncate(s.path, 1000)
	}
	return st, err
}

func TestSinkConforms(t *testing.T) {
	for name, o := range map[string]file.SinkOptions{"durable": {Force: true}, "not synced": {Force: true, NoSync: true}} {
		t.Run(name, func(t *testing.T) {
			weirtest.TestSink(t, func(t *testing.T) weirtest.SinkHarness {
				dir := t.TempDir() + string(os.PathSeparator)
				open := func(watch func(act string) error) func(testing.TB) weir.Sink {
					return func(tb testing.TB) weir.Sink {
						s, err := file.NewSink(dir, o)
						if err != nil {
							tb.Fatal(err)
						}
						if watch != nil {
							s.Watch(func(act, _ string) error { return watch(act) })
						}
						return s
					}
				}
				return weirtest.SinkHarness{
					Open: open(nil),
					Fails: open(func(act string) error {
						if act == "write" {
							return syscall.ENOSPC
						}
						return nil
					}),
					Read: func(_ testing.TB, name string) ([]byte, bool) {
						data, err := os.ReadFile(filepath.Join(dir, name))
						return data, err == nil
					},
				}
			})
		})
	}
}
