package registry

import (
	"errors"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
)

// chaos is the connector that breaks. As a source it breaks what "from" names,
// as a sink what "into" names.
func chaos() Connector {
	calls := []string{"open", "write", "commit", "abort", "next", "seek", "read", "close"}
	kinds := []string{}
	for k := weir.Invalid; k <= weir.Closed; k++ {
		kinds = append(kinds, k.String())
	}
	fault := func(name, does string) []Param {
		return []Param{
			{Name: name, Kind: Set, Example: "write", Choices: calls, Text: "calls that " + does + ": " + strings.Join(calls, ",")},
			{
				Name: name + "_after", Kind: Int, Default: "0", Example: "10", Max: 1 << 31,
				Text: "how many of these calls go well first; alone it means writes, of a source reads",
			},
		}
	}
	params := fault("fail", "return an error")
	params = append(params, fault("hang", "do not return until they are cancelled")...)
	params = append(params, fault("panic", "panic")...)
	params = append(
		params,
		Param{Name: "error", Kind: Text, Default: "broken on purpose", Example: "disk%20full", Text: "text of the error"},
		Param{Name: "kind", Kind: Choice, Example: "transient", Choices: kinds, Text: "kind of the error"},
		Param{Name: "ignore_context", Kind: Bool, Default: "false", Example: "true", Text: "hang even when cancelled"},
		Param{
			Name: "partial", Kind: Int, Default: "0", Example: "3", Max: 1 << 31, Side: Sink,
			Text: "number of the write that takes half of its batch and fails; 0: none",
		},
		Param{
			Name: "in_flight", Kind: Int, Default: "0", Example: "4", Max: 1 << 20, Side: Sink,
			Text: "writes of a stream at once; 0: what the sink behind it takes",
		},
		Param{Name: "into", Kind: URL, Example: "out.bin", Side: Sink, Text: "where the data goes that passes; without it, nowhere"},
		Param{Name: "from", Kind: URL, Example: "gen://", Side: Source, Text: "where the data comes from"},
	)
	return Connector{
		Scheme:  "chaos",
		Summary: "breaks on purpose: fails, hangs, panics",
		Examples: []string{
			"chaos://?fail_after=10", "'chaos://?hang=commit&into=out.bin'",
			"'chaos://?fail=read&fail_after=3&from=gen://'",
		},
		Params: params,
		source: chaosSource,
		sink:   chaosSink,
	}
}

func chaosSource(a Address, env Env) (weir.Source, error) {
	if _, given := a.values["from"]; !given {
		return nil, a.fail(errors.New("parameter from is missing; it names the source that breaks, as in from=gen://"))
	}
	inner, err := openSource([]Address{value[Address](a, "from")}, env)
	if err != nil {
		return nil, err
	}
	o := sim.ChaosSourceOptions{
		Error:         value[string](a, "error"),
		Kind:          kind(a),
		IgnoreContext: value[bool](a, "ignore_context"),
	}
	err = errors.Join(fault(a, "fail", &o.Fail), fault(a, "hang", &o.Hang), fault(a, "panic", &o.Panic))
	if err != nil {
		return nil, err
	}
	return sim.NewChaosSource(inner, o)
}

func chaosSink(a Address, env Env) (weir.Sink, error) {
	o := sim.ChaosOptions{
		Error:         value[string](a, "error"),
		Kind:          kind(a),
		IgnoreContext: value[bool](a, "ignore_context"),
		Partial:       int(value[int64](a, "partial")),
		InFlight:      int(value[int64](a, "in_flight")),
	}
	err := errors.Join(fault(a, "fail", &o.Fail), fault(a, "hang", &o.Hang), fault(a, "panic", &o.Panic))
	if err != nil {
		return nil, err
	}
	if _, given := a.values["into"]; given {
		if o.Into, err = value[Address](a, "into").openSink(env); err != nil {
			return nil, err
		}
	}
	return sim.NewChaos(o)
}

// fault reads the parameters of one kind of fault.
func fault(a Address, name string, f *sim.Fault) error {
	f.After = int(value[int64](a, name+"_after"))
	calls := value[string](a, name)
	if calls == "" {
		return nil
	}
	var err error
	f.On, err = sim.ParseOps(calls)
	return err
}

// kind reads the parameter kind.
func kind(a Address) weir.Kind {
	text := value[string](a, "kind")
	for k := weir.Other; k <= weir.Closed; k++ {
		if k.String() == text {
			return k
		}
	}
	return weir.Other
}
