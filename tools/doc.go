// Package tools pins, in a module of its own, what checks this repository and is
// no part of the service: the linter (run by `make lint` through `go tool`) and
// the library with which compose_test.go reads docker-compose.yml. Nothing may
// import it.
package tools
