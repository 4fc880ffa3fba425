package postgres_test

import (
	"context"
	"fmt"
	"log"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/postgres"
)

// A table takes the members that it has columns for, and the whole record as JSON in
// another one. What cannot be a row is left out.
func ExampleNewSink() {
	raw, err := codec.ParseColumn("raw=.")
	if err != nil {
		log.Fatal(err)
	}
	sink, err := postgres.NewSink("postgres://loader@db.example.org/logs?sslmode=verify-full&table=access_log", postgres.SinkOptions{
		Columns: []postgres.Column{raw, {Name: "city", Path: []string{"address", "city"}}},
		Bad:     weir.SkipBad,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sink, sink.Footprint().Resumes == weir.ResumesAtPosition)
	if err := sink.Close(); err != nil {
		log.Fatal(err)
	}
	// Output: postgres://db.example.org:5432/logs?table=access_log true
}

// The rows of a query are records; with a key they can be continued.
func ExampleNewSource() {
	source, err := postgres.NewSource("postgres://reader@db.example.org/logs", postgres.SourceOptions{
		Query: "SELECT * FROM access_log WHERE status >= 500",
		Key:   []string{"id"},
	})
	if err != nil {
		log.Fatal(err)
	}
	copyErrors := func(ctx context.Context, into weir.Sink) (weir.Result, error) {
		return weir.Ingest(ctx, source, into, weir.Options{})
	}
	_ = copyErrors
	fmt.Println(source)
	// Output: postgres://db.example.org:5432/logs
}
