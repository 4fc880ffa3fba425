// Package postgres reads and writes PostgreSQL.
package postgres
