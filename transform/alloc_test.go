package transform_test

import (
	"context"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/transform"
)

func TestNothingIsAllocatedForARecord(t *testing.T) {
	if raceEnabled {
		t.Skip("pools forget under the race detector")
	}
	const records = 1000
	in := accessLog(records)
	for _, program := range []string{
		"where status >= 500; drop referer", "where status >= 200; drop referer, ua", "keep ts, status, path",
		"set latency_s = latency_ms / 1000", `set id = host + ":" + upper(path)`, "rename ts to time, status to code", "set a.b.c = status",
		"mask email", "mask ip, card", "mask email in user with [email]", "hash user_id with sha256(pepper)", "hash user, ip with md5",
		"parse_time ts to unix_ms", "sample 50%", "dedupe by user_id, ts within 10m",
		`where status in [200, 201] or method in ["GET"] and not (path contains "admin") or ua startsWith "curl"`,
		`where path matches "^/api/v[0-9]+/" and exists(ip) and len(host) > 2 and number("5") < status`,
		"where latency_ms * 2.5 + 1 > bytes % 7 ? true : referer == ua",
	} {
		p := mustParse(t, program, transform.Options{})
		out := weir.NewBatch(3 * in.Len())
		run := func() {
			out.Reset()
			if err := p.Batch(context.Background(), in, out); err != nil {
				t.Fatal(err)
			}
		}
		run()
		// A garbage collection may empty a pool now and then.
		if n := testing.AllocsPerRun(20, run); n > records/20 {
			t.Errorf("%s: %g allocations for %d records", program, n, records)
		}
	}
}
