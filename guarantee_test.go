package weir_test

import (
	"testing"

	"github.com/weirflow/weir"
)

func TestGuaranteeSaysWhatHolds(t *testing.T) {
	again, once := weir.StreamInfo{Resumable: true}, weir.StreamInfo{}
	for name, c := range map[string]struct {
		source weir.StreamInfo
		sink   weir.Footprint
		stored bool
		want   weir.Label
	}{
		"transaction":           {again, weir.Footprint{Resumes: weir.ResumesAtPosition}, true, weir.ExactlyOnce},
		"transaction, no store": {again, weir.Footprint{Resumes: weir.ResumesAtPosition}, false, weir.BestEffort},
		"mark":                  {again, weir.Footprint{Resumes: weir.ResumesAtMark, Whole: true}, true, weir.ExactlyOnce},
		"whole":                 {again, weir.Footprint{Whole: true}, false, weir.ExactlyOnce},
		"pipe into whole":       {once, weir.Footprint{Resumes: weir.ResumesAtMark, Whole: true}, true, weir.BestEffort},
		"durable writes":        {again, weir.Footprint{Durable: true}, true, weir.AtLeastOnce},
		"idempotent":            {again, weir.Footprint{Durable: true, Idempotent: true}, true, weir.AtLeastOnce},
		"pipe into a database":  {once, weir.Footprint{Resumes: weir.ResumesAtPosition}, true, weir.BestEffort},
		"nothing":               {again, weir.Footprint{}, false, weir.BestEffort},
	} {
		if g := weir.GuaranteeOf(c.source, c.sink, c.stored); g.Label != c.want || g.Reason == "" {
			t.Errorf("%s: %+v, want %s", name, g, c.want)
		}
	}
}
