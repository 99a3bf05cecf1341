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

// Rights are what the brokers let this client do with a topic or a group, known
// without trying it (KIP-430).
type Rights struct {
	Known       bool // brokers before 2.3, and some that are not Kafka, do not say
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

// Brokers lists the addresses that the brokers give to their clients
// (advertised.listeners), sorted.
func (l *Log) Brokers(ctx context.Context) ([]string, error) {
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

// TopicState is how a topic is doing. Of its partitions the worst counts.
type TopicState struct {
	Partitions, Replicas, InSync, Leaderless int
	Rights                                   Rights
}

// DescribeTopic describes one of the configured topics; consumer.ErrUnknownTopic
// if there is none.
func (l *Log) DescribeTopic(ctx context.Context, topic string) (TopicState, error) {
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

// impossibleTopic is no name of a topic.
const impossibleTopic = "?"

// topicRights asks the brokers. kafka-go answers from its memory, where nobody
// asked for rights, unless a topic may have to be created that it does not know:
// so it is asked for one that cannot be, beside one that exists.
func (l *Log) topicRights(ctx context.Context, topic string) (Rights, error) {
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

// Settings asks for a topic's settings by name; nil where this client may not
// (DESCRIBE_CONFIGS on the topic).
func (l *Log) Settings(ctx context.Context, topic string, names ...string) (map[string]string, error) {
	return l.settings(ctx, topic, names...)
}

// GroupState is how the group is doing.
type GroupState struct {
	// State is the brokers' word: Stable, Empty, Dead (there is none yet),
	// PreparingRebalance, CompletingRebalance; or NewProtocol.
	State string
	// Protocol is "consumer" for a group of consumers; empty where there is none.
	Protocol string
	// Clients are the client ids of the members.
	Clients []string
	Rights  Rights
}

// NewProtocol is the state of a group whose members speak the group protocol of
// KIP-848. Of these the brokers say to us that there is no such group.
const NewProtocol = "new protocol"

// ofNewProtocol tells whether the coordinator lists a group that it does not
// describe. Where it cannot be asked, it does not.
func (l *Log) ofNewProtocol(ctx context.Context) bool {
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
func (l *Log) DescribeGroup(ctx context.Context) (GroupState, error) {
	doing, right := "look up group "+l.cfg.GroupID, "READ on group "+l.cfg.GroupID
	var g describegroups.ResponseGroup
	err := untilCoordinated(ctx, func() (err error) {
		g, err = l.describeGroup(ctx, true)
		return err
	})
	switch {
	case errors.Is(err, kafka.GroupIdNotFound): // brokers differ in whether they say so
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

// Positions reads what the group has committed, without being a member; nothing
// of a group that there is not.
func (l *Log) Positions(ctx context.Context) (at map[int]consumer.Position, err error) {
	err = untilCoordinated(ctx, func() error {
		at, err = (&generation{log: l}).Committed(ctx)
		return err
	})
	if errors.Is(err, kafka.GroupIdNotFound) { // brokers differ in whether they say so
		return nil, nil
	}
	return at, err
}

// Who asks once must not be told of a coordinator that is being found, or is
// loading the group: brokers say so for seconds after the first use of a cluster,
// or after a move.
const (
	coordinatorWithin = 5 * time.Second
	coordinatorAgain  = 200 * time.Millisecond
)

func untilCoordinated(ctx context.Context, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, coordinatorWithin)
	defer cancel()
	for {
		err := ask()
		moving := errors.Is(err, kafka.GroupLoadInProgress) || errors.Is(err, kafka.GroupCoordinatorNotAvailable) || errors.Is(err, kafka.NotCoordinatorForGroup)
		if !moving {
			return err
		}
		if clock.System.Sleep(ctx, coordinatorAgain) != nil {
			return err
		}
	}
}
