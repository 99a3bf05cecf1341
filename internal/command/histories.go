package command

import (
	"errors"
	"time"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/events"
	"remux-retrier/internal/config"
	"remux-retrier/internal/history"
)

// reader reads tasks' histories as this configuration's group has written them.
func reader(cfg config.Config, log *kafkalog.Log, change func(*history.Config)) (*history.Reader, error) {
	k := cfg.Kafka
	c := history.Config{
		Log: log, Failed: k.TopicFailed, Retried: k.TopicRetried, RetryFailed: k.TopicRetryFailed, DeadLetter: k.TopicDeadLetter,
		Origin: events.OriginOf(k.GroupID), Window: cfg.Retry.BudgetWindow, Now: time.Now,
	}
	if change != nil {
		change(&c)
	}
	return history.New(c)
}

// because is an error without the words about failure events that do not suit an
// argument.
func because(err error) string {
	var u *events.Unreadable
	if errors.As(err, &u) {
		return u.Message
	}
	return err.Error()
}
