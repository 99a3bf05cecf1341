package main

// edit replaces the only occurrence of old in a file.
type edit struct{ file, old, now string }

// mistake is a plausible one. The simulation finds it within this number of seeds; the table
// in docs/DESIGN.md has the same numbers.
type mistake struct {
	name   string
	within int
	edits  []edit
}

// mistakes are those that the simulation must find: in the consumer, the ledger, the
// decisions and the pacing.
var mistakes = []mistake{
	{"commit before publish", 30, []edit{{"internal/app/handler.go",
		"\treturn e.Enqueue(func(err error) {\n\t\tacknowledged()\n",
		"\te.Done()\n\treturn e.Enqueue(func(err error) {\n\t\tacknowledged()\n",
	}}},
	{"records handled in any order", 3000, []edit{{"consumer/partition.go",
		"\tp.g.c.cfg.Handler.Receive(d)\n", "\td.Go(func() { p.g.c.cfg.Handler.Receive(d) })\n",
	}}},
	{"commit metadata is ignored", 100, []edit{{"consumer/open.go",
		"\tmetadata, foreign := ParseCommitMetadata(at.Metadata, at.Offset)\n", "\tmetadata, foreign := CommitMetadata{}, error(nil)\n",
	}}},
	{"the last commit writes `clean` though a call is in doubt", 100, []edit{{"consumer/position.go", "\tif last && t.clean() {\n", "\tif last {\n"}}},
	{"any commit may write `clean`, also after the first call", 1000, []edit{
		{"consumer/position.go", "\tif last && t.clean() {\n", "\tif t.clean() {\n"},
		{"consumer/tracker.go", "\tt.lead.acked = called\n", "\tt.lead.acked = max(t.lead.acked, called)\n"},
	}},
	{"an unanswered commit does not end the generation", 30000, []edit{{"consumer/commit.go",
		"\t\t\tg.stop(errUnanswered)\n", "\t\t\t_ = errUnanswered\n",
	}}},
	{"a commit proves ownership at the time of its answer", 3000, []edit{{"consumer/commit.go",
		"\tg.prove(started)\n", "\tg.prove(g.c.cfg.Clock.Now())\n",
	}}},
	{"only the session timeout limits ownership", 3000, []edit{
		{"consumer/consumer.go", "min(c.cfg.SessionTimeout/2, c.cfg.Drain)", "c.cfg.SessionTimeout / 2"},
		{"consumer/consumer.go", "min(c.cfg.SessionTimeout, RebalanceSlack)", "c.cfg.SessionTimeout"},
	}},
	{"written regardless of the last commit's age", 1000, []edit{{"consumer/publisher.go", "c.publishMaxAge()", "time.Hour"}}},
	{"answered offsets above the low-water mark are forgotten", 100, []edit{{"consumer/tracker.go",
		"inherited{done: m.Done, inDoubt", "inherited{inDoubt",
	}}},
	{"added partitions start at their end, too", 3000, []edit{{"consumer/recreated.go",
		"\t\tif err != nil || id >= m.TopicPartitions {\n", "\t\tif err != nil || id >= m.TopicPartitions+1000 {\n",
	}}},
	{"one unknown-topic error makes the topic be read again", 300, []edit{{"consumer/topicgone.go",
		"\tfound, begun := 0, g.c.cfg.Clock.Now()\n", "\tfound, begun := 0, g.c.cfg.Clock.Now()\n\tif found == 0 {\n\t\treturn g.startOver(errTopicGone)\n\t}\n",
	}}},
	{"a hanging outcome partition counts as writable", 1000, []edit{{"consumer/writable.go",
		"\treturn !q.failing && age < slowWrite && q.pending < most\n",
		"\treturn most > 0\n",
	}}},

	{"no wait for the ledger", 100, []edit{{"internal/app/instance.go",
		"\treturn l.ledger.CatchUp(ctx, a)\n",
		"\tl.parts.Clock.Go(func() { _ = l.ledger.CatchUp(ctx, a) })\n\treturn nil\n",
	}}},
	{"answered by offset, ignoring the timestamp", 1000, []edit{{"internal/ledger/answered.go",
		"\tyes = ok && before == at || a.others[offsetTime{event.Offset, at}]\n", "\tyes = ok && before+at != 0\n",
	}}},
	{"covers extend beyond the call", 10, []edit{{"internal/ledger/covers.go",
		"event.Offset < c.end &&", "event.Offset < c.end+1000 &&",
	}}},

	{"two calls for one task in flight", 10, []edit{{"internal/retrier/schedule.go",
		"\tif t != nil {\n\t\tev.step(", "\tif t != nil && len(t.waiting) > 1000 {\n\t\tev.step(",
	}}},
	{"a state query after a crash covers nothing", 1000, []edit{{"internal/retrier/doubt.go",
		"\t\tp.extent = s.extent //", "\t\t_ = s.extent //",
	}}},
	{"the state of a query that was sent too early is believed", 30000, []edit{{"internal/retrier/doubt.go",
		"\tcase s.state == failed && s.sent.Before(p.clearAt):\n\t\tp.stepNotYet()\n\t\treturn",
		"\tcase s.state == failed && p.r.cfg.Clock.Now().Before(p.clearAt):\n\t\tp.stepNotYet()\n\t\treturn",
	}}},
	{"a state query needs a slot", 3000, []edit{{"internal/retrier/decide.go",
		"\tif p.doubt != none {\n", "\tif p.doubt != none && !p.r.schedule.takeSlot(p.t) {\n\t\treturn nil, pause{phase: ready}, nil\n\t}\n\tif p.doubt != none {\n",
	}}},
	{"a refused query fails all its tasks", 100, []edit{
		{"internal/retrier/status.go", "\tcase len(ids) > 1:\n", "\tcase len(ids) > perRequest:\n"},
		{"internal/retrier/status.go", "\t\tone := batch[0]\n\t\tone.refused(refusal)\n\t\tagain = b.answerSingle(one, stateRefused(refusal))\n",
			"\t\tfor _, one := range batch {\n\t\t\tone.answer(stateRefused(refusal))\n\t\t}\n"},
	}},
	{"a 502 counts as not executed", 300, []edit{{"mpcclient/classify.go",
		"case http.StatusRequestTimeout, ", "case http.StatusBadGateway, http.StatusRequestTimeout, ",
	}}},
	{"no ownership check before a call", 1000, []edit{{"internal/retrier/call.go",
		"\t\tif writable && p.ev.Lease.MayCall() {\n", "\t\tif writable {\n",
	}}},
	{"an answer covers only its event", 10, []edit{
		{"internal/retrier/answer.go", "\to.Covers = p.extent.covers\n", ""},
		{"internal/retrier/answer.go", "\tp.r.recent.add(p.t.id, p.extent.lastObservation, o)\n", ""},
	}},
	{"an exhausted task covers nothing", 1000, []edit{{"internal/retrier/decide.go",
		"\t\treturn p.answerAll(reason, p.last), pause{}, nil\n", "\t\treturn p.answerAlone(reason), pause{}, nil\n",
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
		"\t\tif !d.counts || d.expired || later {\n", "\t\tif d.expired || later {\n",
	}}},
	{"a success waits for no failure before it", 300, []edit{{"internal/retrier/retrier.go",
		"\tif ev.Failure.Succeeded && !r.schedule.has(ev.Failure.TaskID) {", "\tif ev.Failure.Succeeded {",
	}}},
	{"a recovery is committed before it is published", 1000, []edit{{"internal/app/recovered.go",
		"\te.Go(func() {\n", "\te.Done()\n\te.Go(func() {\n",
	}}},

	{"a new share starts without waiting", 1000, []edit{{"internal/pace/quota.go",
		"\tq.next = now.Add(time.Duration(min(first, float64(q.window)/headroom)))\n",
		"\tq.next = now.Add(time.Duration(min(first, float64(q.window)/headroom) * 0))\n",
	}}},
	{"a kept partition carries over", 3000, []edit{
		{"internal/pace/share.go", "\tgained := slices.DeleteFunc(slices.Clone(a.Partitions), func(p int) bool { return slices.Contains(kept, p) })\n", "\tgained := a.Partitions\n"},
		{"internal/pace/share.go", "\t\tfor _, owner := range a.ownersOf(p) {\n", "\t\tfor _, owner := range a.ownersOf(p) {\n\t\t\towner += fmt.Sprint(p)\n"},
	}},
	{"a partition that was given up carries over", 30000, []edit{{"internal/pace/quota.go",
		"min(float64(q.next.Sub(now))/float64(before), 1+a.carriedOver(kept, q.perWindow))", "float64(q.next.Sub(now))/float64(before)",
	}}},
	{"refusals above a limit change no rate", 1000, []edit{{"internal/pace/throttle.go",
		"\tcase quota <= 0 || sent.Before(t.lastDecrease):\n", "\tcase quota >= 0 || sent.Before(t.lastDecrease):\n",
	}}},
}
