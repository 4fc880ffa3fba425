// The measurements. They have a module of their own, so that what they need is
// not what anybody who imports weir needs.
module github.com/weirflow/weir/bench

go 1.26.0

require github.com/weirflow/weir v0.0.0

require (
	github.com/bmatcuk/doublestar/v4 v4.10.4 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	github.com/ulikunitz/xz v0.5.17 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/weirflow/weir => ..
