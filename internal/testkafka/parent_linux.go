package testkafka

import "syscall"

// endWithParent makes a process end when the thread that started it ends.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
