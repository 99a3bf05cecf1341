package page

import (
	"context"
	"errors"
	"slices"

	"remux-retrier/internal/history"
	"remux-retrier/internal/story"
)

// find collects what is known about a task.
func (p *Page) find(ctx context.Context, id string, withTopics bool) Task {
	known := found{state: TopicsNotAsked}
	if withTopics {
		known = p.readings.ask(ctx, id, func(ctx context.Context) found { return p.read(ctx, id) })
	}
	// Stories are read after the topics, so that they are not older.
	status, stories := *p.present.Load(), p.cfg.Source.Stories(id)
	t := Task{TaskID: id, Instance: status.Instance, Owner: known.owner, TopicsState: known.state, TopicsProblem: known.problem}
	if known.topics != nil {
		t.Topics = topics(*known.topics)
	}
	shown := shownStories(stories)
	t.Stories, t.StoriesLeftOut = eventStories(shown), len(stories)-len(shown)
	t.Verdict = evidence{p.cfg.Clock.Now(), status, stories, known.topics, t.Owner}.verdict()
	if !slices.ContainsFunc(stories, func(s story.Story) bool { return !s.Finished }) {
		t.Verdict = t.asFarAsRead(t.Verdict)
	}
	return t
}

// read reads what the topics contain about a task, within a time limit.
func (p *Page) read(ctx context.Context, id string) found {
	var f found
	f.topics, f.state, f.problem = p.topics(ctx, id)
	ctx, cancel := context.WithTimeout(ctx, ownerTimeout)
	defer cancel()
	f.owner = p.owner(ctx, id, f.topics)
	return f
}

func (p *Page) topics(ctx context.Context, id string) (h *history.History, state, problem string) {
	ctx, cancel := context.WithTimeout(ctx, topicsTimeout)
	defer cancel()
	read, err := p.cfg.Source.Topics(ctx, id)
	switch {
	case err == nil && read.Complete && len(read.NotRead) > 0:
		return &read, TopicsPart, read.NotRead[0].String()
	case err == nil && read.Complete:
		return &read, TopicsRead, ""
	case errors.Is(err, history.ErrNoAnswer) && read.Read == 0:
		return nil, TopicsSilent, err.Error()
	case errors.Is(err, history.ErrNoAnswer):
		return &read, TopicsSilent, "only a part of the topics was read: " + err.Error()
	case err == nil || ctx.Err() != nil:
		return &read, TopicsPart, "only a part of the topics was read in time; the command explain reads all of them"
	}
	return nil, TopicsFailed, err.Error()
}

// maxStories bounds the stories shown for a task, which may have thousands. The oldest
// oldestOpen of the unfinished stories are always shown: the other unfinished ones wait for
// them.
const (
	maxStories = 50
	oldestOpen = 10
)

// shownStories leaves out the oldest finished stories, and then unfinished ones from the
// middle.
func shownStories(stories []story.Story) []story.Story {
	open, first := 0, oldestOpen
	for _, s := range stories {
		if !s.Finished {
			open++
		}
	}
	excess := max(0, len(stories)-maxStories)
	excessFinished := min(excess, len(stories)-open)
	excessOpen := excess - excessFinished
	kept := make([]story.Story, 0, maxStories)
	for _, s := range stories {
		switch {
		case s.Finished && excessFinished > 0:
			excessFinished--
			continue
		case !s.Finished && first > 0:
			first--
		case !s.Finished && excessOpen > 0:
			excessOpen--
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

// owner returns the owner of the partition that has the task's event; nil: unknown.
func (p *Page) owner(ctx context.Context, id string, h *history.History) *Owner {
	partition, known := partitionOf(p.cfg.Source.Stories(id), h)
	if !known {
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

// partitionOf returns the partition of the record that the verdict is about, if known: of
// an event that is being answered here; else of one without an answer in the topics; else
// of the latest one in the topics; else of the latest event here. Producers need not key by
// the id, so it need not be the id's own partition.
func partitionOf(stories []story.Story, h *history.History) (partition int, known bool) {
	for _, s := range slices.Backward(stories) {
		if !s.Finished {
			return s.Source.Partition, true
		}
	}
	if h != nil {
		open := -1
		for _, e := range h.Entries {
			switch {
			case e.Failure != nil:
				partition, known = e.Partition, true
				if open = -1; !e.Failure.Answered {
					open = e.Partition
				}
			case e.Outcome != nil:
				partition, known = e.Outcome.Partition, true
			case e.DeadLetter != nil && e.DeadLetter.Keyed:
				partition, known = e.DeadLetter.Partition, true
			}
		}
		if open >= 0 {
			return open, true
		}
	}
	if !known && len(stories) > 0 {
		return stories[len(stories)-1].Source.Partition, true
	}
	return partition, known
}
