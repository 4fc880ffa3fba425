//go:build race && linux

package arena

import "math/rand/v2"

// raceCoin reports whether a pool takes heap blocks, in which the race
// detector sees races on the bytes of an arena, instead of mappings, which are
// what runs in production.
func raceCoin() bool { return rand.IntN(2) == 0 }
