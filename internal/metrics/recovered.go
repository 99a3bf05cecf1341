package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"remux-retrier/internal/ledger"
)

var acceptedRetries = describe("accepted_retries", "Accepted retries of the whole group within RETRY_BUDGET_WINDOW, by the task's result: recovered, failed_again, recent (no result yet, within one to two hours), not_heard_of (no result after that: is MPC's notification of success missing?). Only with KAFKA_TOPIC_RECOVERED.", "result")

// collectRetries sums up the hours.
func collectRetries(hours []ledger.Hour, now time.Time, gauge func(d *prometheus.Desc, value float64, labels ...string)) {
	var recovered, again, recent, missing int
	for _, h := range hours {
		recovered += h.Recovered
		again += h.FailedAgain
		r, m := h.WithoutResult(now)
		recent += r
		missing += m
	}
	gauge(acceptedRetries, float64(recovered), "recovered")
	gauge(acceptedRetries, float64(again), "failed_again")
	gauge(acceptedRetries, float64(recent), "recent")
	gauge(acceptedRetries, float64(missing), "not_heard_of")
}
