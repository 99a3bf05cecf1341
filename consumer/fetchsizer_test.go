package consumer

import "testing"

// pageOf returns a page that unpacks to about so many bytes, in records of 1 KiB.
func pageOf(bytes int) Page {
	records := make([]Record, bytes/1024)
	for i := range records {
		records[i].Value = make([]byte, 1024-RecordBytes)
	}
	return Page{Records: records}
}

func TestALogThatUnpacksAThousandfoldIsReadInSmallBites(t *testing.T) {
	const factor = 5000
	a := NewFetchSizer(pageBytes)
	for range 50 {
		if unpacked := a.next * factor; unpacked > 8*pageBytes {
			t.Fatalf("asked for %d bytes, which unpack to %d", a.next, unpacked)
		}
		a.Observe(pageOf(a.next*factor), true)
	}
}

func TestALogThatDoesNotCompressIsSoonReadInWholePages(t *testing.T) {
	for name, page := range map[string]func(ask int) Page{
		"full":               pageOf,
		"just above half":    func(ask int) Page { return pageOf(ask/2 + 1024) },
		"of aborted records": func(int) Page { return Page{} },
	} {
		a := NewFetchSizer(pageBytes)
		pages := 0
		for ; a.next < pageBytes && pages < 100; pages++ {
			a.Observe(page(a.next), true)
		}
		if pages > 12 {
			t.Errorf("pages %s: it took %d of them", name, pages)
		}
	}
}

func TestAQuietLogSaysNothingOfHowItUnpacks(t *testing.T) {
	a := NewFetchSizer(pageBytes)
	small := Page{Records: []Record{{Value: make([]byte, 200)}}}
	for range 100 {
		a.Observe(Page{}, false)
		a.Observe(small, true)
	}
	if a.next != firstBytes {
		t.Errorf("it asks for %d bytes after pages that were not full", a.next)
	}
}
