package ledger

import (
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// FuzzTake: no record on an outcome topic ends the process, loses known answers, or covers
// events that do not exist yet.
func FuzzTake(f *testing.F) {
	add := func(o events.Outcome) {
		r := record(f, o)
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		f.Add(r.Key, r.Value, headers["ce_id"], headers["ce_source"], headers["ce_type"], headers["ce_subject"], headers["ce_time"], time.Now().UnixMilli())
	}
	add(outcome("1", events.Accepted, event(0, 0), cover(0, 3), cover(1, 1<<40)))
	add(outcome("2", events.Rejected, event(1, 2)))
	f.Add([]byte("1"), []byte(`{"covers":[{"partition":0,"end":99}],"reason":"accepted"}`), failed+":0:7:1", origin, "remux.retried", "1", "9999-01-01T00:00:00Z", int64(-1))
	f.Add([]byte(nil), []byte(nil), "", "", "", "", "", int64(1)<<62)
	f.Fuzz(func(t *testing.T, key, value []byte, id, source, kind, subject, at string, millis int64) {
		run(t, func(w *world) {
			w.ends(5, 5)
			w.publish(outcome("known", events.Accepted, event(0, 1), cover(0, 2)))
			w.follow()
			w.log.append(retried, 0, consumer.Record{Key: key, Value: value, Time: time.UnixMilli(millis), Headers: []consumer.Header{
				{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte(id)}, {Key: "ce_source", Value: []byte(source)},
				{Key: "ce_type", Value: []byte(kind)}, {Key: "ce_subject", Value: []byte(subject)}, {Key: "ce_time", Value: []byte(at)},
			}})
			w.follow()
			if !w.Answered(event(0, 1)) || w.covering("known", event(0, 1)) == "" {
				t.Error("what was known is forgotten")
			}
			for partition := range 2 {
				if reason := w.covering(subject, event(partition, 5)); reason != "" {
					t.Errorf("%q is covered at the end of partition %d: %s", subject, partition, reason)
				}
			}
		})
	})
}
