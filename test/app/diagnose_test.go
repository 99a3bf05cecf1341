package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/page"
)

func (p *pageReader) waitForState(name string, says ...string) {
	p.t.Helper()
	p.waitFor("the state is "+name, func() (bool, string) {
		s := p.status()
		for _, say := range says {
			if !strings.Contains(s.State.Title+" "+s.State.Text+" "+s.State.Advice, say) {
				return false, fmt.Sprintf("%+v", s.State)
			}
		}
		return s.State.Name == name, fmt.Sprintf("%+v %+v", s.State, s.Kafka)
	})
}

// Brokers that answer, and say that a topic is gone, are not "Kafka does not answer".
func TestATopicThatIsDeletedIsNamedByThePageAndReadyz(t *testing.T) {
	o := operate(t, nil)
	p := o.instance("retrier-0")
	admin := kadm.NewClient(o.client)
	if _, err := admin.DeleteTopics(t.Context(), "remux.retry_failed"); err != nil {
		t.Fatal(err)
	}
	if err := o.mpc.Script("gone", mpcsim.Fail(404, "MPC.10211")); err != nil {
		t.Fatal(err)
	}
	o.fail("gone")
	p.waitForState(page.TopicAbsent, "Topic remux.retry_failed does not exist", "KAFKA_CREATE_TOPICS=true")
	for _, check := range p.status().Checks {
		if check.OK == (check.Name == "publishing") {
			t.Errorf("%+v", check)
		}
	}
	if _, err := admin.CreateTopics(t.Context(), 2, 1, nil, "remux.retry_failed"); err != nil {
		t.Fatal(err)
	}
	p.waitForVerdict("gone", "task_not_found", "Not retried: MPC does not know the task")
	p.waitForState(page.Working)
}

func TestARejectedTokenIsNamedInTheHeadlineWithWhatToDo(t *testing.T) {
	o := operate(t, map[string]string{"MPC_AUTH_TOKEN": "another"})
	p := o.instance("retrier-0")
	o.fail("1", "2", "3", "4")
	p.waitForState(page.Outage, "MPC rejects our credentials: renew MPC_AUTH_TOKEN")
}

func TestAFloodOfGarbageIsAState(t *testing.T) {
	o := operate(t, nil)
	p := o.instance("retrier-0")
	for i := range 30 {
		o.publish(fmt.Sprint("garbage", i), "{")
	}
	p.waitForState(page.Unreadable, "30 unreadable records in 1 min: not_json")
}
