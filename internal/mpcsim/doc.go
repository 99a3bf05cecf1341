// Package mpcsim simulates the parts of Huawei Cloud MPC and IAM that the service uses:
// requests for retries, task queries, task lists and logins by password, with task states,
// refusals and outages. It records and counts the requests.
//
// It implements the API's documentation independently: it shares no code with the
// client and verifies signatures with its own code, so that it can find the client's
// mistakes. It is not for production: its control API under /_sim/ needs no
// credentials, and must be on a loopback address or a demo network.
//
// The sandbox, cmd/mpcsim and tests import it, never the service.
package mpcsim
