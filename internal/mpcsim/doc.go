// Package mpcsim simulates the part of Huawei Cloud MPC and IAM that the
// service talks to: the remux retry, the query and the list of tasks, and the password login,
// with task states, refusals, outages and a ledger of every request seen.
//
// It is a second, independent reading of the API's documents: it shares no code
// with the client, verifies signatures by itself, and so can find the client's
// mistakes. It is no server for production use: its control API under /_sim/
// asks for no credentials and belongs on a loopback address or a demo network.
//
// The sandbox, its commands and tests may import it; the service may not.
package mpcsim
