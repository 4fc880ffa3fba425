// The measurements. They have a module of their own, so that what they need is
// not what anybody who imports weir needs.
module github.com/weirflow/weir/bench

go 1.26.0

require github.com/weirflow/weir v0.0.0

require (
	github.com/bmatcuk/doublestar/v4 v4.10.4 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/weirflow/weir => ..
