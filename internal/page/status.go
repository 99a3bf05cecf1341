package page

import (
	"time"

	"remux-retrier/internal/plain"
)

// Status is the state of the instance: the document of /api/status, and of the stream's
// event "status", once a second.
type Status struct {
	At time.Time `json:"at"`
	// Instance is the client id in the group. Group and Topic are what it consumes.
	Instance  string    `json:"instance"`
	Group     string    `json:"group"`
	Topic     string    `json:"topic"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	// State is the summary. The page sets it.
	State  State   `json:"state"`
	Checks []Check `json:"checks"` // those of /readyz
	// Notes are actions for an operator.
	Notes      []string    `json:"notes"`
	Kafka      Kafka       `json:"kafka"`
	MPC        MPC         `json:"mpc"`
	Flow       Flow        `json:"flow"`
	Partitions []Partition `json:"partitions"`
	// Outcomes counts the finished events since the start, by outcome and reason. The page
	// sets it.
	Outcomes []Count `json:"outcomes"`
	// Retries are those within the budget's window, by the hour in which they were
	// accepted; absent without KAFKA_TOPIC_RECOVERED.
	Retries []RetriesOfHour `json:"retries_by_hour,omitempty"`
	// Letters are the latest dead letters. The page sets it.
	Letters Letters `json:"dead_letters_lately"`
}

// Check is a check of /readyz.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Kafka is the state of the brokers, the group and the ledger.
type Kafka struct {
	// Started: the topics exist and the work has begun.
	Started bool `json:"started"`
	// Problem is what it waits for; empty: nothing.
	Problem    string `json:"problem,omitempty"`
	Joined     bool   `json:"joined"`
	Generation int    `json:"generation"`
	// LedgerRead: the outcome topics have been read; nothing is decided before.
	LedgerRead bool `json:"ledger_read"`
	// Stuck describes messages that their topic rejects; StuckMessages are the same.
	Stuck         []string       `json:"stuck,omitempty"`
	StuckMessages []StuckMessage `json:"stuck_messages,omitempty"`
	// Absent lists topics that have been deleted since the start.
	Absent []string `json:"absent_topics,omitempty"`
}

// StuckMessage is a message that its topic rejects: it exceeds max.message.bytes, or else
// the topic is compacted.
type StuckMessage struct {
	Topic    string `json:"topic"`
	Bytes    int    `json:"bytes"`
	TooLarge bool   `json:"too_large"`
}

// MPC is the state of the API and its quota. Rates are in requests a minute; null:
// unlimited.
type MPC struct {
	Available bool `json:"available"`
	// DownSince is when the current outage began; null: MPC serves, or has not answered for
	// a moment only.
	DownSince *time.Time `json:"down_since"`
	// LastError is the last error that showed that MPC does not serve, in this outage or an
	// earlier one; empty: none since the start. LastErrorAdvice is what an operator must do
	// about it, LastErrorHeadline both in a few words; empty: nothing.
	LastError         string     `json:"last_error,omitempty"`
	LastErrorHeadline string     `json:"last_error_headline,omitempty"`
	LastErrorAt       *time.Time `json:"last_error_at"`
	LastErrorAdvice   string     `json:"last_error_advice,omitempty"`
	// Quota is the whole group's, Share this instance's part of it, of which 5 % are kept
	// in reserve. Rate is the current rate, lower after throttling.
	Quota *float64 `json:"quota_per_minute"`
	Share *float64 `json:"share_per_minute"`
	Rate  *float64 `json:"rate_per_minute"`
	// ThrottledSince is since when MPC has refused requests because of its quota. Admitted
	// is how many requests of the share it is believed to admit; null: it refuses none, or
	// that is unknown.
	ThrottledSince *time.Time `json:"throttled_since"`
	Admitted       *float64   `json:"admitted_per_minute"`
	// HoldUntil is the time before which MPC asked for no requests; null: it did not.
	HoldUntil *time.Time `json:"hold_until"`
	// Requests and Throttled count the requests since the start, and those that MPC refused
	// because of its quota.
	Requests  int64 `json:"requests_total"`
	Throttled int64 `json:"throttled_total"`
	// SentLastMinute counts the requests of the last 60 seconds, ThrottledLately those of
	// them that MPC refused because of its quota. The page sets both.
	SentLastMinute  int64 `json:"sent_last_minute"`
	ThrottledLately int64 `json:"throttled_last_minute"`
}

// Flow counts the failure events by where they are now.
type Flow struct {
	// Lag counts the records that are not committed. LagKnown reports whether that is known
	// for all partitions.
	Lag      int64 `json:"lag"`
	LagKnown bool  `json:"lag_known"`
	// Unanswered counts the events held and the records that were not read yet. The lag
	// also counts events that were answered above the oldest of them.
	Unanswered int64 `json:"unanswered"`
	// Held are the events that have been read and not answered. Of these, Waiting counts
	// those that wait for the quota, for MPC to serve, after a failed call of their own, or
	// for Kafka to accept earlier outcomes or the commit that must precede the call.
	Held    int     `json:"held"`
	Waiting Waiting `json:"waiting"`
	// InFlight counts API calls in flight.
	InFlight int `json:"in_flight"`
	// OldestAt is the time of the oldest unanswered event held; null: there is none.
	OldestAt *plain.Time `json:"oldest_at"`
}

// Waiting counts events by what they wait for. While MPC does not serve, those that would
// wait for the quota or after a failed call count as Outage.
type Waiting struct {
	Quota   int `json:"quota"`
	Outage  int `json:"outage"`
	Backoff int `json:"backoff"`
	Kafka   int `json:"kafka"`
}

// Partition is a partition that is assigned to the instance.
type Partition struct {
	Partition int `json:"partition"`
	// Committed is the low-water mark, End the partition's end; −1: unknown. Next is the
	// first offset that was not read.
	Committed  int64       `json:"committed"`
	Next       int64       `json:"next"`
	End        int64       `json:"end"`
	Unanswered int         `json:"unanswered"`
	OldestAt   *plain.Time `json:"oldest_at"`
	Problem    string      `json:"problem,omitempty"`
}

// Count counts the events that finished with an outcome and reason, since the start and in
// the last 60 seconds.
type Count struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	Count   int64  `json:"count"`

	LastMinute int64 `json:"last_minute"`
}
