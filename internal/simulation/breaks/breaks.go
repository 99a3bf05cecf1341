package main

// edit replaces the one place where a file says old.
type edit struct{ file, old, now string }

// broken is a mistake that would be easy to make. DESIGN says of it that it is found
// within so many seeds.
type broken struct {
	name   string
	within int
	edits  []edit
}

// breaks are the mistakes that the simulation must find.
var breaks = []broken{
	{"commit before publish", 10, []edit{{"consumer/partition.go",
		"\tfor {\n\t\terr := answer(ctx)\n\t\tif err == nil {\n\t\t\tp.tracker.resolve(d.e)\n",
		"\tp.tracker.resolve(d.e)\n\tfor {\n\t\terr := answer(ctx)\n\t\tif err == nil {\n",
	}}},
	{"no wait for the ledger", 100, []edit{{"internal/app/instance.go",
		"\treturn f.ledger.CatchUp(ctx, a)\n",
		"\tf.parts.Clock.Go(func() { _ = f.ledger.CatchUp(ctx, a) })\n\treturn nil\n",
	}}},
	{"two calls for one task in flight", 10, []edit{{"internal/retrier/tasks.go",
		"\t_ = p.tasks.clock.Wait(ctx, p.turn)\n", "",
	}}},
	{"twins in whatever order", 3000, []edit{{"consumer/partition.go",
		"p.handle(d, answer) })", "p.handle(d, p.g.c.cfg.Handler.Receive(d)) })",
	}, {"consumer/partition.go", "\t\t\tanswer := p.g.c.cfg.Handler.Receive(d) // here: the goroutines start in any order\n", ""}}},
	{"a question covers only what was in doubt", 3000, []edit{{"internal/retrier/answer.go",
		"e.coversUpTo(ends)", "e.coversUpTo(map[int]int64{e.ev.Source.Partition: min(e.ev.Lease.Doubtful(), ends[e.ev.Source.Partition])})",
	}}},
	{"the commit's mark is not looked at", 10, []edit{{"consumer/partition.go",
		"\tmark, foreign := ParseMark(at.Metadata, at.Offset)\n", "\tmark, foreign := Mark{}, error(nil)\n",
	}}},
	{"an outage counts as an attempt", 1000, []edit{{"internal/retrier/patience.go",
		"\tif e.before*10 >= witnesses*9 && ended >= witnesses && served*10 >= ended*9 && now.Outages == e.since.Outages && e.r.cfg.Gate.Available() {\n",
		"\tif ended >= 0 && served >= 0 {\n",
	}}},
	{"clean without a drain", 100, []edit{{"consumer/position.go", "\tif last && t.clean() {\n", "\tif last {\n"}}},
	{"clean outlives the first call", 1000, []edit{
		{"consumer/position.go", "\tif last && t.clean() {\n", "\tif t.clean() {\n"},
		{"consumer/position.go", "\tt.acked = called\n", "\tt.acked = max(t.acked, called)\n"},
	}},
	{"answered by offset, whatever the timestamp", 1000, []edit{{"internal/ledger/answered.go",
		"\tyes = ok && before == at || a.others[place{event.Offset, at}]\n", "\tyes = ok && before+at != 0\n",
	}}},
	{"a cover by all that is in the log by now", 10, []edit{{"internal/ledger/covers.go",
		"event.Offset < c.end &&", "event.Offset < c.end+1000 &&",
	}}},
	{"a refused batch condemns its tasks", 100, []edit{{"internal/retrier/inquirer.go",
		"\tcase len(ids) > 1:\n", "\tcase len(ids) > perQuery:\n",
	}}},
	{"an unanswered commit does not end the generation", 10000, []edit{{"consumer/commit.go",
		"\t\t\tg.stop(errUnanswered)\n", "\t\t\t_ = errUnanswered\n",
	}}},
	{"no look whether the partition is still ours", 1000, []edit{{"internal/retrier/errand.go",
		"\t\tif e.ev.Lease.MayCall() {\n", "\t\tif e.ev.Lease.MayCall() || true {\n",
	}}},
	{"the session alone says for how long a partition is ours", 3000, []edit{
		{"consumer/consumer.go", "min(c.cfg.SessionTimeout/2, c.cfg.Drain)", "c.cfg.SessionTimeout / 2"},
		{"consumer/consumer.go", "min(c.cfg.SessionTimeout, RebalanceSlack)", "c.cfg.SessionTimeout"},
	}},
	{"written whatever the age of the last commit", 1000, []edit{{"consumer/publisher.go", "c.publishWithin()", "time.Hour"}}},
	{"a commit proves what was when its answer came", 3000, []edit{{"consumer/commit.go",
		"\tg.alive = started\n", "\tg.alive = started\n\tg.alive = g.c.cfg.Clock.Now()\n",
	}}},
	{"answered offsets above the mark are forgotten", 10, []edit{{"consumer/tracker.go",
		"next: low, inherited: m.Done,", "next: low,",
	}}},
	{"added partitions begin at their end, too", 1000, []edit{{"consumer/restart.go",
		"\t\tif err != nil || id >= m.Of {\n", "\t\tif err != nil || id >= m.Of+1000 {\n",
	}}},
	{"a new share waits for nothing", 1000, []edit{{"internal/pace/quota.go",
		"\tq.next = now.Add(time.Duration(min(first, float64(q.window)/headroom)))\n",
		"\tq.next = now.Add(time.Duration(min(first, float64(q.window)/headroom) * 0))\n",
	}}},
}
