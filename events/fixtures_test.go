package events_test

import "remux-retrier/events/eventstest"

const (
	parent       = eventstest.Parent
	notified     = eventstest.Notified
	subscription = eventstest.Subscription
)

// Fixtures shared with the tests of the schemas.
var (
	accepted, refused = eventstest.Accepted, eventstest.UnreadableRecords
	outcome, encode   = eventstest.Outcome, eventstest.Encode
	header, headerOf  = eventstest.Header, eventstest.HeaderOf
	replace           = eventstest.Replace
	binary            = eventstest.Binary
	smn, cloudEvent   = eventstest.SMN, eventstest.CloudEvent
	nested, quote     = eventstest.Nested, eventstest.Quote
	task              = eventstest.Task
)
