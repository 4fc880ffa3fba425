package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// Dead letters can be kept in the database that the records go into: their
// transaction is another one.
func TestDeadLettersGoIntoPostgreSQLBesideTheRecords(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	url := pgtest.Start(t, pgtest.Options{}).URL()
	mark := "?"
	if strings.Contains(url, "?") {
		mark = "&"
	}
	dir := t.TempDir()
	var data bytes.Buffer
	for i := range 1000 {
		n := fmt.Sprint(i)
		if i%100 == 50 {
			n = `"no number"`
		}
		fmt.Fprintf(&data, `{"n":%s}`+"\n", n)
	}
	put(t, dir, "from.ndjson", data.Bytes())
	put(t, dir, "first.ndjson", []byte(`{"n":-1}`+"\n"))
	numbers, letters := url+mark+"table=numbers", url+mark+"table=letters"
	mustRun(t, weirCommand(t, dir, "cp", "-q", "first.ndjson", numbers, "--create"))
	mustRun(t, weirCommand(t, dir, "cp", "-q", "from.ndjson", numbers, "--on-error", "deadletter", "--dead-letters", letters, "--stop-bad", "off"))
	for table, want := range map[string]int{"numbers": 991, "letters": 10} {
		mustRun(t, weirCommand(t, dir, "cp", "-q", url+mark+"table="+table, table+".ndjson"))
		got, err := os.ReadFile(filepath.Join(dir, table+".ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(got, []byte("\n")); n != want {
			t.Errorf("%d rows in %s, want %d", n, table, want)
		}
		if table == "letters" && bytes.Count(got, []byte("no number")) < want {
			t.Errorf("the letters are %s", got)
		}
	}
}
