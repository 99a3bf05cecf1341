// Package page serves the operator's page and the JSON behind it: the state of the
// instance, its latest answers, and the story of any task. It is read-only, decides
// nothing, and costs the same for any number of viewers: one snapshot a second, shared by
// all.
//
// It knows the service only as a Source, which package app implements; package admin serves
// it. No other package of the service imports it.
//
//	GET /                     the page; its files beside it
//	GET /api/status           Status
//	GET /api/history          Hour: throughput and answer times
//	GET /api/latest           Latest: the events finished last; ?below= returns
//	                          earlier ones, ?outcome= and ?text= filter them
//	GET /api/changes          Changes: the states of the last 24 hours
//	GET /api/instances        Instances: the members of the consumer group
//	GET /api/tasks/{task_id}  Task; ?topics=false asks this instance's memory alone
//	GET /api/tasks/?id=…      the same; needed for the ids "." and "..", which clients
//	                          treat as parts of the path
//	GET /api/events           status, history, latest and changes as server-sent
//	                          events: first all of them, then each one that changes
//
// The JSON is stable: fields are added, never renamed; testdata/json.txt lists
// them. Times are RFC 3339. An error is {"error":"…"}: 400 (this cannot be a task id, or
// below is not a number), 404, 405, 500, or 503 (too many streams, with Retry-After; or the
// group cannot be asked for its members).
//
// The page (directory static) is plain HTML, CSS and JavaScript modules, without
// a build step and without anything from elsewhere:
//
//	app.js      follows the stream and hands the documents out
//	view.js     state, gauge, reasons, partitions
//	flow.js     the picture of the flow
//	plot.js     the last hour's plots
//	retries.js  the results of accepted retries
//	latest.js   the list of answers: filter, pages, download
//	address.js  the open task and the filters, as the address keeps them
//	instances.js
//	            the other instances, with links to their pages
//	changes.js  the states of the last hours
//	story.js    the search, and a task's story; storyview.js shows it
//	time.js     times, in UTC or the reader's zone
//	copy.js     buttons that copy ids and commands
//	answer.js   requests to the service, and errors in words
//	dom.js      how texts and numbers get into the page: never as markup
package page
