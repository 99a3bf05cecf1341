//go:build !linux

package testkafka

import "syscall"

// endWithParent does nothing: only Linux has this. Elsewhere a broker goes on
// running after a test has crashed.
func endWithParent() *syscall.SysProcAttr { return nil }
