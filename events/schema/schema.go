// Package schema contains the published descriptions of the messages: JSON Schemas (draft
// 2020-12) of failure events, outcomes and recoveries, and the AsyncAPI 3.0 document with
// topics, keys and headers. Tests in test/events hold them to the code. Any package may
// import it to publish them.
package schema

import "embed"

// Files contains failure.schema.json, outcome.schema.json, recovered.schema.json and
// asyncapi.json, which refer to each other by these names.
//
//go:embed *.json
var Files embed.FS
