package receive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/events"
)

const (
	// answerWithin is less than the 5 s that SMN waits for an answer.
	answerWithin = 4 * time.Second
	// maxHandled is how many messages are checked and published at once; others wait.
	maxHandled = 64
)

// Results and reasons in the metric of messages.
const (
	published, dropped, confirmed, unsubscribed = "published", "dropped", "confirmed", "unsubscribed"
	refused, unavailable                        = "refused", "unavailable"

	failure, noFailure, unreadable = "failed", "not_failed", "unreadable"
	otherEvent, bySMN              = "other_event", "by_smn"
)

// ServeHTTP accepts SMN's messages on any path, and answers load balancers on /healthz
// and /readyz.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost:
		s.post(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD, POST")
		answer(w, http.StatusMethodNotAllowed, "SMN's messages are sent by POST")
	case r.URL.Path == "/healthz":
		answer(w, http.StatusOK, "ok")
	case r.URL.Path != "/readyz":
		answer(w, http.StatusNotFound, "SMN's messages are sent by POST")
	case !s.Ready():
		answer(w, http.StatusServiceUnavailable, "not ready: Kafka does not take messages")
	default:
		answer(w, http.StatusOK, "ready")
	}
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	began := s.cfg.Clock.Now()
	result, reason, err := s.take(r)
	status, text := http.StatusOK, "ok"
	var no *refusal
	var later *trouble
	switch {
	case errors.As(err, &no):
		result, reason, status, text = refused, no.reason, http.StatusForbidden, "refused"
		switch no {
		case errTooLarge:
			status = http.StatusRequestEntityTooLarge
		case errEncoded:
			status = http.StatusUnsupportedMediaType
		}
		s.logFirst(r, "refused a message: ", reason, no.detail)
	case errors.As(err, &later):
		result, reason, status, text = unavailable, later.reason, http.StatusServiceUnavailable, "not now: send it again"
		s.logFirst(r, "answered a message 503: ", reason, later.detail)
	case err != nil: // take returns no other errors
		result, reason, status, text = unavailable, "kafka", http.StatusServiceUnavailable, "not now: send it again"
	}
	s.meters.message(result, reason, s.cfg.Clock.Now().Sub(began))
	answer(w, status, text)
}

// logFirst logs the first of its kind in a minute: strangers can cause any number. The
// caller has cut what comes from outside.
func (s *Server) logFirst(r *http.Request, what, reason, detail string) {
	if s.tally.First(what + reason) {
		s.cfg.Log.WithFields(logrus.Fields{"reason": reason, "from": r.RemoteAddr}).Warn(what + detail)
	}
}

// take reads, checks and handles a message. The error is a *refusal or a *trouble.
func (s *Server) take(r *http.Request) (result, reason string, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	body, done, err := s.bodies.read(r)
	defer done()
	if err != nil {
		return "", "", err
	}
	select {
	case s.handling <- struct{}{}:
		defer func() { <-s.handling }()
	case <-ctx.Done():
		return "", "", &trouble{"busy", "too many messages are handled at once"}
	}
	e, err := parseEnvelope(body)
	if err != nil {
		return "", "", &refusal{"malformed", err.Error()}
	}
	if err := s.verifier.check(ctx, e); err != nil {
		return "", "", err
	}
	switch e.Type {
	case typeSubscribe:
		return s.confirm(ctx, e)
	case typeUnsubscribe:
		s.cfg.Log.WithField("topic_urn", e.TopicURN).Error("SMN has ended this subscription: the notifications of its topic no longer arrive; subscribe again")
		return unsubscribed, bySMN, nil
	}
	return s.publish(ctx, e, body)
}

// publish writes the body unchanged, keyed by its task. A notification that the service
// cannot read is published too, and becomes a dead letter there, so that it is not lost
// unnoticed.
func (s *Server) publish(ctx context.Context, e envelope, body []byte) (result, reason string, err error) {
	n, err := events.ReadNotification(body)
	key := n.TaskID
	switch {
	case errors.Is(err, events.ErrNotSMN):
		return "", "", &refusal{"malformed", "it has unsigned fields that make it another kind of event"}
	case err != nil:
		key, reason = e.MessageID, unreadable
		if s.tally.First("unreadable") {
			s.cfg.Log.WithField("message_id", e.MessageID).Warn("published a notification that the service cannot read, and will make a dead letter: " + err.Error())
		}
	case n.Failed:
		reason = failure
	case n.TaskID == "":
		return dropped, otherEvent, nil
	default:
		reason = noFailure
	}
	switch err := s.topic.publish(ctx, []byte(key), body); {
	case rejected(err): // SMN must send it again: it is lost unless the operator changes the topic
		return "", "", &trouble{"rejected", fmt.Sprintf("topic %s rejects its record of %d bytes: %v", s.topic.name, len(key)+len(body), err)}
	case err != nil:
		return "", "", &trouble{"kafka", "it cannot be published: " + err.Error()}
	}
	s.cfg.Log.WithFields(logrus.Fields{"task_id": n.TaskID, "message_id": e.MessageID}).Debug("published a notification")
	return published, reason, nil
}

// confirm opens the URL by which a subscription begins.
func (s *Server) confirm(ctx context.Context, e envelope) (result, reason string, err error) {
	if err := s.verifier.hosts.check(e.SubscribeURL); err != nil {
		return "", "", &refusal{"subscribe_host", "its subscribe_url is refused: " + err.Error()}
	}
	status, _, err := s.outside.get(ctx, e.SubscribeURL)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("its host answers %d", status)
	}
	if err != nil {
		return "", "", &trouble{"confirmation", "the subscription to " + e.TopicURN + " cannot be confirmed: " + err.Error()}
	}
	s.cfg.Log.WithField("topic_urn", e.TopicURN).Info("confirmed the subscription: SMN sends the topic's notifications here")
	return confirmed, bySMN, nil
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // an error means that the client has gone
}
