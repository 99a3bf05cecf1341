package consumer

import (
	"testing"
	"time"
)

// The last commit of the former log may be stored and its answer lost: its text is the same
// except for a later time.
func TestACommitOfTheFormerLogIsStaleWhateverItsTime(t *testing.T) {
	at := func(offset int64, m CommitMetadata) Position { return Position{offset, m.Encode(offset)} }
	early, late := time.UnixMilli(1e12), time.UnixMilli(1e12+1000)
	c := &Consumer{stale: map[int]Position{3: at(7, CommitMetadata{Called: 9, Since: early})}}
	for name, p := range map[string]struct {
		id   int
		at   Position
		want bool
	}{
		"the same":             {3, at(7, CommitMetadata{Called: 9, Since: early}), true},
		"the same, later":      {3, at(7, CommitMetadata{Called: 9, Since: late}), true},
		"the same, unknown":    {3, at(7, CommitMetadata{Called: 9}), true},
		"of another partition": {2, at(7, CommitMetadata{Called: 9, Since: early}), false},
		"at another offset":    {3, at(8, CommitMetadata{Called: 9, Since: early}), false},
		"with other calls":     {3, at(7, CommitMetadata{Called: 8, Since: early}), false},
		"by hand, there":       {3, Position{Offset: 7, Metadata: "by hand"}, false},
	} {
		if got := c.isStale(p.id, p.at); got != p.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
