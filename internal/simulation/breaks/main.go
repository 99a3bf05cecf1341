// Command breaks shows that the simulation finds bugs: it makes one mistake after the other
// in a copy of the module, and runs seeds until one of them finds it.
//
//	go run ./internal/simulation/breaks
//
// It exits with 1 if a mistake is not found within the number of seeds in docs/DESIGN.md,
// or no longer fits the code.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	only := flag.String("only", "", "only the mistakes whose names contain this text")
	flag.Parse()
	if err := run(context.Background(), *only); err != nil {
		fmt.Fprintln(os.Stderr, "breaks:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	if _, err := os.Stat("go.mod"); err != nil {
		return fmt.Errorf("run this in the module's root: %w", err)
	}
	dir, err := os.MkdirTemp("", "breaks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := copyModule(dir); err != nil {
		return fmt.Errorf("copy the module: %w", err)
	}
	var failed error
	fmt.Print("| Mistake | Found within | This time by seed | As |\n|---|---|---|---|\n")
	for _, b := range mistakes {
		if !strings.Contains(b.name, only) {
			continue
		}
		seed, invariant, err := find(ctx, dir, b)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", b.name, err))
			continue
		}
		fmt.Printf("| %s | %d | %s | %s |\n", b.name, b.within, seed, invariant)
	}
	return failed
}

// copyModule copies what the simulation is built from, including embedded files, from the
// working directory.
func copyModule(to string) error {
	return filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil { // d may be nil
			return err
		}
		switch name := d.Name(); {
		case d.IsDir() && path != "." && (strings.HasPrefix(name, ".") || name == "bin" || name == "tools"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o750)
		case strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path) //nolint:gosec // G122: these are the module's own files
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), text, 0o600)
	})
}

var violation = regexp.MustCompile(`(?m)^seed (\d+) violates "([^"]+)"`)

// find makes the mistake, simulates, and undoes it.
func find(ctx context.Context, dir string, b mistake) (seed, invariant string, err error) {
	for _, e := range b.edits {
		path := filepath.Join(dir, e.file)
		text, err := os.ReadFile(path)
		if err != nil {
			return "", "", err
		}
		if n := strings.Count(string(text), e.old); n != 1 {
			return "", "", fmt.Errorf("%s contains %q %d times, not once: the code has changed", e.file, e.old, n)
		}
		defer func() { err = errors.Join(err, os.WriteFile(path, text, 0o600)) }()
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), e.old, e.now, 1)), 0o600); err != nil {
			return "", "", err
		}
	}
	binary := filepath.Join(dir, "simulate")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/simulate") //nolint:gosec // G204: a path of our own making
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("%w: %s", err, out)
	}
	out, err := exec.CommandContext(ctx, binary, "-parallel", "1", "-seeds", fmt.Sprint(b.within)).CombinedOutput() //nolint:gosec // G204: likewise
	found := violation.FindSubmatch(out)
	switch {
	case err == nil:
		return "", "", fmt.Errorf("not found in %d seeds", b.within)
	case found == nil:
		return "", "", fmt.Errorf("%w: %s", err, out[max(0, len(out)-500):])
	}
	return string(found[1]), string(found[2]), nil
}
