package mpcclient

import "strings"

// Parts of a secret are found by its blocks: a text with enough consecutive bytes of the
// secret contains a whole block.

const blockSize = 8

func blocksOf(s string) map[string][]int {
	blocks := make(map[string][]int, len(s)/blockSize)
	for at := 0; at+blockSize <= len(s); at += blockSize {
		block := s[at : at+blockSize]
		if len(blocks[block]) < 16 { // for a repetitive secret the first positions are enough
			blocks[block] = append(blocks[block], at)
		}
	}
	return blocks
}

// longest is how many bytes of the secret in a row may be shown: a single word of it may be
// common.
func (h *credential) longest() int { return min(len(h.header[0])*3/4, 2*blockSize-1) }

// part finds the first place in text, from an offset on, that contains a part of the
// secret. to is 0 if there is none.
func (h *credential) part(text string, offset int) (from, to int) {
	v := h.header[0]
	if at := strings.Index(text[offset:], v); at >= 0 {
		from, to = offset+at, offset+at+len(v)
	}
	for at := offset; at+blockSize <= len(text) && (to == 0 || at < from); at++ {
		for _, place := range h.blocks()[text[at:at+blockSize]] {
			before, after := 0, blockSize
			for at-before > offset && place-before > 0 && text[at-before-1] == v[place-before-1] {
				before++
			}
			for at+after < len(text) && place+after < len(v) && text[at+after] == v[place+after] {
				after++
			}
			if before+after > h.longest() {
				return at - before, at + after
			}
		}
	}
	return from, to
}

func (h *credential) isIn(text string) bool {
	_, to := h.part(text, 0)
	return to > 0
}

func (h *credential) replace(text string) string {
	var b strings.Builder
	done := 0
	for {
		from, to := h.part(text, done)
		if to == 0 {
			return b.String() + text[done:]
		}
		b.WriteString(text[done:from])
		b.WriteString(redacted)
		done = to
	}
}
