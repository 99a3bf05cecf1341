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

// breaks are the mistakes that the simulation must find: in the consumer, the ledger,
// the decision, and the pace.
var breaks = []broken{
	{"commit before publish", 30, []edit{{"internal/app/path.go",
		"\te.Publish(func(err error) {\n\t\tacknowledged()\n",
		"\te.Done()\n\te.Publish(func(err error) {\n\t\tacknowledged()\n",
	}}},
	{"twins in whatever order", 3000, []edit{{"consumer/partition.go",
		"\tp.g.c.cfg.Handler.Receive(d)\n", "\td.Go(func() { p.g.c.cfg.Handler.Receive(d) })\n",
	}}},
	{"the commit's mark is not looked at", 100, []edit{{"consumer/open.go",
		"\tmark, foreign := ParseMark(at.Metadata, at.Offset)\n", "\tmark, foreign := Mark{}, error(nil)\n",
	}}},
	{"clean without a drain", 100, []edit{{"consumer/position.go", "\tif last && t.clean() {\n", "\tif last {\n"}}},
	{"clean outlives the first call", 1000, []edit{
		{"consumer/position.go", "\tif last && t.clean() {\n", "\tif t.clean() {\n"},
		{"consumer/tracker.go", "\tt.lead.acked = called\n", "\tt.lead.acked = max(t.lead.acked, called)\n"},
	}},
	{"an unanswered commit does not end the generation", 10000, []edit{{"consumer/commit.go",
		"\t\t\tg.stop(errUnanswered)\n", "\t\t\t_ = errUnanswered\n",
	}}},
	{"a commit proves what was when its answer came", 3000, []edit{{"consumer/commit.go",
		"\tg.prove(started)\n", "\tg.prove(g.c.cfg.Clock.Now())\n",
	}}},
	{"the session alone says for how long a partition is ours", 3000, []edit{
		{"consumer/consumer.go", "min(c.cfg.SessionTimeout/2, c.cfg.Drain)", "c.cfg.SessionTimeout / 2"},
		{"consumer/consumer.go", "min(c.cfg.SessionTimeout, RebalanceSlack)", "c.cfg.SessionTimeout"},
	}},
	{"written whatever the age of the last commit", 1000, []edit{{"consumer/publisher.go", "c.publishWithin()", "time.Hour"}}},
	{"answered offsets above the mark are forgotten", 100, []edit{{"consumer/tracker.go",
		"inherited{done: m.Done, inDoubt", "inherited{inDoubt",
	}}},
	{"added partitions begin at their end, too", 1000, []edit{{"consumer/recreated.go",
		"\t\tif err != nil || id >= m.Of {\n", "\t\tif err != nil || id >= m.Of+1000 {\n",
	}}},
	{"one answer that the topic is unknown, and it is read again", 300, []edit{{"consumer/topicgone.go",
		"\tfound, begun := 0, g.c.cfg.Clock.Now()\n", "\tfound, begun := 0, g.c.cfg.Clock.Now()\n\tif found == 0 {\n\t\treturn g.startOver(errTopicGone)\n\t}\n",
	}}},
	{"an outcome partition that hangs counts as one that can be written", 1000, []edit{{"consumer/publisher.go",
		"\treturn !q.failing && age < slowWrite && q.pending < most\n",
		"\treturn most > 0\n",
	}}},

	{"no wait for the ledger", 100, []edit{{"internal/app/instance.go",
		"\treturn f.ledger.CatchUp(ctx, a)\n",
		"\tf.parts.Clock.Go(func() { _ = f.ledger.CatchUp(ctx, a) })\n\treturn nil\n",
	}}},
	{"answered by offset, whatever the timestamp", 1000, []edit{{"internal/ledger/answered.go",
		"\tyes = ok && before == at || a.others[place{event.Offset, at}]\n", "\tyes = ok && before+at != 0\n",
	}}},
	{"a cover by all that is in the log by now", 10, []edit{{"internal/ledger/covers.go",
		"event.Offset < c.end &&", "event.Offset < c.end+1000 &&",
	}}},

	{"two calls for one task in flight", 10, []edit{{"internal/retrier/schedule.go",
		"\tif t != nil {\n\t\tev.step(", "\tif t != nil && len(t.waiting) > 1000 {\n\t\tev.step(",
	}}},
	{"a question after a crash covers nothing", 1000, []edit{{"internal/retrier/doubt.go",
		"\t\te.extent = extent //", "\t\t_ = extent //",
	}}},
	{"a question holds a place among the called", 3000, []edit{{"internal/retrier/decide.go",
		"\tif e.doubt != none {\n", "\tif e.doubt != none && !e.r.takeSlot(e.t) {\n\t\treturn nil, pause{phase: ready}, nil\n\t}\n\tif e.doubt != none {\n",
	}}},
	{"a refused batch condemns its tasks", 100, []edit{
		{"internal/retrier/status.go", "\tcase len(ids) > 1:\n", "\tcase len(ids) > perRequest:\n"},
		{"internal/retrier/status.go", "\t\tone := batch[0]\n\t\tone.refused(refusal)\n\t\tagain = b.toldAlone(one, stateRefused(refusal))\n",
			"\t\tfor _, one := range batch {\n\t\t\tone.answer(stateRefused(refusal))\n\t\t}\n"},
	}},
	{"a 502 proves that nothing was done", 300, []edit{{"mpcclient/classify.go",
		"case http.StatusRequestTimeout, ", "case http.StatusBadGateway, http.StatusRequestTimeout, ",
	}}},
	{"no look whether the partition is still ours", 1000, []edit{{"internal/retrier/call.go",
		"\t\tif writable && e.ev.Lease.MayCall() {\n", "\t\tif writable {\n",
	}}},
	{"an answer is its event's alone", 10, []edit{
		{"internal/retrier/answer.go", "\to.Covers = e.extent.covers\n", ""},
		{"internal/retrier/answer.go", "\te.r.recent.add(e.t.id, e.extent.sighted, o)\n", ""},
	}},
	{"an exhausted task covers nothing", 1000, []edit{{"internal/retrier/decide.go",
		"\t\treturn e.answerAll(reason, e.last), pause{}, nil\n", "\t\treturn e.answerAlone(reason), pause{}, nil\n",
	}}},
	{"an outage counts as an attempt", 1000, []edit{
		{"internal/retrier/exhausted.go", "\tcase now.Outages != v.since.Outages || !available:\n\t\tv.pending = false\n\tcase ended < minSamples:\n\tcase served*10 >= ended*9:\n",
			"\tcase ended < 0:\n\tcase served >= 0:\n"},
		{"internal/retrier/exhausted.go", "return lately*10 >= minSamples*9", "return lately >= 0"},
	}},
	{"a task that fails is called each second of an outage", 1000, []edit{{"internal/retrier/exhausted.go",
		"\t\twait = min(wait, outageBackoff)\n", "\t\twait = min(wait, time.Second)\n",
	}}},

	{"any decision counts as a retry that has succeeded", 300, []edit{{"internal/ledger/recovered.go",
		"\t\tif !d.counts || d.beyond || later {\n", "\t\tif d.beyond || later {\n",
	}}},
	{"a success waits for no failure before it", 300, []edit{{"internal/retrier/retrier.go",
		"\tif ev.Failure.Succeeded && !r.schedule.has(ev.Failure.TaskID) {", "\tif ev.Failure.Succeeded {",
	}}},
	{"a recovery is committed before it is published", 1000, []edit{{"internal/app/recovered.go",
		"\te.Go(func() {\n", "\te.Done()\n\te.Go(func() {\n",
	}}},

	{"a new share waits for nothing", 1000, []edit{{"internal/pace/quota.go",
		"\tq.next = now.Add(time.Duration(min(first, float64(q.window)/headroom)))\n",
		"\tq.next = now.Add(time.Duration(min(first, float64(q.window)/headroom) * 0))\n",
	}}},
	{"a kept partition owes", 3000, []edit{
		{"internal/pace/share.go", "\tgained := slices.DeleteFunc(slices.Clone(a.Partitions), func(p int) bool { return slices.Contains(kept, p) })\n", "\tgained := a.Partitions\n"},
		{"internal/pace/share.go", "\t\tfor _, owner := range a.ownersOf(p) {\n", "\t\tfor _, owner := range a.ownersOf(p) {\n\t\t\towner += fmt.Sprint(p)\n"},
	}},
	{"a partition that was given up owes", 10000, []edit{{"internal/pace/quota.go",
		"min(float64(q.next.Sub(now))/float64(before), 1+a.carriedOver(kept, q.perWindow))", "float64(q.next.Sub(now))/float64(before)",
	}}},
	{"refusals above a limit change no rate", 1000, []edit{{"internal/pace/throttle.go",
		"\tcase quota <= 0 || sent.Before(t.cut):\n", "\tcase quota >= 0 || sent.Before(t.cut):\n",
	}}},
}
