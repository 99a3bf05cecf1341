package goroutines

import (
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { VerifyTestMain(m) }

func TestAGoroutineThatIsLeftIsTold(t *testing.T) {
	end := make(chan struct{})
	go leftBehind(end)
	began := time.Now()
	err := Left()
	if err == nil || !strings.Contains(err.Error(), "1 goroutines are left") || !strings.Contains(err.Error(), "goroutines.leftBehind") {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took < grace {
		t.Errorf("Left waited %v", took)
	}
	close(end)
	if err := Left(); err != nil {
		t.Errorf("after its end: %v", err)
	}
}

func leftBehind(end chan struct{}) { <-end }

func TestOneThatIsEndingIsWaitedFor(t *testing.T) {
	go time.Sleep(50 * time.Millisecond)
	if err := Left(); err != nil {
		t.Error(err)
	}
}

func TestTheRuntimesOwnAreNotTold(t *testing.T) {
	t.Run("within another test", func(t *testing.T) {
		c := make(chan os.Signal, 1)
		signal.Notify(c, os.Interrupt)
		defer signal.Stop(c)
		if err := Left(); err != nil {
			t.Error(err)
		}
	})
}
