package page

import (
	"context"

	"remux-retrier/internal/history"
)

// find gathers what is known of a task.
func (p *Page) find(ctx context.Context, id string, withTopics bool) Task {
	status := *p.present.Load()
	t := Task{TaskID: id, Instance: status.Instance}
	var read *history.History
	if withTopics {
		ctx, cancel := context.WithTimeout(ctx, topicsWithin)
		defer cancel()
		select {
		case p.reading <- struct{}{}:
			read, t.TopicsProblem = p.topics(ctx, id)
			t.Owner = p.owner(ctx, id, read)
			<-p.reading
		default:
			t.TopicsProblem = "busy: the topics are being read for others; ask again in a few seconds"
		}
		if read != nil {
			t.Topics = topics(*read)
		}
	}
	// After the topics, which take a while: the stories are the younger.
	stories := p.cfg.Source.Stories(id)
	t.Stories = told(stories)
	t.Verdict = evidence{p.cfg.Clock.Now(), status, stories, read, t.Owner}.verdict()
	return t
}

// topics reads what the topics know, as far as that is soon done; nil: nothing
// was read, for the reason given.
func (p *Page) topics(ctx context.Context, id string) (*history.History, string) {
	h, err := p.cfg.Source.Topics(ctx, id)
	switch {
	case err == nil:
		return &h, ""
	case ctx.Err() != nil:
		return &h, "the topics are long: only a part of them was read in the time there is; the command explain reads them whole"
	}
	return nil, "the topics cannot be read: " + err.Error()
}

// owner finds who owns the partition of the task's latest failure event; where
// none is known, of the one it would be in. It is no help without an answer.
func (p *Page) owner(ctx context.Context, id string, h *history.History) *Owner {
	partition := -1
	if h != nil {
		for _, e := range h.Entries {
			if e.Failure != nil {
				partition = e.Partition
			}
		}
	}
	if partition < 0 {
		home, err := p.cfg.Source.Home(ctx, id)
		if err != nil {
			return nil
		}
		partition = home
	}
	for _, own := range p.present.Load().Partitions {
		if own.Partition == partition {
			return &Owner{partition, p.present.Load().Instance, true}
		}
	}
	name, err := p.cfg.Source.Owner(ctx, partition)
	if err != nil {
		return nil
	}
	return &Owner{Partition: partition, Instance: name}
}
