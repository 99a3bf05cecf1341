package kafkalog

import (
	"context"
	"errors"
	"math"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/listgroups"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
)

// Rights are what the brokers allow this client to do with a topic or a group, known
// without trying it (KIP-430).
type Rights struct {
	Known       bool // brokers before 2.3, and some that are not Kafka, do not report them
	Read, Write bool
}

// Bits of the authorized operations, by the codes of Kafka's AclOperation.
const (
	opRead, opWrite = 1 << 3, 1 << 4
	rightsUnknown   = math.MinInt32
)

func rightsOf(bits int32) Rights {
	if bits == rightsUnknown || bits == 0 {
		return Rights{}
	}
	return Rights{Known: true, Read: bits&opRead != 0, Write: bits&opWrite != 0}
}

// Brokers returns the addresses that the brokers advertise to clients
// (advertised.listeners), sorted.
func (l *Client) Brokers(ctx context.Context) ([]string, error) {
	m, err := l.roundTrip(ctx, requestTimeout, &metadata.Request{})
	if err != nil {
		return nil, l.explain("ask for the brokers", "", err)
	}
	var addrs []string
	for _, b := range m.(*metadata.Response).Brokers {
		addrs = append(addrs, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))))
	}
	slices.Sort(addrs)
	return addrs, nil
}

// TopicState is the state of a topic.
type TopicState struct {
	Partitions int
	// Replicas and InSync (replicas) are those of the partition that has fewest.
	Replicas, InSync int
	Leaderless       int // partitions without a leader
	Rights           Rights
}

// DescribeTopic describes one of the configured topics. It fails with
// consumer.ErrUnknownTopic if the topic does not exist.
func (l *Client) DescribeTopic(ctx context.Context, topic string) (TopicState, error) {
	doing, right := "look up topic "+topic, "DESCRIBE on topic "+topic
	t, err := l.lookUp(ctx, topic)
	if err != nil {
		return TopicState{}, l.explain(doing, right, err)
	}
	s := TopicState{Partitions: len(t.Partitions), Replicas: math.MaxInt, InSync: math.MaxInt}
	for _, p := range t.Partitions {
		s.Replicas, s.InSync = min(s.Replicas, len(p.ReplicaNodes)), min(s.InSync, len(p.IsrNodes))
		if p.LeaderID < 0 {
			s.Leaderless++
		}
	}
	if s.Rights, err = l.topicRights(ctx, topic); err != nil {
		return s, l.explain(doing, right, err)
	}
	return s, nil
}

// impossibleTopic cannot be the name of a topic.
const impossibleTopic = "?"

// topicRights asks the brokers. kafka-go answers from its cache, which has no rights,
// unless the request names an unknown topic that may have to be created. So the request
// adds a name that cannot exist.
func (l *Client) topicRights(ctx context.Context, topic string) (Rights, error) {
	m, err := l.roundTrip(ctx, requestTimeout, &metadata.Request{
		TopicNames: []string{topic, impossibleTopic}, AllowAutoTopicCreation: true, IncludeTopicAuthorizedOperations: true,
	})
	if err != nil {
		return Rights{}, err
	}
	for _, t := range m.(*metadata.Response).Topics {
		if t.Name == topic {
			return rightsOf(t.TopicAuthorizedOperations), nil
		}
	}
	return Rights{}, nil
}

// GroupState is the state of the group.
type GroupState struct {
	// State is the brokers' term: Stable, Empty, Dead (does not exist), PreparingRebalance,
	// CompletingRebalance; or NewProtocol.
	State string
	// Protocol is "consumer" for a group of consumers; empty if the group does not exist.
	Protocol string
	// Clients are the client ids of the members.
	Clients []string
	Rights  Rights
}

// NewProtocol is the state of a group whose members use the group protocol of KIP-848. The
// brokers report such a group to us as missing.
const NewProtocol = "new protocol"

// ofNewProtocol reports whether the coordinator lists a group that it does not describe. It
// is false if the coordinator cannot be asked.
func (l *Client) ofNewProtocol(ctx context.Context) bool {
	coordinator, err := l.findCoordinator(ctx, requestTimeout)
	if err != nil {
		return false
	}
	m, _, err := l.call(ctx, coordinator, requestTimeout, new(listgroups.Request))
	if err != nil {
		return false
	}
	if g, err := l.describeGroup(ctx, false); err == nil && g.GroupState != "Dead" {
		return false
	}
	return slices.ContainsFunc(m.(*listgroups.Response).Groups, func(g listgroups.ResponseGroup) bool { return g.GroupID == l.cfg.GroupID })
}

// DescribeGroup describes the configured group.
func (l *Client) DescribeGroup(ctx context.Context) (GroupState, error) {
	doing, right := "look up group "+l.cfg.GroupID, "READ on group "+l.cfg.GroupID
	var g describegroups.ResponseGroup
	err := untilCoordinated(ctx, func() (err error) {
		g, err = l.describeGroup(ctx, true)
		return err
	})
	switch {
	case errors.Is(err, kafka.GroupIdNotFound): // brokers differ in whether they report it
		g.GroupState = "Dead"
	case err != nil:
		return GroupState{}, l.explain(doing, right, err)
	}
	if g.GroupState == "Dead" && l.ofNewProtocol(ctx) {
		return GroupState{State: NewProtocol, Protocol: "consumer"}, nil
	}
	s := GroupState{State: g.GroupState, Protocol: g.ProtocolType, Rights: rightsOf(g.AuthorizedOperations)}
	for _, member := range g.Members {
		s.Clients = append(s.Clients, member.ClientID)
	}
	slices.Sort(s.Clients)
	return s, nil
}

// Positions returns the group's commits, without being a member. A group that does not
// exist has none.
func (l *Client) Positions(ctx context.Context) (at map[int]consumer.Position, err error) {
	err = untilCoordinated(ctx, func() error {
		at, err = (&generation{client: l}).Committed(ctx)
		return err
	})
	if errors.Is(err, kafka.GroupIdNotFound) { // brokers differ in whether they report it
		return nil, nil
	}
	return at, err
}

// A single request must survive a coordinator that is being found or is loading the group:
// brokers say so for seconds after the first use of a cluster or after a move.
const (
	coordinatorTimeout = 5 * time.Second
	coordinatorRetry   = 200 * time.Millisecond
)

// untilCoordinated repeats a request while the coordinator is not ready.
func untilCoordinated(ctx context.Context, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, coordinatorTimeout)
	defer cancel()
	for {
		err := ask()
		moving := errors.Is(err, kafka.GroupLoadInProgress) || errors.Is(err, kafka.GroupCoordinatorNotAvailable) || errors.Is(err, kafka.NotCoordinatorForGroup)
		if !moving {
			return err
		}
		if clock.System.Sleep(ctx, coordinatorRetry) != nil {
			return err
		}
	}
}
