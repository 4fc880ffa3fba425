package codec_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

// What a worker holds of the widest rows and objects is in Step.PerWorker.
func TestWidestRecordsStayWithinWhatIsDeclared(t *testing.T) {
	const columns = 4096
	names := make([]string, columns)
	for k := range names {
		names[k] = fmt.Sprintf("%s%d", strings.Repeat("c", 15-len(fmt.Sprint(k))), k)
	}
	members := make([]string, 2*columns)
	for i := range members {
		members[i] = fmt.Sprintf(`%q:1`, names[i%columns])
	}
	for _, c := range []struct{ from, to, header, rec string }{
		{"csv", "ndjson", strings.Join(names, ","), strings.Repeat("1,", columns-1) + "1"},
		{"csv,header=no", "ndjson", "", strings.Repeat("1,", columns-1) + "1"},
		{"csv", "tsv", strings.Join(names, ","), strings.Repeat("1,", columns-1) + "1"},
		{"ndjson", "csv", "", "{" + strings.Join(members, ",") + "}"},
	} {
		o := codec.ConvertOptions{}
		if c.to == "csv" {
			o.Columns = names
		}
		step := stepsOf(t, c.from, c.to, o)[0]
		in := batchOf(c.header, c.rec)
		out := weir.NewBatch(1 << 20)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		must(t, step.Do(t.Context(), in, out))
		runtime.GC()
		runtime.ReadMemStats(&after)
		if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > step.PerWorker || out.Records() != 1 {
			t.Errorf("%s to %s: %d records, and %d bytes are held of %d declared", c.from, c.to, out.Records(), held, step.PerWorker)
		} else {
			t.Logf("%s to %s: %d bytes of %d", c.from, c.to, held, step.PerWorker)
		}
		runtime.KeepAlive(in)
	}
}
