package kafkalog_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"remux-retrier/consumer"
)

// transactional returns a batch of one record in a transaction of producer 1.
func transactional(offset byte) []byte {
	return batchWith(func(b []byte) {
		b[7] = offset
		b[22] = 0x10
		copy(b[43:51], []byte{0, 0, 0, 0, 0, 0, 0, 1})
	})
}

// at returns a batch of one record without a transaction.
func at(offset byte) []byte { return batchWith(func(b []byte) { b[7] = offset }) }

func TestEveryVersionsAnswerIsRead(t *testing.T) {
	for version := int16(4); version <= 11; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			versions := kversion.Stable()
			versions.SetMaxKeyVersion(int16(kmsg.Fetch), version)
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, consumed, produced), kfake.MaxVersions(versions))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			l := member(t, c.ListenAddrs())
			together(t, c, l)
			c.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
				if req.GetVersion() != version {
					t.Errorf("asked with version %d", req.GetVersion())
				}
				res := req.ResponseKind().(*kmsg.FetchResponse)
				for _, name := range []string{consumed, "not asked for"} {
					topic := kmsg.NewFetchResponseTopic()
					topic.Topic = name
					for id := range int32(3) {
						p := kmsg.NewFetchResponseTopicPartition()
						p.Partition, p.HighWatermark, p.LastStableOffset, p.PreferredReadReplica = id, 9, 8, -1
						switch id {
						case 0:
							p.RecordBatches = append(transactional(5), at(6)...)
							aborted := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
							aborted.ProducerID, aborted.FirstOffset = 1, 5
							p.AbortedTransactions = append(p.AbortedTransactions, aborted)
						case 1:
							p.ErrorCode = 3
						case 2:
							p.RecordBatches = at(7)
						}
						topic.Partitions = append(topic.Partitions, p)
					}
					res.Topics = append(res.Topics, topic)
				}
				return res, nil, true
			})
			type answer struct {
				page consumer.Page
				err  error
			}
			fetch := func(topic string, partition int) <-chan answer {
				answered := make(chan answer, 1)
				go func() {
					page, err := l.Fetch(soon(t), topic, partition, 5, 1<<20)
					answered <- answer{page, err}
				}()
				return answered
			}
			read, unknown, behind, silent := fetch(consumed, 0), fetch(consumed, 1), fetch(consumed, 2), fetch(produced, 0)
			if a := <-read; a.err != nil || len(a.page.Records) != 1 || a.page.Records[0].Offset != 6 || a.page.Next != 7 || a.page.End != 8 {
				t.Errorf("behind an aborted record: %+v", a)
			}
			if a := <-unknown; !errors.Is(a.err, consumer.ErrUnknownTopic) {
				t.Errorf("with an error: %+v", a)
			}
			if a := <-behind; a.err != nil || len(a.page.Records) != 1 || a.page.Records[0].Offset != 7 {
				t.Errorf("behind one with an error: %+v", a)
			}
			// The partition is not in the answer, so it must be fetched again.
			if a := <-silent; a.err == nil {
				t.Errorf("a partition that is left out: %+v", a)
			}
		})
	}
}
