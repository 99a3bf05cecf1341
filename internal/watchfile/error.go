package watchfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// PathError means that a file cannot be used. Its text is one line. It shows the path
// only if that cannot be a secret that was set in place of a path.
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
		err = failed.Err // failed's own text repeats the path
	}
	return &PathError{path, err}
}

// Shown returns a path as an error may show it. A user who confuses NAME and NAME_FILE
// has set the secret as the path, and a secret may contain slashes.
func Shown(path string) string {
	if !filepath.IsAbs(path) {
		return "the file (name not shown: it is not an absolute path, and may be the secret itself)"
	}
	const enough = 200
	if len(path) > enough {
		return fmt.Sprintf("%q and %d bytes more", path[:enough], len(path)-enough)
	}
	return fmt.Sprintf("%q", path)
}
