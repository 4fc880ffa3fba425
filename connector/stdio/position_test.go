package stdio_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/stdio"
)

func TestSeekInAFileRefusesPositionsThatAreNotItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, []byte("0123456"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	st, err := stdio.NewSource(f).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		position string
		want     weir.Kind
	}{
		{"", weir.Invalid},
		{"7", weir.Invalid},
		{"off=-1", weir.Invalid},
		{"off=8", weir.Corrupt},
		{"off=7", weir.Other},
		{"off=0", weir.Other},
	} {
		err := st.Seek(t.Context(), weir.Position(c.position))
		if weir.KindOf(err) != c.want || (err == nil) != (c.want == weir.Other) {
			t.Errorf("Seek(%q) = %v; want %v", c.position, err, c.want)
		}
	}
}
