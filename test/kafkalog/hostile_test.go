package kafkalog_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer"
)

// stored returns a batch of one record.
func stored(value []byte) []byte {
	r := kmsg.Record{Value: value}
	body := r.AppendTo(nil)[1:] // without the length, which is one byte while it is 0
	record := append(binary.AppendVarint(nil, int64(len(body))), body...)
	k := kmsg.RecordBatch{
		Length: int32(49 + len(record)), PartitionLeaderEpoch: -1, Magic: 2,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 1, Records: record,
	}
	return sealed(k.AppendTo(nil))
}

// sealed sets a batch's checksum.
func sealed(raw []byte) []byte {
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// batchWith returns a batch of one record, changed, with a correct checksum.
func batchWith(change func(batch []byte)) []byte {
	b := stored([]byte("value"))
	change(b)
	return sealed(b)
}

func records(n int32) func([]byte) {
	return func(b []byte) { binary.BigEndian.PutUint32(b[57:], uint32(n)) }
}

// A bad answer for partition 0 must not end the process, and partition 1 must still be
// read.
func TestHostileAnswersAreAnErrorOfTheirPartitionAlone(t *testing.T) {
	good := batchWith(func([]byte) {})
	for hazard, answer := range map[string]func(*kmsg.FetchResponseTopicPartition){
		"no last stable offset":       func(p *kmsg.FetchResponseTopicPartition) { p.LastStableOffset = -1 },
		"no last stable offset, data": func(p *kmsg.FetchResponseTopicPartition) { p.LastStableOffset, p.RecordBatches = -1, good },
		"shorter than a batch":        func(p *kmsg.FetchResponseTopicPartition) { p.RecordBatches = good[:7] },
		"a checksum of something else": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = append(bytes.Clone(good[:len(good)-1]), 'x')
		},
		"fewer than no records": func(p *kmsg.FetchResponseTopicPartition) { p.RecordBatches = batchWith(records(-1)) },
		"an unknown format": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(func(b []byte) { b[16] = 9 })
		},
		"an unknown compression": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(func(b []byte) { b[22] = 7 })
		},
		"compressed rubbish": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(func(b []byte) { b[22] = 4 })
		},
		"a negative offset": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(func(b []byte) { b[0] = 0xff })
		},
		"an offset far beyond the end": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(func(b []byte) { b[1] = 1 })
		},
		"an invalid marker": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(func(b []byte) { b[22] = 0x20 })
		},
		"another partition": func(p *kmsg.FetchResponseTopicPartition) { p.Partition = 7 },
	} {
		t.Run(hazard, func(t *testing.T) {
			c := fakeKafka(t)
			l := member(t, c.ListenAddrs())
			together(t, c, l)
			c.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				asked := req.(*kmsg.FetchRequest)
				res := asked.ResponseKind().(*kmsg.FetchResponse)
				for _, at := range asked.Topics {
					t := kmsg.NewFetchResponseTopic()
					t.Topic = at.Topic
					for _, ap := range at.Partitions {
						p := kmsg.NewFetchResponseTopicPartition()
						p.Partition, p.HighWatermark, p.LastStableOffset = ap.Partition, 1, 1
						if ap.Partition == 0 {
							answer(&p)
						} else {
							p.RecordBatches = good
						}
						t.Partitions = append(t.Partitions, p)
					}
					res.Topics = append(res.Topics, t)
				}
				return res, nil, true
			})
			type result struct {
				page consumer.Page
				err  error
			}
			results := make([]chan result, 2)
			for p := range results {
				results[p] = make(chan result, 1)
				go func() {
					page, err := l.Fetch(soon(t), consumed, p, 0, 1<<20)
					results[p] <- result{page, err}
				}()
			}
			if r := <-results[0]; r.err == nil || errors.Is(r.err, consumer.ErrUnknownTopic) || errors.Is(r.err, consumer.ErrOffsetOutOfRange) {
				t.Errorf("partition 0: %+v, %v; want an error that passes", r.page, r.err)
			} else {
				t.Log(r.err)
			}
			if r := <-results[1]; r.err != nil || len(r.page.Records) != 1 {
				t.Errorf("partition 1: %+v, %v; want its record", r.page, r.err)
			}
		})
	}
}
