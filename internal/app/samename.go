package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
)

// sameNameMembers handles other group members with this instance's name. At the start such
// a member is this instance before its crash, and is removed. A running one cannot be
// distinguished from it and is removed once. Another one found later is left alone and
// reported: two that remove each other would never work.
type sameNameMembers struct {
	kafka    *kafkalog.Client
	instance string
	notice   *notice.Notice
	log      logrus.FieldLogger
}

// memberTimeout bounds requests that are not essential.
const memberTimeout = 5 * time.Second

// evict is best effort: without it the group waits for the session timeout.
func (t *sameNameMembers) evict(ctx context.Context) {
	if t.instance == "" {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, clock.System, memberTimeout)
	defer cancel()
	switch n, err := t.kafka.Evict(ctx); {
	case err != nil:
		t.log.WithError(err).Warn("could not check for a former member of this instance: the group removes it after the session timeout at the latest")
	case n > 0:
		t.log.WithField("members", n).Info("removed this instance's former member from the group")
	}
}

// look looks for a running process with the same name, while the work continues.
func (t *sameNameMembers) look(ctx context.Context) {
	if t.instance == "" {
		return
	}
	clock.System.Go(func() {
		ctx, cancel := clock.WithTimeout(ctx, clock.System, memberTimeout)
		defer cancel()
		hosts, err := t.kafka.SameNameHosts(ctx)
		switch {
		case err != nil:
		case len(hosts) > 0:
			t.notice.Problem(fmt.Sprintf("another process uses KAFKA_INSTANCE_ID %s, from %s: give each instance its own name, or they remove each other from the group at every start",
				t.instance, strings.Join(hosts, ", ")))
		default:
			t.notice.Over("no other process uses KAFKA_INSTANCE_ID " + t.instance + " any more")
		}
	})
}

// note is the note for /readyz; empty: none.
func (t *sameNameMembers) note() string { return t.notice.Text() }
