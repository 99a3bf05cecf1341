package kafkalog

import "testing"

func TestRightsAreTheBrokersBits(t *testing.T) {
	for bits, want := range map[int32]Rights{
		-1 << 31:      {},
		0:             {},
		1 << 8:        {Known: true},
		1<<3 | 1<<8:   {Known: true, Read: true},
		1<<4 | 1<<8:   {Known: true, Write: true},
		1<<3 | 1<<4:   {Known: true, Read: true, Write: true},
		1<<12 | 1<<10: {Known: true},
	} {
		if got := rightsOf(bits); got != want {
			t.Errorf("%b: %+v, want %+v", bits, got, want)
		}
	}
}
