package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
	"github.com/weirflow/weir/connector/postgres/pgtest"
)

const secret = "hush-hush"

// Passwords come from the URL, the environment or a file, TLS is asked for as libpq is,
// and no error shows a password.
func TestPasswordsAndTLS(t *testing.T) {
	d := own(t, pgtest.Options{TLS: true, Settings: map[string]string{"max_connections": "5", "superuser_reserved_connections": "1"}, HBA: "local all all trust\nhostssl all guest all scram-sha-256\nhost all postgres all trust\nhost all guest all reject\n"})
	d.do("SET password_encryption = 'scram-sha-256'; CREATE ROLE guest LOGIN PASSWORD '" + secret + "'; CREATE TABLE t (n int); GRANT ALL ON t TO guest")
	_, port, err := net.SplitHostPort(d.Addr())
	must(t, err)
	root := filepath.Join(t.TempDir(), "root.crt")
	certificate, err := os.ReadFile(d.Certificate())
	must(t, err)
	must(t, os.WriteFile(root, certificate, 0o600))
	stranger := filepath.Join(t.TempDir(), "stranger.crt")
	must(t, os.WriteFile(stranger, strangerCertificate(t), 0o600))
	service := filepath.Join(t.TempDir(), "service")
	must(t, os.WriteFile(service, []byte("[shop]\nhost=localhost\nport="+port+"\nuser=guest\npassword="+secret+"\ndbname=postgres\nsslmode=require\n"), 0o600))
	home := t.TempDir()
	passfile := filepath.Join(t.TempDir(), "pgpass")
	must(t, os.WriteFile(passfile, []byte("*:*:*:guest:"+secret+"\n"), 0o600))
	defer d.withoutRoom(t)
	must(t, os.WriteFile(filepath.Join(home, ".pgpass"), []byte("localhost:1:*:guest:wrong\nlocalhost:"+port+":postgres:guest:"+secret+"\n"), 0o600))
	bare := "postgres://guest@localhost:" + port + "/postgres?connect_timeout=5&"
	with := strings.Replace(bare, "guest@", "guest:"+secret+"@", 1)
	elsewhere := strings.Replace(with, "localhost", "127.0.0.1", 1) // of which the certificate does not speak
	for _, x := range []struct {
		name, url string
		env       map[string]string
		want      string // of the error; empty: none
		kind      weir.Kind
	}{
		{"in the URL", with + "sslmode=require", nil, "", 0},
		{"preferred", with + "sslmode=prefer", nil, "", 0},
		{"in the environment", bare + "sslmode=require", map[string]string{"PGPASSWORD": secret}, "", 0},
		{"in a file", bare + "sslmode=require", map[string]string{"PGPASSFILE": passfile}, "", 0},
		{"all from the environment", "postgres://?", map[string]string{
			"PGHOST": "localhost", "PGPORT": port, "PGUSER": "guest", "PGPASSWORD": secret, "PGDATABASE": "postgres", "PGSSLMODE": "require",
		}, "", 0},
		{"in the home directory", bare + "sslmode=require", map[string]string{"HOME": home, "PGPASSFILE": ""}, "", 0},
		{"a service", "postgres://?", map[string]string{"PGSERVICEFILE": service, "PGSERVICE": "shop"}, "", 0},
		{"verified", with + "sslmode=verify-full&sslrootcert=" + root, nil, "", 0},
		{"verified by the environment", with, map[string]string{"PGSSLMODE": "verify-full", "PGSSLROOTCERT": root}, "", 0},
		{"verified but for the name", elsewhere + "sslmode=verify-ca&sslrootcert=" + root, nil, "", 0},
		{"another name", elsewhere + "sslmode=verify-full&sslrootcert=" + root, nil, "check the host's name", weir.Invalid},
		{"another signer", with + "sslmode=verify-ca&sslrootcert=" + stranger, nil, "sslrootcert=FILE", weir.Invalid},
		{"another signer, required", with + "sslmode=require&sslrootcert=" + stranger, nil, "sslrootcert=FILE", weir.Invalid}, // as libpq does
		{"a socket", "postgres://guest@/postgres?host=" + d.Socket() + "&port=" + port, nil, "", 0},
		{"a second host", strings.Replace(with, "localhost:", "127.0.0.1:1,127.0.0.1:", 1) + "sslmode=require", nil, "", 0},
		{"unknown signer", with + "sslmode=verify-full", nil, "sslrootcert=FILE", weir.Invalid},
		{"no TLS", with + "sslmode=disable", nil, "pg_hba.conf", weir.Invalid},
		{"wrong password", strings.Replace(with, secret, secret+"2", 1) + "sslmode=require", nil, "password authentication failed", weir.Invalid},
		{"no password", bare + "sslmode=require", nil, "pg_hba.conf", weir.Invalid},
		{"no database", strings.Replace(with, "/postgres?", "/nowhere?", 1) + "sslmode=require", nil, "create the database, or check its name", weir.Invalid},
		{"nobody there", strings.Replace(with, ":"+port, ":1", 1) + "sslmode=disable", nil, "connection refused", weir.Transient},
		{"no such host", strings.Replace(with, "localhost", "nobody.invalid", 1) + "sslmode=disable", nil, "", weir.Other},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Setenv("PGPASSFILE", "/nonexistent")
			for name, value := range x.env {
				t.Setenv(name, value)
			}
			sink, err := postgres.NewSink(x.url+"&table=t", postgres.SinkOptions{ConnectFor: time.Millisecond})
			must(t, err)
			w, err := sink.Open(t.Context(), info("x"))
			if x.name == "no such host" {
				if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
					t.Error(err)
				}
				return
			}
			if x.want != "" {
				if weir.KindOf(err) != x.kind || !strings.Contains(err.Error(), x.want) {
					t.Errorf("%v: %v; want %v and %q", weir.KindOf(err), err, x.kind, x.want)
				}
			} else {
				must(t, err)
				must(t, w.Write(t.Context(), batch(`{"n":1}`)))
				must(t, w.Commit(t.Context()))
			}
			must(t, sink.Close())
			for _, text := range []string{fmt.Sprintf("%v %+v %#v", err, err, err), sink.String(), fmt.Sprint(sink)} {
				if strings.Contains(text, secret) {
					t.Errorf("the password is shown: %s", text)
				}
			}
		})
	}
}

