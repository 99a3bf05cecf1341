package retrier

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// stepWaiting reports why the event waits for its turn. What delays it may change
// meanwhile; the calls of others show that.
func (p *progress) stepWaiting() {
	if p.ev.Listener == nil {
		return
	}
	gate, now := p.r.cfg.Gate.State(), p.r.cfg.Clock.Now()
	if !gate.Available {
		p.ev.step(story.Step{Kind: story.OutageWait, Detail: p.outage()})
		return
	}
	s := story.Step{Kind: story.QuotaWait}
	before := gate.Waiting + p.r.schedule.ahead()
	switch {
	case gate.PerMinute == 0:
		s.Detail = "this instance's share of MPC_REQUESTS_PER_MINUTE is 0, so it does not call"
	case gate.Hold.After(now):
		s.Detail, s.Until = "MPC asked to wait before the next call", gate.Hold
	default:
		switch before {
		case 0:
			s.Detail = "next in line"
		case 1:
			s.Detail = "1 call before it"
		default:
			s.Detail = strconv.Itoa(before) + " calls before it"
		}
		s.Until = now.Add(time.Duration(float64(before+1) / gate.PerMinute * float64(time.Minute)))
	}
	p.ev.step(s)
}

// outage says since when MPC has not served, and what to do about it.
func (p *progress) outage() string {
	text := "requests are in flight and MPC does not answer"
	if down := p.r.cfg.Gate.State().Down; !down.IsZero() {
		text = "since " + down.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	p.r.cause.mu.Lock()
	defer p.r.cause.mu.Unlock()
	if p.r.cause.advice != "" {
		text += "; " + p.r.cause.advice
	}
	return text
}

// stepBackoff reports how long the event waits after a failed call.
func (p *progress) stepBackoff(d time.Duration) {
	if p.ev.Listener == nil {
		return
	}
	s := story.Step{Kind: story.BackoffWait, Until: p.r.cfg.Clock.Now().Add(d), Detail: p.tried()}
	if !p.r.cfg.Gate.Available() {
		s = story.Step{Kind: story.OutageWait, Detail: p.outage()}
	}
	p.ev.step(s)
}

// tried says how many of the failed calls count, or may count.
func (p *progress) tried() string {
	most := p.r.cfg.MaxAttempts
	if !p.evidence.pending {
		return fmt.Sprintf("it does not count as an attempt, because MPC did not serve others right before it; %d of %d count so far", p.evidence.counted, most)
	}
	return fmt.Sprintf("attempt %d of %d, which counts only if MPC serves others meanwhile", min(p.evidence.counted+1, most), most)
}

// stepBlocked reports that Kafka could not store the answer.
func (p *progress) stepBlocked() {
	p.ev.step(story.Step{Kind: story.QuotaWait, Detail: "calls are paused: Kafka cannot store the answer"})
}

// stepNotYet reports that the state does not count yet.
func (p *progress) stepNotYet() {
	p.ev.step(story.Step{Kind: story.Doubt, Until: p.clearAt, Detail: "the task is FAILED, but MPC may not have processed the call yet"})
}

// stepDoubt reports why the state is queried.
func (p *progress) stepDoubt() {
	detail := "the answer to the call was lost; MPC may have accepted the call"
	if p.doubt == crashed {
		detail = "an earlier owner of the partition may have called for this event"
	}
	p.ev.step(story.Step{Kind: story.Doubt, Detail: detail})
}

// stepCalled reports the result of the call.
func (p *progress) stepCalled(refusal *mpcclient.Error) {
	switch {
	case p.ev.Listener == nil:
	case refusal == nil:
		p.ev.step(story.Step{Kind: story.Accepted})
	default:
		p.ev.step(story.Step{Kind: story.Refused, Error: apiError(refusal), Detail: meaning(refusal)})
	}
}

// refused reports a failed state query.
func (one *statusRequest) refused(refusal *mpcclient.Error) {
	if one.ev.Listener != nil {
		one.ev.step(story.Step{Kind: story.State, State: "undisclosed", Error: apiError(refusal), Detail: meaning(refusal)})
	}
}

// meaning is what a refusal means beyond its status, code and message.
func meaning(refusal *mpcclient.Error) string {
	var parts []string
	if refusal.Err != nil {
		parts = append(parts, refusal.Err.Error())
	}
	if refusal.Operation == mpcclient.OperationLogin {
		parts = append(parts, "IAM issued no token for the call")
	}
	switch refusal.Class {
	case mpcclient.Throttled:
		parts = append(parts, "the quota is used up; this says nothing about the task")
	case mpcclient.Operator:
		parts = append(parts, "an operator must act before any call can succeed", refusal.Advice)
	case mpcclient.Transient:
		parts = append(parts, "this says nothing about the task")
	case mpcclient.Lost:
		parts = append(parts, "MPC may have accepted the call", refusal.Advice)
	case mpcclient.Ambiguous:
		parts = append(parts, "only the task's state tells why")
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
}

// apiError is the part of a refusal that outcomes contain.
func apiError(refusal *mpcclient.Error) *events.APIError {
	return &events.APIError{Status: refusal.Status, Code: refusal.Code, Message: refusal.Message, RequestID: refusal.RequestID}
}

// stateWords describe a state, in MPC's terms where it has some.
var stateWords = [...]string{
	unknown: "unknown: querying is not permitted", undisclosed: "undisclosed", failed: "FAILED", running: "running again, or succeeded",
	canceled: "CANCELED", absent: "unknown to MPC", invalid: "invalid task id",
}

func (s state) String() string { return stateWords[s] }
