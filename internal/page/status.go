package page

import (
	"time"

	"remux-retrier/internal/plain"
)

// Status is what the instance is at: the document of /api/status, and of the
// stream's event "status", once a second.
type Status struct {
	At time.Time `json:"at"`
	// Instance is the client id in the group, Group and Topic what it consumes.
	Instance  string    `json:"instance"`
	Group     string    `json:"group"`
	Topic     string    `json:"topic"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	// State is all of it in a word and a few sentences. The page fills it in.
	State  State   `json:"state"`
	Checks []Check `json:"checks"` // those of /readyz
	// Notes are what somebody should do.
	Notes      []string    `json:"notes"`
	Kafka      Kafka       `json:"kafka"`
	MPC        MPC         `json:"mpc"`
	Flow       Flow        `json:"flow"`
	Partitions []Partition `json:"partitions"`
	// Outcomes are events done with since the start, by outcome and reason. The
	// page fills them in.
	Outcomes []Count `json:"outcomes"`
	// Retries are those within the budget's window, by the hour in which they were
	// accepted; absent where nobody is told of recoveries.
	Retries []RetriesOfHour `json:"retries_by_hour,omitempty"`
	// Letters are the latest dead letters. The page fills them in.
	Letters Letters `json:"dead_letters_lately"`
}

// Check is one of /readyz.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Kafka is how it stands with the brokers, the group and the ledger.
type Kafka struct {
	// Started: the topics were found and the work has begun.
	Started bool `json:"started"`
	// Problem is what it waits for, empty if for nothing.
	Problem    string `json:"problem,omitempty"`
	Joined     bool   `json:"joined"`
	Generation int    `json:"generation"`
	// LedgerRead: the outcome topics are read; nothing is decided before.
	LedgerRead bool `json:"ledger_read"`
	// Stuck are messages that no topic takes, in words; StuckMessages are the same.
	Stuck         []string       `json:"stuck,omitempty"`
	StuckMessages []StuckMessage `json:"stuck_messages,omitempty"`
	// Absent are topics that were there at the start and do not exist any more.
	Absent []string `json:"absent_topics,omitempty"`
}

// StuckMessage is one that its topic refuses: it is larger than max.message.bytes, or
// else the topic is compacted.
type StuckMessage struct {
	Topic    string `json:"topic"`
	Bytes    int    `json:"bytes"`
	TooLarge bool   `json:"too_large"`
}

// MPC is how it stands with the API and its quota. Rates are requests a minute,
// null: unlimited.
type MPC struct {
	Available bool `json:"available"`
	// DownSince is since when it has not served; null: it does, or is silent for
	// only a moment.
	DownSince *time.Time `json:"down_since"`
	// LastError is the last answer, or lack of one, that said that MPC does not
	// serve, in this outage or an earlier one; empty: there was none since the
	// start. LastErrorAdvice is what somebody has to do about it, LastErrorHeadline
	// both in a few words; empty: nothing.
	LastError         string     `json:"last_error,omitempty"`
	LastErrorHeadline string     `json:"last_error_headline,omitempty"`
	LastErrorAt       *time.Time `json:"last_error_at"`
	LastErrorAdvice   string     `json:"last_error_advice,omitempty"`
	// Quota is the whole group's, Share this instance's part of it, of which 5 %
	// are kept as a reserve; Rate is what may be sent now, less after throttling.
	Quota *float64 `json:"quota_per_minute"`
	Share *float64 `json:"share_per_minute"`
	Rate  *float64 `json:"rate_per_minute"`
	// ThrottledSince is since when MPC refuses requests for its quota, Admitted how
	// many of the share it is thought to admit; null: it refuses none, or nothing is
	// known.
	ThrottledSince *time.Time `json:"throttled_since"`
	Admitted       *float64   `json:"admitted_per_minute"`
	// HoldUntil is until when MPC asked for no requests; null: it did not.
	HoldUntil *time.Time `json:"hold_until"`
	// Requests and Throttled count what was sent since the start, and what of it
	// was refused for the quota.
	Requests  int64 `json:"requests_total"`
	Throttled int64 `json:"throttled_total"`
	// SentLastMinute are the requests of the last 60 seconds, ThrottledLately
	// those of them that were refused for the quota. The page fills them in.
	SentLastMinute  int64 `json:"sent_last_minute"`
	ThrottledLately int64 `json:"throttled_last_minute"`
}

// Flow is where the failure events are at the moment.
type Flow struct {
	// Lag counts the records of the partitions that are not committed, LagKnown
	// tells whether that is known of all of them.
	Lag      int64 `json:"lag"`
	LagKnown bool  `json:"lag_known"`
	// Unanswered counts the events held and the records that were not read yet. The
	// lag also counts what was answered behind the oldest of them.
	Unanswered int64 `json:"unanswered"`
	// Held are the events that have been read and not answered. Those that wait,
	// do so for the quota, for MPC to serve, after a call of their own that failed,
	// or for Kafka to take earlier outcomes or the commit that tells of the call.
	Held    int     `json:"held"`
	Waiting Waiting `json:"waiting"`
	// InFlight are calls of the API under way.
	InFlight int `json:"in_flight"`
	// OldestAt is the time of the oldest unanswered event held; null: none is.
	OldestAt *plain.Time `json:"oldest_at"`
}

// Waiting counts events by what they wait for.
type Waiting struct {
	Quota   int `json:"quota"`
	Outage  int `json:"outage"`
	Backoff int `json:"backoff"`
	Kafka   int `json:"kafka"`
}

// Partition is one that is assigned to the instance.
type Partition struct {
	Partition int `json:"partition"`
	// Committed is the low-water mark, End the partition's end; −1: not known.
	// Next is the first offset that was not read.
	Committed  int64       `json:"committed"`
	Next       int64       `json:"next"`
	End        int64       `json:"end"`
	Unanswered int         `json:"unanswered"`
	OldestAt   *plain.Time `json:"oldest_at"`
	Problem    string      `json:"problem,omitempty"`
}

// Count is how many events are done with in one way, since the start and in the
// last 60 seconds.
type Count struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	Count   int64  `json:"count"`

	LastMinute int64 `json:"last_minute"`
}
