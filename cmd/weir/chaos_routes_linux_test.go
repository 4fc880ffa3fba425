package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// onlyLong returns routes that are left out of the suite.
func onlyLong(routes ...route) []route {
	for i := range routes {
		routes[i].long = true
	}
	return routes
}

// inFile counts the records in a file of dir.
func inFile(dir, name string) func(*testing.T) map[int]int {
	return func(t *testing.T) map[int]int { return countNumbered(t, filepath.Join(dir, name)) }
}

// copied counts the records that the program reads at an address.
func copied(dir, from string) func(*testing.T) map[int]int {
	return func(t *testing.T) map[int]int {
		mustRun(t, weirCommand(t, dir, "cp", "-q", "--force", "--state", "none", from, "copied.ndjson"))
		return countNumbered(t, filepath.Join(dir, "copied.ndjson"))
	}
}

// makeSource writes the records to from.ndjson.
func makeSource(t *testing.T, dir string) string {
	t.Helper()
	writeNumbered(t, filepath.Join(dir, "from.ndjson"), chaosRecords)
	return "from.ndjson"
}

// makeGzip writes the records to a file of many members, at which it can be continued.
func makeGzip(t *testing.T, dir string) string {
	t.Helper()
	mustRun(t, weirCommand(t, dir, "cp", "-q", "--state", "none", makeSource(t, dir), "from.ndjson.gz", "--batch", "64KiB"))
	return "from.ndjson.gz"
}

// fileRoutes end in a file.
func fileRoutes() []route {
	into := func(name string, source func(*testing.T, string) string, to string, more ...string) route {
		return route{name: name, promise: weir.ExactlyOnce, begin: func(t *testing.T, dir string) passage {
			count := inFile(dir, to)
			if to != "to.ndjson" {
				count = copied(dir, to)
			}
			return passage{dir: dir, args: cp(append([]string{source(t, dir), to}, more...)...), records: chaosRecords, count: count}
		}}
	}
	return append([]route{
		into("file to file", makeSource, "to.ndjson"),
		into("lines of a file, transformed, to file", makeSource, "to.ndjson", "--where", "n >= 0"),
		into("gzip to file", makeGzip, "to.ndjson"),
		into("file to zstd", makeSource, "to.ndjson.zst"),
	}, onlyLong(into("file to CSV", makeSource, "to.csv"))...)
}

// tables counts the tables that were made.
var tables atomic.Int32

// newTable returns the address of a table that does not exist.
func newTable(address string) string {
	mark := "?"
	if strings.Contains(address, "?") {
		mark = "&"
	}
	return fmt.Sprintf("%s%stable=t%d", address, mark, tables.Add(1))
}

// sqliteFile is the address of a database in the directory of a passage.
const sqliteFile = "sqlite://numbers.db"

// intoTable is a route that ends in a table, which is made from the first records.
func intoTable(name string, promise weir.Label, source func(*testing.T, string) string, address, parameters string, more ...string) route {
	return route{name: name, promise: promise, begin: func(t *testing.T, dir string) passage {
		to := newTable(address)
		args := cp(append([]string{source(t, dir), to + parameters, "--create"}, more...)...)
		return passage{dir: dir, args: args, records: chaosRecords, count: copied(dir, to)}
	}}
}

// filled makes a table of the records, with a key.
func filled(address string) func(t *testing.T, dir string) string {
	return func(t *testing.T, dir string) string {
		t.Helper()
		from := newTable(address)
		mustRun(t, weirCommand(t, dir, "cp", "-q", "--state", "none", makeSource(t, dir), from, "--create", "--key", "n"))
		return from
	}
}

// fromTable is a route from a table of PostgreSQL to a file. args returns how it is
// read.
func fromTable(name, address string, args func(from string) []string) route {
	return route{name: name, promise: weir.ExactlyOnce, begin: func(t *testing.T, dir string) passage {
		from := args(filled(address)(t, dir))
		return passage{dir: dir, args: cp(append(from, "to.ndjson")...), records: chaosRecords, count: inFile(dir, "to.ndjson")}
	}}
}

// databaseRoutes end in a table, or begin in one.
func databaseRoutes(server *pgtest.Server) []route {
	url := server.URL()
	return append([]route{
		intoTable("file to SQLite", weir.ExactlyOnce, makeSource, sqliteFile, ""),
		intoTable("file to PostgreSQL", weir.ExactlyOnce, makeSource, url, ""),
		intoTable("file to PostgreSQL, with dead letters", weir.ExactlyOnce, makeSource, url, "", "--on-error", "deadletter", "--dead-letters", "dead"),
		intoTable("PostgreSQL to PostgreSQL", weir.ExactlyOnce, filled(url), url, ""),
		fromTable("table of PostgreSQL to file", url, func(from string) []string { return []string{from + "#page=700"} }),
		fromTable("query of PostgreSQL to file", url, func(from string) []string {
			address, table, _ := strings.Cut(from, "&table=")
			return []string{address + "#key=n&query=select%20*%20from%20" + table}
		}),
	}, onlyLong(
		intoTable("file to PostgreSQL on two connections", weir.AtLeastOnce, makeSource, url, "#connections=2"),
		intoTable("gzip to PostgreSQL", weir.ExactlyOnce, makeGzip, url, ""),
		intoTable("SQLite to PostgreSQL", weir.ExactlyOnce, filled(sqliteFile), url, ""),
	)...)
}
