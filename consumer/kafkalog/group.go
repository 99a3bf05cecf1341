package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"remux-retrier/consumer"
)

const (
	// heartbeatInterval (heartbeat.interval.ms) is how late a member may notice a
	// rebalance; every other member waits until then. So it is far below the third of the
	// session timeout that would be enough otherwise: a rolling restart costs two
	// rebalances per instance, and a second each is visible in answer times. A heartbeat
	// is about sixty bytes and answered from memory: five per second and instance cost the
	// coordinator nothing, and this process about 0.3 % of a core.
	heartbeatInterval = 200 * time.Millisecond
	// joinBackoff is kafka-go's pause between failed attempts to join.
	joinBackoff = time.Second
)

// membership is a Client's place in its consumer group.
type membership struct {
	dialer *kafka.Dialer // of the group's connections
	// member ends when this member was removed from its group, and with it the group's
	// connections.
	member    context.Context
	endMember context.CancelFunc

	coordinator atomic.Int32 // of the group, or unknownBroker
	leading     atomic.Int64 // partitions assigned as leader, see watchedBalancer
	unanswered  atomic.Int64 // commits without an answer, see watchedBalancer

	mu      sync.Mutex // of the rest; never held while waiting
	group   *kafka.ConsumerGroup
	current *generation
	left    chan struct{} // closed when the group knows; nil before Leave
}

// ErrLeft is the error of Join after Leave.
var ErrLeft = errors.New("this member has left its group")

// Join waits for the next generation. The first call joins the group. After a failure
// kafka-go pauses for a second and keeps trying.
//
// Check with Partitions first that the topic exists. Otherwise brokers with
// auto.create.topics.enable create it, because of the way kafka-go's group leader asks for
// it. If the topic has been deleted since, and this member as the leader had no partitions
// to assign, the error is consumer.ErrUnknownTopic.
func (l *Client) Join(ctx context.Context) (consumer.Generation, error) {
	group, err := l.startGroup()
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
	if g.leads && g.partitionCount == 0 {
		g.Release()
		return nil, l.explain("join group "+l.cfg.GroupID, l.groupRight(), kafka.UnknownTopicOrPartition)
	}
	if leaving {
		// Leave was called between Next and here. It could not see this generation, and
		// waits for its release.
		g.Release()
		return nil, fmt.Errorf("join group %s: %w", l.cfg.GroupID, ErrLeft)
	}
	return g, nil
}

// Members that cannot share a group with this service.
var (
	errNewProtocol  = errors.New("it has members of the new group protocol (group.protocol=consumer), which this service does not support: stop them first, or choose another KAFKA_GROUP_ID")
	errOtherProgram = errors.New("belongs to another program, and this service cannot assign partitions to it: stop it first, or choose another KAFKA_GROUP_ID")
)

// unreadableMember is the start of kafka-go's error about a member whose subscription it
// cannot read, such as a Java client's. The member's id follows, then the cause, which is
// missing.
const unreadableMember = "unable to read metadata for member, "

func otherProgram(err error) error {
	member, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), unreadableMember), ":")
	return fmt.Errorf("its member %s %w", member, errOtherProgram)
}

// startGroup returns the group; the first call starts it.
func (l *Client) startGroup() (*kafka.ConsumerGroup, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left != nil || l.closed.Err() != nil {
		return nil, ErrLeft
	}
	if l.group != nil {
		return l.group, nil
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:      l.cfg.GroupID,
		Brokers: l.cfg.Brokers,
		Dialer:  l.dialer,
		Topics:  []string{l.cfg.Topic},
		GroupBalancers: []kafka.GroupBalancer{ // kafka-go's defaults
			watchedBalancer{kafka.RangeGroupBalancer{}, l},
			watchedBalancer{kafka.RoundRobinGroupBalancer{}, l},
		},
		// Two heartbeats in a row may be lost, whatever the session timeout.
		HeartbeatInterval: min(heartbeatInterval, l.cfg.SessionTimeout/3),
		SessionTimeout:    l.cfg.SessionTimeout,
		RebalanceTimeout:  l.cfg.RebalanceTimeout,
		JoinGroupBackoff:  joinBackoff,
		// A broker that does not answer for a while keeps its members until their sessions
		// end.
		Timeout: l.cfg.SessionTimeout,
		// WatchPartitionChanges stays off: it rejoins in a tight loop while the topic is
		// missing. The consumer watches the count itself, with Partitions.
		Logger: kafka.LoggerFunc(func(format string, args ...any) { l.cfg.Debugf(format, args...) }),
	})
	if err != nil {
		return nil, err
	}
	l.group = group
	return group, nil
}

// notLeading is the value of Client.leading until this member has assigned partitions.
const notLeading = -1

// watchedBalancer notes how many partitions of the consumed topic this member assigns as
// the group's leader. kafka-go treats a topic that is missing at that moment as no error,
// and ignores partitions added right after it: the group would then own too few for as long
// as it lasts.
//
// It also makes sure that a commit without an answer stays in a former generation, see
// UserData.
type watchedBalancer struct {
	kafka.GroupBalancer
	client *Client
}

// UserData is sent with a JoinGroup. A member that does not lead a stable group, and joins
// it with unchanged data, gets the same generation again, in which such a commit may still
// be stored. Changed data makes the coordinator start a new generation.
func (b watchedBalancer) UserData() ([]byte, error) {
	b.client.leading.Store(notLeading) // until AssignGroups, which may follow this join
	return strconv.AppendInt(nil, b.client.unanswered.Load(), 10), nil
}

func (b watchedBalancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	of := 0
	for _, p := range partitions {
		if p.Topic == b.client.cfg.Topic { // other members may have subscribed to other topics
			of++
		}
	}
	b.client.leading.Store(int64(of))
	return b.GroupBalancer.AssignGroups(members, partitions)
}

// Leave leaves the group. It takes longer than one request only if this member has never
// had a generation: kafka-go cannot be interrupted while it waits for the other members of
// a rebalance. If ctx ends first, that wait continues until Close.
func (l *Client) Leave(ctx context.Context) error {
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
		// kafka-go leaves only between two generations. A generation released now may look
		// to it as if a rebalance ended it: then it would join again first, and wait until
		// every other member has finished its calls. It cannot do so for a member that the
		// group no longer knows. If removing the member fails, kafka-go's own way remains.
		removed, _ := l.remove(ctx, current.gen.MemberID)
		current.Release()
		if removed {
			// If kafka-go has started to join again, it may wait for assignments: a
			// coordinator never answers the SyncGroup of a member that was removed
			// meanwhile.
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

func (l *Client) groupRight() string {
	return fmt.Sprintf("READ on group %s and on topic %s", l.cfg.GroupID, l.cfg.Topic)
}

// generation is a kafka-go generation, kept open until it is released: kafka-go rejoins
// only after the function it was given returns.
type generation struct {
	client         *Client
	gen            *kafka.Generation
	assigned       []int
	partitionCount int // at the assignment, if this member leads
	leads          bool
	ended          chan struct{}
	released       chan struct{}
	release        sync.Once
}

func newGeneration(l *Client, gen *kafka.Generation) *generation {
	g := &generation{client: l, gen: gen, ended: make(chan struct{}), released: make(chan struct{})}
	if count := l.leading.Load(); count != notLeading {
		g.partitionCount, g.leads = int(count), true
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
func (g *generation) Leads() (int, bool)     { return g.partitionCount, g.leads }
func (g *generation) Ended() <-chan struct{} { return g.ended }
func (g *generation) Release()               { g.release.Do(func() { close(g.released) }) }
