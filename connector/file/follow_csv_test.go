package file_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/file"
)

// asRows makes rows of a source's streams.
func asRows(t *testing.T, format codec.Format) func(weir.Source) weir.Source {
	return func(inner weir.Source) weir.Source {
		s, err := codec.NewSource(inner, codec.SourceOptions{Format: format, Validate: true})
		must(t, err)
		return s
	}
}

var csv = codec.Format{Name: codec.CSV}

// table writes rows to a file that has a header, and keeps the rows alone.
type table struct {
	*scribe
	rows strings.Builder
}

const csvHeader = "number,name,\"a name in quotes\"\n"

func openTable(t *testing.T, dir string) *table {
	s := &table{scribe: opens(t, dir, "app.csv")}
	s.text(csvHeader)
	return s
}

func (s *table) add(n int) {
	for range n {
		row := fmt.Sprintf("%d,\"of \"\"app\"\"\nin two lines\",x\n", s.n)
		s.n++
		s.text(row)
		s.rows.WriteString(row)
	}
}

func (s *table) turn(how func()) {
	how()
	s.text(csvHeader)
}

// A header comes with each file, and is no row of any.
func TestFollowedCSVHasAHeaderInEachFile(t *testing.T) {
	log := openTable(t, tempDir(t))
	f := follow(t, log.path)
	f.wrap = asRows(t, csv)
	f.start()
	log.add(10)
	f.await(log.rows.String())
	log.turn(log.rotate)
	log.add(10)
	f.await(log.rows.String())
	log.turn(log.copyTruncate)
	log.add(10)
	f.settles(log.rows.String())
	f.stop()
	f.start()
	log.add(10)
	f.settles(log.rows.String())
}

// Rows come once and whole over rotations and restarts, wherever they cut.
func TestFollowedCSVComesOnce(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 17))
		log := openTable(t, t.TempDir())
		f := follow(t, log.path)
		f.wrap = asRows(t, csv)
		f.start()
		log.add(4)
		f.keep(log.rows.String())
		steps := fmt.Sprintf("seed %d: ", seed)
		for range 12 {
			log.add(r.IntN(60))
			step := r.IntN(6)
			steps += fmt.Sprint(step)
			switch step {
			case 0:
				log.turn(log.rotate)
			case 1:
				log.rotate()
				time.Sleep(time.Duration(r.IntN(4)) * poll)
				log.text(csvHeader)
			case 2:
				f.crash()
				if r.IntN(2) == 0 {
					log.add(r.IntN(60))
					log.rotate()
					if r.IntN(2) == 0 { // nothing in the new one yet
						f.start()
						f.await(log.rows.String())
						f.crash()
					}
					log.text(csvHeader)
				}
				f.start()
			case 3:
				log.text(`17,"half a `)
				time.Sleep(time.Duration(r.IntN(3)) * poll)
				log.text("row\n\",x\n")
				log.rows.WriteString("17,\"half a row\n\",x\n")
			case 4:
				log.add(4)
				f.await(log.rows.String()) // a file is known by its beginning
				log.add(r.IntN(60))
				log.turn(log.copyTruncate)
			case 5:
				time.Sleep(time.Duration(r.IntN(3)) * poll)
			}
		}
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(steps)
			}
		})
		log.add(1)
		f.await(log.rows.String())
		f.stop()
	}
}

// A file that was replaced while nobody looked is read with its own header.
func TestFollowedCSVThatWasReplacedWhileDown(t *testing.T) {
	log := openTable(t, tempDir(t))
	f := follow(t, log.path)
	f.wrap = asRows(t, csv)
	log.add(100)
	f.start()
	f.keep(log.rows.String())
	f.crash()
	must(t, os.Rename(put(t, filepath.Dir(log.path), "new", "other\n1\n2\n"), log.path))
	f.start()
	f.settles(log.rows.String() + "1\n2\n")
}

// A row that its file ends in the middle of is no part of the next file.
func TestRowsEndWithTheirFile(t *testing.T) {
	log := openTable(t, tempDir(t))
	f := follow(t, log.path)
	f.wrap = asRows(t, csv)
	f.start()
	log.add(10)
	f.await(log.rows.String())
	log.text("1,2,3")
	log.turn(log.rotate)
	log.add(10)
	f.settles(strings.Replace(log.rows.String(), "10,", "1,2,310,", 1))
	if n := strings.Count(f.book.all(), "number,name"); n > 0 {
		t.Errorf("%d headers were read as rows", n)
	}
}

// What has its index or its end behind it cannot be followed, and that is said.
func TestFormatsThatCannotBeFollowedAreRefused(t *testing.T) {
	gz := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + string(noise(100))
	for _, c := range []struct{ name, content, format, want string }{
		{"app.log.gz", gz, codec.Lines, "compressed with gzip"},
		{"app.log.zst", "", codec.Auto, "compressed with zstd"},
		{"app.log", gz, codec.Lines, "compressed with gzip"},
		{"app.log", gz, codec.Auto, "compressed with gzip"},
		{"app.log", "text\n", codec.Whole, "cannot be one record"},
	} {
		path := put(t, tempDir(t), c.name, c.content)
		s := asRows(t, codec.Format{Name: c.format})(source(t, file.SourceOptions{Follow: true}, path))
		st, err := s.Next(t.Context())
		must(t, err)
		within(t, "Read", func() { err = st.Read(t.Context(), weir.NewBatch(1<<16)) })
		refused(t, err, weir.Invalid, c.want)
		must(t, st.Close())
	}
}
