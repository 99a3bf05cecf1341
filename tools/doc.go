// Package tools is a module of its own for the tools that check this repository: the linter
// (run by `make lint` through `go tool`) and the library with which compose_test.go reads
// docker-compose.yml. Command supply lists what a binary was built from. Nothing may import it.
package tools
