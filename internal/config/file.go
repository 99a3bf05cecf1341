package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// readFile reads a file that a variable names. Its error fits on one line.
func readFile(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("%s: %w", shown(path), failed.Err) // it has the path once more, as it is
	}
	return content, err
}

// shown is a path as an error may show it. Who confuses NAME and NAME_FILE has put
// the secret itself there, which may even have slashes in it.
func shown(path string) string {
	if filepath.IsAbs(path) {
		return quoted(path)
	}
	return "the file (name not shown: it is no absolute path, and may be the secret itself)"
}
