//go:build !race && linux

package arena

func raceCoin() bool { return false }
