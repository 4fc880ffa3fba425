package checkpoint_test

import (
	"fmt"
	"log"
	"os"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/checkpoint"
)

// A run saves how far it came; the next one asks where to continue.
func Example() {
	dir, err := os.MkdirTemp("", "state")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // of the example only
	s, err := checkpoint.Open(dir, checkpoint.Options{})
	if err != nil {
		log.Fatal(err)
	}

	const job = "5f2a" // a hash of source, sink and configuration
	if err := s.PutJob(checkpoint.Job{ID: job, Description: "logs/ to s3://bucket"}); err != nil {
		log.Fatal(err)
	}
	err = s.Save(job, []checkpoint.Entry{
		{ID: "file:2049:7", Name: "a.ndjson", Checkpoint: weir.Checkpoint{
			Position: weir.Position("off=4096"), Read: weir.Count{Bytes: 4096, Records: 31}, Size: 9000,
		}},
	})
	if err != nil {
		log.Fatal(err)
	}

	e, known, err := s.Stream(job, "file:2049:7")
	fmt.Println(e.Name, e.Position, known, err)
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}
	// Output: a.ndjson off=4096 true <nil>
}
