package consumer

// firstBytes is what a reader asks for before it knows how its log unpacks.
const firstBytes = 1 << 10

// recordBytes is what holding a record costs beside its bytes, about; on the
// wire a record has a frame of that size, too.
const recordBytes = 128

// headerBytes is what a header costs beside its bytes.
const headerBytes = 40

// FetchSizer decides how many bytes a reader asks for at once. A fetch is bounded
// by bytes as they are stored, what is held is unpacked, and between the two may
// stand a factor of thousands: repetitive events of one batch compress that
// well. So a reader begins small and asks for more only after a page that was
// full and unpacked to less than it may hold.
//
// It only spares fetching what a page has no room for: what a page holds unpacked
// is bounded by the Log itself.
type FetchSizer struct{ next, most int }

// NewFetchSizer is that of a reader who may hold pages of about most bytes.
func NewFetchSizer(most int) FetchSizer { return FetchSizer{next: min(firstBytes, most), most: most} }

// Next is how many bytes to ask for next.
func (f *FetchSizer) Next() int { return f.next }

// Observe takes note of how large the last page was, unpacked, and whether it
// moved on.
func (f *FetchSizer) Observe(page Page, movedOn bool) {
	unpacked := 0
	for i := range page.Records {
		unpacked += page.Records[i].size() + recordBytes
	}
	if unpacked == 0 && movedOn {
		unpacked = f.next // full of records that were aborted or compacted away
	}
	switch {
	case unpacked > f.most:
		f.next = max(1, f.next*f.most/unpacked)
	case unpacked >= f.next/2: // a smaller page was not limited by what was asked for
		f.next = min(2*f.next, f.most)
	}
}
