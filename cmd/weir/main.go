// Command weir moves streams from any source into any sink with flat memory.
package main

import (
	"os"

	"github.com/weirflow/weir/cmd/weir/internal/command"
)

func main() {
	os.Exit(command.Main(os.Args[1:], command.Host()))
}