// strangerCertificate is one that has nothing to do with the server.
func strangerCertificate(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stranger"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// A URL that is wrong is refused without showing what may be a password.
func TestURLsThatAreWrong(t *testing.T) {
	for _, x := range []struct{ url, table, want string }{
		{"http://localhost/db", "t", "must begin with postgres://"},
		{"postgres://localhost/db", "", "which table?"},
		{"postgres://u:" + secret + "/x@localhost/db", "t", "%2F"},
		{"postgres://u:" + secret + "@localhost:port/db", "t", "cannot be understood"},
		{"postgres://u:" + secret + "%zz@localhost/db", "t", "cannot be understood"},
		{"postgres://u:p?" + secret + "@localhost/db", "", "which table?"},
		{"postgres://localhost/db?sslmode=perhaps", "t", "sslmode is invalid"},
		{"postgres://u:" + secret + "@localhost/db?sslmode=verify-ca&sslrootcert=/nonexistent", "t", "/nonexistent"},
		{"postgres://localhost/db?password=" + secret + "&sslmode=perhaps", "t", "cannot be understood"},
		{"postgres://u:a?b@localhost/db?table=a.b.c", "", "has 3 parts"},
		{"postgres://localhost/db", "a.b.c", "has 3 parts"},
		{"postgres://localhost/db", `"a`, "not closed"},
		{"postgres://localhost/db?table=%zz", "", "parameter table"},
		{"postgres://localhost/db", strings.Repeat("x", 64), "longer than 63 bytes"},
	} {
		_, err := postgres.NewSink(x.url, postgres.SinkOptions{Table: x.table})
		if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), x.want) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
			t.Errorf("%s, %s: %v; want %q", x.url, x.table, err, x.want)
		}
	}
	_, err := postgres.NewSink("postgres://h/d", postgres.SinkOptions{
		Table: "t", Connections: 65, ConnectFor: -1, Key: []string{""}, Columns: []postgres.Column{{}, {Name: "a"}, {Name: "a"}},
	})
	for _, want := range []string{"Connections is 65", "ConnectFor is -1", "Key has", "without a name", `names "a" twice`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

// A sink and a source name themselves without secrets, and with every host.
func TestNamesHoldNoSecrets(t *testing.T) {
	sink, err := postgres.NewSink("postgres://user:"+secret+"@h1:1,h2:2/my%20db?password="+secret+"&table=s.t&sslmode=prefer", postgres.SinkOptions{})
	must(t, err)
	if got := sink.String(); got != "postgres://h1:1,h2:2/my%20db?table=s.t" {
		t.Error(got)
	}
	source, err := postgres.NewSource("postgres:///d?host=/run/pg", postgres.SourceOptions{Query: "SELECT '" + secret + "'"})
	must(t, err)
	if got := source.String(); got != "postgres://%2Frun%2Fpg/d" {
		t.Error(got)
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	d := start(t)
	table := d.table("a int, b int GENERATED ALWAYS AS (a + 1) STORED")
	for _, x := range []struct {
		table string
		o     postgres.SinkOptions
		want  string
	}{
		{"nowhere", postgres.SinkOptions{}, "there is no table nowhere: create it"},
		{"no.where", postgres.SinkOptions{}, "there is no table no.where: create it"},
		{table, postgres.SinkOptions{Key: []string{"x"}}, "has no column x, which Key names"},
		{table, postgres.SinkOptions{Columns: []postgres.Column{{Name: "x"}}}, "has no column x, which Columns names"},
		{table, postgres.SinkOptions{Columns: []postgres.Column{{Name: "b"}}}, "is computed by the server"},
	} {
		sink := d.sink(x.table, x.o)
		_, err := sink.Open(t.Context(), info("x"))
		if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v: %v; want %q", weir.KindOf(err), err, x.want)
		}
		must(t, sink.Close())
	}
	err := d.load(table, postgres.SinkOptions{Key: []string{"a"}}, batch(`{"a":1}`))
	if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), "create a unique index") {
		t.Error(err)
	}
}
