//go:build !linux

package main

// helpers are the programs beside weir that this test's binary is: none here.
var helpers = map[string]func(){}
