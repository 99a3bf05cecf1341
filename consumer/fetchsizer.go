package consumer

// firstBytes is what a reader asks for before it knows how well its log compresses.
const firstBytes = 1 << 10

const (
	// RecordBytes is about what holding a record costs besides its bytes. On the wire a
	// record has a frame of about that size, too.
	RecordBytes = 128
	// HeaderBytes is what holding a header costs besides its bytes.
	HeaderBytes = 40
)

// FetchSizer decides how many bytes a reader asks for at once. A fetch is bounded in stored
// bytes, memory in unpacked bytes; repetitive events in one batch may compress a
// thousandfold. So a reader starts small and asks for more only after a page that was full
// and unpacked to less than the limit.
//
// This only avoids fetching bytes that do not fit a page: the Client itself bounds the
// unpacked size.
type FetchSizer struct{ next, most int }

// NewFetchSizer is for a reader whose pages may hold about most bytes unpacked.
func NewFetchSizer(most int) FetchSizer { return FetchSizer{next: min(firstBytes, most), most: most} }

// Next is how many bytes to ask for next.
func (f *FetchSizer) Next() int { return f.next }

// Observe notes the unpacked size of the last page, and whether it advanced the offset.
func (f *FetchSizer) Observe(page Page, advanced bool) {
	unpacked := 0
	for i := range page.Records {
		unpacked += page.Records[i].size() + RecordBytes
	}
	if unpacked == 0 && advanced {
		unpacked = f.next // full of aborted or compacted records
	}
	switch {
	case unpacked > f.most:
		f.next = max(1, f.next*f.most/unpacked)
	case unpacked >= f.next/2: // a smaller page was not limited by the request
		f.next = min(2*f.next, f.most)
	}
}
