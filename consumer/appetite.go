package consumer

// firstBytes is what a reader asks for before it knows how its log unpacks.
const firstBytes = 1 << 10

// recordBytes is what holding a record costs beside its bytes, about; on the
// wire a record has a frame of that size, too.
const recordBytes = 128

// Appetite is how much a reader asks for at once. What a fetch is bounded by is
// bytes as they are stored, what is held is unpacked, and between the two may
// stand a factor of thousands: repetitive events of one batch compress that
// well. So a reader begins small and asks for more only after a page that was
// full and unpacked to less than it may hold.
//
// A log that compresses little for a megabyte and then a thousandfold is noticed
// only after its first such page.
type Appetite struct{ ask, most int }

// NewAppetite is that of a reader who may hold pages of about most bytes.
func NewAppetite(most int) Appetite { return Appetite{ask: min(firstBytes, most), most: most} }

// Ask is how many bytes to ask for next.
func (a *Appetite) Ask() int { return a.ask }

// Had notes how large the last page was, unpacked, and whether it moved on.
func (a *Appetite) Had(page Page, movedOn bool) {
	unpacked := 0
	for i := range page.Records {
		unpacked += page.Records[i].size() + recordBytes
	}
	if unpacked == 0 && movedOn {
		unpacked = a.ask // full of records that were aborted or compacted away
	}
	switch {
	case unpacked > a.most:
		a.ask = max(1, a.ask*a.most/unpacked)
	case unpacked >= a.ask/2: // a smaller page was not limited by what was asked for
		a.ask = min(2*a.ask, a.most)
	}
}
