package checkpoint

import "github.com/weirflow/weir"

// FileName is the name of the store's file in its directory.
const FileName = fileName

// OpenSmall is Open with limits so low that compactions and extensions happen
// all the time.
func OpenSmall(dir string, o Options) (*Store, error) {
	return openDir(dir, o, smallLimits)
}

var smallLimits = limits{places: 8, log: 2 << 10, extend: 512}

// SyncData is what a Save ends with.
var SyncData = syncData

// At is the checkpoint behind n bytes.
func At(n int64) weir.Checkpoint { return weir.Checkpoint{Read: weir.Count{Bytes: n}} }
