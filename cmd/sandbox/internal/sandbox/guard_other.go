//go:build !unix

package sandbox

import (
	"errors"
	"io"
	"os"
)

const guardArgument = "guard-terminal"

// Without a guard the terminal stays as it is, and keys are off.
func startGuard(*os.File) (func(), error) { return nil, errors.ErrUnsupported }

func standGuard(io.Reader, *os.File, io.Writer) int { return exitUsage }
