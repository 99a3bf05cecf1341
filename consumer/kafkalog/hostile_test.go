package kafkalog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer"
)

// batchWith is a batch of one record, changed, with the checksum of what it is.
func batchWith(t testing.TB, change func(batch []byte)) []byte {
	b := stored(t, []byte("value"))[4:]
	change(b)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func records(n int32) func([]byte) {
	return func(b []byte) { binary.BigEndian.PutUint32(b[57:], uint32(n)) }
}

// What a broker answers for partition 0 must not end the process, and not keep
// partition 1 from being read.
func TestHostileAnswersAreAnErrorOfTheirPartitionAlone(t *testing.T) {
	good := batchWith(t, func([]byte) {})
	for hazard, answer := range map[string]func(*kmsg.FetchResponseTopicPartition){
		"no last stable offset":       func(p *kmsg.FetchResponseTopicPartition) { p.LastStableOffset = -1 },
		"no last stable offset, data": func(p *kmsg.FetchResponseTopicPartition) { p.LastStableOffset, p.RecordBatches = -1, good },
		"shorter than a batch":        func(p *kmsg.FetchResponseTopicPartition) { p.RecordBatches = good[:7] },
		"a checksum of something else": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = append(bytes.Clone(good[:len(good)-1]), 'x')
		},
		"fewer than no records": func(p *kmsg.FetchResponseTopicPartition) { p.RecordBatches = batchWith(t, records(-1)) },
		"an unknown format": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(t, func(b []byte) { b[16] = 9 })
		},
		"an unknown compression": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(t, func(b []byte) { b[22] = 7 })
		},
		"compressed rubbish": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(t, func(b []byte) { b[22] = 4 })
		},
		"an offset below nought": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(t, func(b []byte) { b[0] = 0xff })
		},
		"an offset far beyond the end": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(t, func(b []byte) { b[1] = 1 })
		},
		"a marker that is none": func(p *kmsg.FetchResponseTopicPartition) {
			p.RecordBatches = batchWith(t, func(b []byte) { b[22] = 0x20 })
		},
		"another partition": func(p *kmsg.FetchResponseTopicPartition) { p.Partition = 7 },
	} {
		t.Run(hazard, func(t *testing.T) {
			c := fakeKafka(t)
			l := member(t, c.ListenAddrs())
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
			together(t, l)
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

func FuzzPage(f *testing.F) {
	f.Add(batchWith(f, func([]byte) {}), int64(0))
	f.Add(batchWith(f, func(b []byte) { b[22] = 0x20 }), int64(0))
	f.Add(batchWith(f, func(b []byte) { b[22] = 4 }), int64(3))
	f.Add(append(batchWith(f, func([]byte) {}), batchWith(f, func(b []byte) { b[7] = 9 })...), int64(1))
	f.Fuzz(func(t *testing.T, batches []byte, from int64) {
		if len(batches) < 61 || binary.BigEndian.Uint32(batches[57:]) > 1<<16 {
			return // kafka-go makes a list of as many records as there are said to be
		}
		answer := fetch.ResponsePartition{LastStableOffset: 1 << 40, HighWatermark: 1 << 40}
		func() {
			defer func() { _ = recover() }() // see exchange
			set := binary.BigEndian.AppendUint32(nil, uint32(len(batches)))
			_, _ = answer.RecordSet.ReadFrom(bytes.NewBuffer(append(set, batches...)))
		}()
		page, err := decodePage("t", 0, from, &answer)
		if err != nil {
			return
		}
		at := from
		for _, r := range page.Records {
			if r.Offset < at {
				t.Fatalf("offset %d after %d", r.Offset, at)
			}
			at = r.Offset + 1
		}
		if page.Next < at || page.End < page.Next {
			t.Fatalf("next %d and end %d after offset %d", page.Next, page.End, at-1)
		}
	})
}
