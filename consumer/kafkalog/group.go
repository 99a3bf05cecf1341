package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"remux-retrier/consumer"
)

const (
	// heartbeatInterval is how late a member may notice a rebalance: by its next
	// heartbeat, and every other member stands still until then. That wait sets
	// the interval, not the session time-out, of which a third would do: a rolling
	// restart costs two rebalances an instance, which a second each showed in the
	// answers' times. A heartbeat is some sixty bytes that the coordinator answers
	// from memory: seven a second and instance are nothing to it.
	heartbeatInterval = 150 * time.Millisecond
	// joinBackoff is kafka-go's pause between failed attempts to join.
	joinBackoff = time.Second
)

// ErrLeft is what Join gives after Leave.
var ErrLeft = errors.New("this member has left its group")

// Join waits for the next generation; the first call enters the group. Between
// failures kafka-go pauses for a second by itself, and keeps trying.
//
// Make sure first, with Partitions, that the topic exists: brokers with
// auto.create.topics.enable create it otherwise, because kafka-go's group leader
// asks for it in that way. Where it has gone since, and this member had to assign
// partitions of which there were none, the error is consumer.ErrUnknownTopic.
func (l *Log) Join(ctx context.Context) (consumer.Generation, error) {
	group, err := l.enter()
	if err != nil {
		return nil, fmt.Errorf("join group %s: %w", l.cfg.GroupID, err)
	}
	next, err := group.Next(ctx)
	if errors.Is(err, kafka.ErrGroupClosed) {
		err = ErrLeft
	}
	switch {
	case err == nil:
	case errors.Is(err, kafka.Unknown) && l.ofNewProtocol(ctx):
		err = errNewProtocol
	case strings.HasPrefix(err.Error(), unreadableMember):
		err = otherProgram(err)
	}
	if err != nil {
		return nil, l.explain("join group "+l.cfg.GroupID, l.groupRight(), err)
	}
	g := newGeneration(l, next)
	l.mu.Lock()
	l.current = g
	leaving := l.left != nil
	l.mu.Unlock()
	if g.leads && g.of == 0 {
		g.Release()
		return nil, l.explain("join group "+l.cfg.GroupID, l.groupRight(), kafka.UnknownTopicOrPartition)
	}
	if leaving {
		// Leave came between Next and here and could not see this generation,
		// for whose release it waits.
		g.Release()
		return nil, fmt.Errorf("join group %s: %w", l.cfg.GroupID, ErrLeft)
	}
	return g, nil
}

// Members that this service cannot share a group with.
var (
	errNewProtocol  = errors.New("it has members of the new group protocol (group.protocol=consumer), which this service cannot join: stop them first, or choose another KAFKA_GROUP_ID")
	errOtherProgram = errors.New("is of another program, and this service cannot assign partitions to it: stop it first, or choose another KAFKA_GROUP_ID")
)

// unreadableMember begins what kafka-go says of a member whose subscription it
// cannot read, as it cannot that of Java's clients. The member's id follows, and
// then the cause, which is missing.
const unreadableMember = "unable to read metadata for member, "

func otherProgram(err error) error {
	member, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), unreadableMember), ":")
	return fmt.Errorf("its member %s %w", member, errOtherProgram)
}

// enter gives the group, started at the first call.
func (l *Log) enter() (*kafka.ConsumerGroup, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left != nil || l.closed.Err() != nil {
		return nil, ErrLeft
	}
	if l.group != nil {
		return l.group, nil
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:             l.cfg.GroupID,
		Brokers:        l.cfg.Brokers,
		Dialer:         l.dialer,
		Topics:         []string{l.cfg.Topic},
		GroupBalancers: l.balancers(),
		// Two in a row may be lost, whatever the session.
		HeartbeatInterval: min(heartbeatInterval, l.cfg.SessionTimeout/3),
		SessionTimeout:    l.cfg.SessionTimeout,
		RebalanceTimeout:  l.cfg.RebalanceTimeout,
		JoinGroupBackoff:  joinBackoff,
		// A broker that does not answer for a while still has its members, until
		// their sessions end.
		Timeout: l.cfg.SessionTimeout,
		// WatchPartitionChanges stays off: it rejoins in a tight loop while the
		// topic is missing. The consumer watches, with Partitions.
		Logger: kafka.LoggerFunc(func(format string, args ...any) { l.cfg.Debugf(format, args...) }),
	})
	if err != nil {
		return nil, err
	}
	l.group = group
	return group, nil
}

