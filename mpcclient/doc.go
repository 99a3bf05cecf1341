// Package mpcclient speaks to the remux (packaging) API of Huawei Cloud MPC: it retries a failed task, queries the
// state of tasks and lists them, authenticated by a user token, by AK/SK signatures, by an IAM password or by the agency of the node it runs on.
//
// It makes one attempt per call and says what the answer proves: every error of [Client.Retry] is an [*Error] whose
// [Class] answers the caller's question (whose fault, and may the call be repeated?). Waiting, pacing, backing off and
// deciding are the caller's.
//
// It imports no other package of this project; any of them may import it.
package mpcclient
