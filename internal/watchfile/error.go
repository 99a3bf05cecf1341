package watchfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// PathError is a file that cannot be used. Its text fits on one line, and shows
// the path only where that cannot be a secret that was put in its place.
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string { return Shown(e.Path) + ": " + e.Err.Error() }
func (e *PathError) Unwrap() error { return e.Err }

func pathError(path string, err error) error {
	if err == nil {
		return nil
	}
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err // it has the path once more, as it is
	}
	return &PathError{path, err}
}

// Shown is a path as an error may show it. Who confuses NAME and NAME_FILE has put
// the secret itself there, which may even have slashes in it.
func Shown(path string) string {
	if !filepath.IsAbs(path) {
		return "the file (name not shown: it is no absolute path, and may be the secret itself)"
	}
	const enough = 200
	if len(path) > enough {
		return fmt.Sprintf("%q and %d bytes more", path[:enough], len(path)-enough)
	}
	return fmt.Sprintf("%q", path)
}
