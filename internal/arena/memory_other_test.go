//go:build !linux

package arena

const canMap = false
