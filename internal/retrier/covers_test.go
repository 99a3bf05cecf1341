package retrier

import (
	"testing"
	"testing/synctest"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

func TestANewFailureIsCalledAgain(t *testing.T) {
	for name, c := range map[string]struct {
		partition int
		beyond    int64 // the event's offset, less the known end when the call was sent
		want      events.Reason
	}{
		"the last below the end": {partition, -1, events.Covered},
		"at the end":             {partition, 0, events.Accepted},
		"another partition's":    {partition + 2, -1, events.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, &api{}, 0, nil)
				defer d.stop()
				all := storm(3, nil)
				d.decide(all[0])
				ev := newEvent("1")
				ev.Source.Partition, ev.Source.Offset = c.partition, all[2].Source.Offset+1+c.beyond
				if o := d.decide(ev); o.Reason != c.want {
					t.Errorf("%+v, want %s", o, c.want)
				}
			})
		})
	}
}

func TestAnotherTasksCallCoversNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 0, nil)
		defer d.stop()
		all := storm(2, nil)
		d.decide(all[0])
		all[1].Failure.TaskID = "2"
		if o := d.decide(all[1]); o.Reason != events.Accepted {
			t.Errorf("%+v", o)
		}
	})
}

// Producers should key by task. If they do not, events of the task may be unread in other
// partitions when the call is sent.
func TestACallCoversWhatWasSeenInAnyPartitionOfThisProcess(t *testing.T) {
	for name, c := range map[string]struct {
		firstObserved uint64
		err           error
		want          events.Reason
	}{
		"seen before the call":              {7, nil, events.Covered},
		"seen with the call":                {8, nil, events.Covered},
		"seen after the call":               {9, nil, events.Accepted},
		"seen before the call, refused":     {7, refusal(mpcclient.TaskNotFound, 404, "MPC.10211"), events.TaskNotFound},
		"seen after a call that is refused": {9, refusal(mpcclient.TaskNotFound, 404, "MPC.10211"), events.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, &api{retry: first(c.err)}, 0, nil)
				defer d.stop()
				called, other := newEvent("1"), newEvent("1")
				called.Lease.(*lease).lastObservation = 8
				d.decide(called)
				other.Source.Partition, other.Source.Offset = partition+1, 5
				other.Lease.(*lease).firstObserved, other.Lease.(*lease).lastObservation = c.firstObserved, 10
				o := d.decide(other)
				if o.Reason != c.want || (o.Attempts > 0) != (c.want == events.Accepted) {
					t.Errorf("%+v, want %s", o, c.want)
				}
			})
		})
	}
}
