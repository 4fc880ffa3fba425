package http_test

import (
	"os"
	"testing"

	"github.com/weirflow/weir/weirtest"
)

func TestMain(m *testing.M) { os.Exit(weirtest.Main(m)) }
