// Package mpcclient is a client for the remux (packaging) API of Huawei Cloud MPC: it
// retries a failed task, queries the state of tasks and lists them. It authenticates with a
// user token, AK/SK signatures, an IAM password, or the agency of its node.
//
// It sends a call once; only if the API rejects the token does it renew the token and send
// the call a second time. It tells what the answer proves: every error of [Client.Retry] is
// an [*Error] whose [Class] says whose fault it is and whether the call may be repeated.
// Waiting, pacing, backoff and decisions are up to the caller.
//
// It imports no other package of this project. Every package except consumer and events may
// import it.
package mpcclient