// balancers are kafka-go's own defaults, watched.
func (l *Log) balancers() []kafka.GroupBalancer {
	return []kafka.GroupBalancer{
		watchedBalancer{kafka.RangeGroupBalancer{}, l},
		watchedBalancer{kafka.RoundRobinGroupBalancer{}, l},
	}
}

// notLeading is Log.shared until this member has shared out partitions.
const notLeading = -1

// watchedBalancer notes how many of the consumed topic's partitions this member
// shares out as the group's leader. To kafka-go a topic that is missing at that
// moment is no error, and what is added right after it is nothing: the group would
// then own too little for as long as it lasts.
//
// It also sees that a commit without an answer is left behind in a former
// generation, see UserData.
type watchedBalancer struct {
	kafka.GroupBalancer
	log *Log
}

// UserData goes with a JoinGroup. A member that does not lead a stable group, and
// joins it as it did before, is let into the very generation that it had, in which
// such a commit may still be stored. What differs from the last time has the
// coordinator begin a new one.
func (b watchedBalancer) UserData() ([]byte, error) {
	b.log.shared.Store(notLeading) // until AssignGroups, which may follow this join
	return strconv.AppendInt(nil, b.log.unanswered.Load(), 10), nil
}

func (b watchedBalancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	of := 0
	for _, p := range partitions {
		if p.Topic == b.log.cfg.Topic { // members of another mind may have added theirs
			of++
		}
	}
	b.log.shared.Store(int64(of))
	return b.GroupBalancer.AssignGroups(members, partitions)
}

// Leave tells the group. Only where this member has never been in a generation
// may that take longer than the request: kafka-go cannot be interrupted while it
// waits for the other members of a rebalance. Where ctx ends first, the wait goes
// on until Close.
func (l *Log) Leave(ctx context.Context) error {
	l.mu.Lock()
	left, group, current := l.left, l.group, l.current
	if left == nil {
		left = make(chan struct{})
		l.left = left
		go func() {
			if group != nil {
				_ = group.Close() // always nil
			}
			close(left)
		}()
	}
	l.mu.Unlock()
	if current != nil {
		// kafka-go leaves only between two generations. A generation that is
		// released now may look to it like one that ended in a rebalance: then it
		// would join again first, and wait until every other member has finished
		// its calls. A member that the group no longer knows cannot. If this
		// fails, kafka-go's own way is left.
		removed, _ := l.remove(ctx, current.gen.MemberID)
		current.Release()
		if removed {
			// Where it has begun to join again, it may wait for assignments: a
			// coordinator never answers the SyncGroup of a member that is gone by then.
			l.endMember()
		}
	}
	select {
	case <-left:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("leave group %s: %w", l.cfg.GroupID, ctx.Err())
	}
}

func (l *Log) groupRight() string {
	return fmt.Sprintf("READ on group %s and on topic %s", l.cfg.GroupID, l.cfg.Topic)
}

// generation is one generation of kafka-go's, kept open until it is released:
// kafka-go rejoins only once the function it was given has returned.
type generation struct {
	log      *Log
	gen      *kafka.Generation
	assigned []int
	of       int // partitions were shared out, by this member if it leads
	leads    bool
	ended    chan struct{}
	released chan struct{}
	release  sync.Once
}

func newGeneration(l *Log, gen *kafka.Generation) *generation {
	g := &generation{log: l, gen: gen, ended: make(chan struct{}), released: make(chan struct{})}
	if of := l.shared.Load(); of != notLeading {
		g.of, g.leads = int(of), true
	}
	for _, p := range gen.Assignments[l.cfg.Topic] {
		g.assigned = append(g.assigned, p.ID)
	}
	slices.Sort(g.assigned)
	gen.Start(func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-g.released:
		}
		close(g.ended)
		<-g.released
	})
	return g
}

func (g *generation) ID() int                { return int(g.gen.ID) }
func (g *generation) Assigned() []int        { return slices.Clone(g.assigned) }
func (g *generation) Leads() (int, bool)     { return g.of, g.leads }
func (g *generation) Ended() <-chan struct{} { return g.ended }
func (g *generation) Release()               { g.release.Do(func() { close(g.released) }) }
