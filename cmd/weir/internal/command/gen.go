package command

import (
	"errors"
	"net/url"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
)

const generator = "gen"

func newGen(sys System, reg *registry.Registry) *cobra.Command {
	var f transferFlags
	var output string
	cmd := &cobra.Command{
		Use:   "gen",
		Short: "make test data: the same seed, the same bytes",
		Long: `Make data to try things out with. The same seed and format give the same bytes on
every machine. Data of several streams goes into a directory, a file each.

` + exitCodes,
		Example: `  weir gen --size 200MB --seed 1 -o data.bin
  weir gen --size 1GiB --format ndjson --record 300 -o requests.ndjson
  weir gen --size 10MiB | sha256sum`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case output == stdout && isTerminal(sys.Stdout):
				return usage(errors.New("it would print data to the terminal; give -o FILE, or a pipe"))
			case output != stdout && !cmd.Flags().Changed("size"):
				return usage(errors.New("--size is missing; without it the data never ends and fills the disk"))
			}
			t := transfer{
				sys: sys, registry: reg, flags: &f,
				options: weir.Options{Streams: weir.DefaultStreams}, state: stateFlags{off: true},
				sources: []string{generatorAddress(cmd.Flags(), reg)}, destination: output,
			}
			return t.run(cmd.Context())
		},
	}
	for _, p := range reg.Find(generator).Params {
		addParam(cmd.Flags(), p)
	}
	cmd.Flags().StringVarP(&output, "output", "o", stdout, "`FILE` or directory to write")
	f.add(cmd.Flags())
	completeProgress(cmd)
	return cmd
}

// addParam adds a parameter of the generator as a flag.
func addParam(flags *pflag.FlagSet, p registry.Param) {
	text := p.Text
	switch p.Kind {
	case registry.Bool, registry.Choice, registry.Int:
	default:
		text += " (such as " + p.Example + ")"
	}
	flag := flags.VarPF(&paramFlag{p, p.Default}, p.Name, "", text)
	if p.Kind == registry.Bool {
		flag.NoOptDefVal = "true"
	}
}

// generatorAddress returns the address that the flags describe: the flags that
// are parameters of the generator become its query.
func generatorAddress(flags *pflag.FlagSet, reg *registry.Registry) string {
	query := url.Values{}
	for _, p := range reg.Find(generator).Params {
		if flag := flags.Lookup(p.Name); flag.Changed {
			query.Set(p.Name, flag.Value.String())
		}
	}
	return generator + "://?" + query.Encode()
}

// paramFlag is a connector's parameter as a flag. The connector checks its
// value.
type paramFlag struct {
	param registry.Param
	text  string
}

func (f *paramFlag) Set(s string) error {
	f.text = s
	return f.param.Check(s)
}

func (f *paramFlag) Type() string { return f.param.Type() }

func (f *paramFlag) String() string { return f.text }
