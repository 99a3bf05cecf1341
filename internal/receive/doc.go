// Package receive is the HTTPS endpoint that Huawei Cloud's notification service
// (SMN) pushes MPC's notifications to. It checks each message, publishes it unchanged to
// the failed topic, and answers 200 only when all in-sync replicas have it.
//
//	envelope.go     an SMN message, and the text that its signature is over
//	hosts.go        which hosts requests may be sent to
//	outside.go      sends them
//	certificates.go keeps the certificates that SMN signs with
//	verify.go       whether a message is from SMN, for a listed topic, and recent
//	body.go         reads requests within a memory bound
//	handle.go       one request: checks, publishes, confirms
//	kafka.go        the failed topic, and whether it can be written
//	server.go       sockets and life cycle
//	meters.go       metrics
//
// It reads no more of a failure event than its key needs, and does not call MPC. It keeps
// duplicates: the service handles a repeated message without a second retry. Only
// internal/app, and the tests in deploy, import it.
//
// Sources: SMN's user guide, smn_ug_a9002 (messages), a9003 and a9004 (signature),
// and smn_faq_0014 (delivery: SMN waits 5 s for an answer, sends a message up to six more
// times after a 5xx or no answer, and then discards it).
package receive
