package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/postgres"
	"github.com/weirflow/weir/connector/sqlite"
)

// Table is what the command line says about the table that is written, whatever
// the database.
type Table struct {
	Create  bool
	Key     []string // columns of a unique index
	Columns []string // "column=path.to.member"
	Strict  bool     // a member without a column makes a record bad
}

func (t Table) empty() bool {
	return !t.Create && !t.Strict && len(t.Key) == 0 && len(t.Columns) == 0
}

// Parameters of more than one database.
var (
	queryParam = Param{Name: "query", Kind: Text, Example: "select%20*%20from%20t", Side: Source, Text: "what is read in place of a table: one SELECT"}
	keyParam   = Param{Name: "key", Kind: Text, Example: "id", Text: "columns that tell rows apart, separated by commas: a source is read in their order, a destination replaces rows that are there"}
)

func postgresTables(scheme string) Connector {
	return Connector{
		Scheme:  scheme,
		Summary: "tables of PostgreSQL: loaded by COPY with the position in the same transaction, read by key or query",
		Place:   "USER@HOST/DATABASE?table=NAME",
		Foreign: true, Keeps: true, Takes: ndjson,
		Yields: func(Address) string { return ndjson },
		Examples: []string{
			"'" + scheme + "://app@db.example.org/shop?table=orders'", "'" + scheme + "://localhost/shop?sslmode=disable#query=select%20*%20from%20orders'",
		},
		Params: []Param{
			queryParam, keyParam,
			{Name: "connections", Kind: Int, Default: "1", Example: "2", Min: 1, Max: postgres.MaxConnections, Side: Sink, Text: "written on at once: more than one is faster, in any order, and at least once"},
			{Name: "page", Kind: Int, Example: "10000", Min: 1, Max: 1 << 30, Side: Source, Text: "rows that one statement reads"},
			{Name: "wait", Kind: Duration, Default: "5s", Example: "1m", Text: "how long a server is waited for that is not there yet"},
		},
		source: func(a Address, _ Env) (weir.Source, error) {
			return postgres.NewSource(a.URL, postgres.SourceOptions{
				Query: value[string](a, "query"), Key: list(value[string](a, "key")),
				Page: int(value[int64](a, "page")), ConnectFor: value[time.Duration](a, "wait"),
			})
		},
		sink: func(a Address, env Env) (weir.Sink, error) {
			columns, err := columnsOf(a, env.Table.Columns)
			if err != nil {
				return nil, err
			}
			return postgres.NewSink(a.URL, postgres.SinkOptions{
				Columns: columns, Create: env.Table.Create, Key: append(list(value[string](a, "key")), env.Table.Key...),
				Connections: int(value[int64](a, "connections")), Bad: env.Bad, SyncBad: env.SyncBad, Strict: env.Table.Strict,
				OnUnused: unused(env), Pipeline: env.Job, Fresh: env.Fresh, ConnectFor: value[time.Duration](a, "wait"),
			})
		},
		purge: func(ctx context.Context, a Address, job string, age time.Duration) (int64, error) {
			return postgres.Purge(ctx, a.URL, job, age)
		},
	}
}

const sqliteScheme = "sqlite"

func sqliteTables() Connector {
	return Connector{
		Scheme:  sqliteScheme,
		Summary: "tables of SQLite: one transaction a checkpoint with the position in it",
		Place:   "PATH",
		Keeps:   true, Takes: ndjson,
		Yields: func(Address) string { return ndjson },
		Examples: []string{
			"'sqlite://shop.db?table=orders'", "'sqlite:///var/lib/shop.db?query=select%20*%20from%20orders'",
		},
		Params: []Param{
			{Name: "table", Kind: Text, Example: "orders", Text: "the table"},
			queryParam, keyParam,
			{Name: "sync", Kind: Bool, Default: "true", Example: "false", Side: Sink, Text: "wait until the disk has each transaction"},
			{Name: "cache", Kind: Size, Default: "8MiB", Example: "32MiB", Text: "pages that SQLite keeps; a random key wants one that holds its index; twice that is taken of --memory"},
			{Name: "wait", Kind: Duration, Default: "30s", Example: "5m", Text: "how long a lock of another process is waited for"},
		},
		source: func(a Address, env Env) (weir.Source, error) {
			if value[string](a, "table") == "" && value[string](a, "query") == "" {
				return nil, a.fail(errors.New("which table? Add ?table=NAME, or ?query= and a SELECT"))
			}
			return sqlite.NewSource(sqlite.SourceOptions{
				Path: a.Place, Table: value[string](a, "table"), Query: value[string](a, "query"), Key: value[string](a, "key"),
				Cache: value[int64](a, "cache"), WaitFor: value[time.Duration](a, "wait"), MaxRecord: int(env.MaxRecord),
			})
		},
		sink: func(a Address, env Env) (weir.Sink, error) {
			if value[string](a, "table") == "" {
				return nil, a.fail(errors.New("which table? Add ?table=NAME"))
			}
			if _, err := os.Stat(a.Place); errors.Is(err, fs.ErrNotExist) && !env.Table.Create {
				return nil, a.fail(fmt.Errorf("there is no file %s; --create makes it, with the table", a.Place))
			}
			columns, err := columnsOf(a, env.Table.Columns)
			if err != nil {
				return nil, err
			}
			return sqlite.NewSink(sqlite.SinkOptions{
				Path: a.Place, Table: value[string](a, "table"), Columns: columns, Create: env.Table.Create,
				Key: append(list(value[string](a, "key")), env.Table.Key...), Bad: env.Bad, SyncBad: env.SyncBad, Strict: env.Table.Strict,
				OnUnused: unused(env), Pipeline: env.Job, Fresh: env.Fresh, NoSync: env.NoSync || !value[bool](a, "sync"),
				Cache: value[int64](a, "cache"), WaitFor: value[time.Duration](a, "wait"), MaxRecord: int(env.MaxRecord),
			})
		},
		purge: func(ctx context.Context, a Address, job string, age time.Duration) (int64, error) {
			return sqlite.Purge(ctx, a.Place, job, age)
		},
	}
}

// list splits what commas separate.
func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func columnsOf(a Address, texts []string) ([]codec.Column, error) {
	var all []codec.Column
	for _, text := range texts {
		c, err := codec.ParseColumn(text)
		if err != nil {
			return nil, a.fail(fmt.Errorf("--column %s: %w", text, err))
		}
		all = append(all, c)
	}
	return all, nil
}

// unused tells people of members that have no column.
func unused(env Env) func(string) {
	if env.Notice == nil {
		return nil
	}
	return func(member string) {
		env.Notice("the table has no column for " + member + ": it is left out (--strict makes such records bad ones, --column takes them)")
	}
}

// errNoTable is about flags for tables where nothing has any.
var errNoTable = errors.New("--create, --key, --column and --strict are about the table of a database, and the destination is none")
