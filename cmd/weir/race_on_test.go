//go:build race

package main

// raced says that this binary is built with the race detector.
const raced = true
