package testkafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// stopGrace is how long a process may take to end after SIGTERM.
const stopGrace = 30 * time.Second

var errNotRunning = errors.New("it is not running")

// java returns a command that runs a class from Kafka's jars, with options for a
// fast start and little memory. slf4j-simple, which prints the log, is first on the
// class path: older versions have another SLF4J binding.
func java(ctx context.Context, libs string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "java", append([]string{
		"-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-cp", filepath.Join(libs, "slf4j-simple-1.7.36.jar") + string(filepath.ListSeparator) + filepath.Join(libs, "*"),
	}, args...)...)
}

// process is a program from Kafka's jars, which can be started and ended again.
type process struct {
	libs string
	log  string // a file

	running *os.Process
	ended   chan struct{} // closed when the process has ended
}

// run starts the process. It ends with the test's process, also if that crashes.
func (p *process) run(args ...string) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	cmd := java(context.Background(), p.libs, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = endWithParent()
	started := make(chan error)
	ended := make(chan struct{})
	go func() {
		// For endWithParent the parent is a thread, so the thread must live as long
		// as the process.
		runtime.LockOSThread()
		defer close(ended)
		defer log.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended does not matter
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("run java (version 17 or later): %w", err)
	}
	p.running, p.ended = cmd.Process, ended
	return nil
}

// pause sends SIGSTOP and waits until all threads have stopped, which takes a while
// on a busy machine. Without /proc it does not wait.
func (p *process) pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for ; p.hasRunningThread(); time.Sleep(time.Millisecond) {
	}
	return nil
}

func (p *process) hasRunningThread() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.running.Pid))
	for _, thread := range threads {
		if text, err := os.ReadFile(thread); err == nil && !strings.Contains(string(text), "\nState:\tT") {
			return true
		}
	}
	return false
}

func (p *process) resume() error { return p.signal(syscall.SIGCONT) }

func (p *process) kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.ended
	p.running = nil
	return nil
}

func (p *process) stop() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		p.running = nil
		return nil
	case <-time.After(stopGrace):
		return errors.Join(fmt.Errorf("it did not stop within %v and was killed", stopGrace), p.kill())
	}
}

func (p *process) signal(s os.Signal) error {
	if p.running == nil {
		return errNotRunning
	}
	return p.running.Signal(s)
}

// tail returns the last lines that the process has printed.
func (p *process) tail() string {
	const lines = 40
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(string(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
