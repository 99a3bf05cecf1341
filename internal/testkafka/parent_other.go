//go:build !linux

package testkafka

import "syscall"

// endWithParent: only Linux can be told so. Elsewhere a broker outlives a test
// that crashed.
func endWithParent() *syscall.SysProcAttr { return nil }
