package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/smnsim"
)

// resendAfter is how long SMN waits before it sends a message again.
const resendAfter = time.Second

// lookEvery is how often the state of a task is checked after its retry was accepted.
const lookEvery = 100 * time.Millisecond

// notifyOptions say where MPC's notifications go. Without an endpoint there are none.
type notifyOptions struct {
	endpoint  string
	failEvery time.Duration
	smn       smnsim.Config
	caFile    string
}

func (o notifyOptions) validate() error {
	switch {
	case o.endpoint == "":
		return nil
	case o.caFile == "":
		return errors.New("-notify needs -smn-ca-file: receive must know the authority of SMN's server")
	case o.failEvery < 10*time.Millisecond:
		return fmt.Errorf("-fail-every is %v: expected at least 10ms", o.failEvery)
	}
	return nil
}

// notifier makes tasks fail and notifies an endpoint of their ends, as MPC does through
// SMN.
type notifier struct {
	opts     notifyOptions
	smn      *smnsim.SMN
	log      *slog.Logger
	accepted chan string // ids of tasks whose retry was accepted
}

// newNotifier starts SMN's server and writes its authority to the file.
func newNotifier(opts notifyOptions, log *slog.Logger) (*notifier, error) {
	opts.smn.Between = resendAfter
	smn, err := smnsim.New(opts.smn)
	if err != nil {
		return nil, fmt.Errorf("start SMN: %w", err)
	}
	if err := os.WriteFile(opts.caFile, smn.CA(), 0o600); err != nil {
		smn.Close()
		return nil, fmt.Errorf("write SMN's authority: %w", err)
	}
	return &notifier{opts: opts, smn: smn, log: log, accepted: make(chan string)}, nil
}

// observe passes the task of an accepted retry on to run. It ignores other requests.
func (n *notifier) observe(ctx context.Context, seen mpcsim.Request) {
	if seen.Operation != mpcsim.Retry || seen.Verdict != mpcsim.Accepted {
		return
	}
	select {
	case n.accepted <- seen.TaskIDs[0]:
	case <-ctx.Done():
	}
}

// run works until ctx ends.
func (n *notifier) run(ctx context.Context, mpc *mpcsim.Simulator) {
	var workers sync.WaitGroup
	defer workers.Wait()
	workers.Go(func() { n.failTasks(ctx, mpc) })
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-n.accepted:
			workers.Go(func() {
				for wait(ctx, lookEvery) {
					if n.notify(ctx, mpc, id) {
						return
					}
				}
			})
		}
	}
}

// failTasks makes a new task fail every now and then, once the endpoint has subscribed.
func (n *notifier) failTasks(ctx context.Context, mpc *mpcsim.Simulator) {
	if !n.subscribe(ctx) {
		return
	}
	for wait(ctx, n.opts.failEvery) {
		// The time, so that ids are new after a restart too.
		id := strconv.FormatInt(time.Now().UnixMilli(), 10)
		if err := mpc.SetTask(mpcsim.Task{ID: id, Status: mpcsim.StatusFailed}); err != nil {
			n.log.Error("a task cannot be made", "error", err)
			return
		}
		n.notify(ctx, mpc, id)
	}
}

// subscribe invites the endpoint until it confirms. It returns false if ctx ends first.
func (n *notifier) subscribe(ctx context.Context) bool {
	n.log.Info("inviting the endpoint to subscribe", "endpoint", n.opts.endpoint, "topic", n.opts.smn.Topic)
	for {
		invitation, err := n.smn.Message(smnsim.Subscribe, "You are invited to subscribe.", nil)
		if err != nil {
			n.log.Error("SMN cannot sign", "error", err)
			return false
		}
		if _, err = n.smn.Post(ctx, n.opts.endpoint, invitation); err == nil && n.smn.Confirmed(invitation) {
			n.log.Info("the endpoint has confirmed the subscription")
			return true
		}
		if !wait(ctx, resendAfter) {
			return false
		}
	}
}

// notify sends a task's end, if MPC notifies of it. It returns false if the task has not
// ended yet.
func (n *notifier) notify(ctx context.Context, mpc *mpcsim.Simulator, id string) bool {
	task, known := mpc.Task(id)
	switch {
	case !known || task.Status == mpcsim.StatusCanceled:
		return true
	case task.Status != mpcsim.StatusSucceed && task.Status != mpcsim.StatusFailed:
		return false
	}
	message, err := n.smn.Message(smnsim.Notification, smnsim.TaskEnded(id, string(task.Status), task.ErrorCode, task.Description), nil)
	if err != nil {
		n.log.Error("SMN cannot sign", "error", err)
		return true
	}
	switch answer, err := n.smn.Deliver(ctx, n.opts.endpoint, message); {
	case ctx.Err() != nil:
	case err != nil:
		n.log.Warn("SMN has discarded a notification", "task_id", id, "task_status", task.Status, "error", err)
	case answer != http.StatusOK:
		n.log.Warn("SMN has discarded a notification", "task_id", id, "task_status", task.Status, "status", answer)
	default:
		n.log.Info("notified", "task_id", id, "task_status", task.Status)
	}
	return true
}

// wait waits for d. It returns false if ctx has ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
