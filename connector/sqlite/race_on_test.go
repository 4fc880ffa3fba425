//go:build race

package sqlite_test

// slow says that everything takes many times longer, SQLite most of all.
const slow = true
