//go:build !unix

package sandbox

import (
	"errors"
	"io"
	"os"
)

const guardArgument = "guard-terminal"

// startGuard fails: there is no guard, so the terminal stays as it is and keys are off.
func startGuard(*os.File) (func(), error) { return nil, errors.ErrUnsupported }

func runGuard(io.Reader, *os.File, io.Writer) int { return exitUsage }
