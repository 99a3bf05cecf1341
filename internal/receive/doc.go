// Package receive is the HTTPS endpoint that Huawei Cloud's notification service
// (SMN) pushes MPC's notifications to. It checks each message, publishes it to the
// failed topic as it came, and answers 200 only when all in-sync replicas have it.
//
//	envelope.go     an SMN message, and the text that its signature is over
//	hosts.go        which hosts may be asked
//	outside.go      asks them
//	certificates.go keeps the certificates that SMN signs with
//	verify.go       whether a message is SMN's, ours and recent
//	body.go         reads requests within a bound of memory
//	handle.go       one request: checks, publishes, confirms
//	kafka.go        the failed topic, and whether it can be written
//	server.go       sockets and life cycle
//	meters.go       metrics
//
// It does not read failure events beyond what tells their key, calls no MPC, and
// drops no duplicates: the service answers a repeated message once. Only
// internal/app imports it.
//
// Sources: SMN's user guide, smn_ug_a9002 (messages), a9003 and a9004 (signature),
// and smn_faq_0014 (delivery: 5 s for an answer, six more attempts after a 5xx or
// none, then the message is discarded).
package receive
