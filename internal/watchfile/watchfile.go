// Package watchfile keeps values that stand in files up to date: secrets,
// certificates. A file that changes is read again, by the next who asks for its
// value; one that cannot be used leaves the last good value in place, and whoever
// listens is told.
//
// It compares what stat says, at most once a second, and needs no help from the
// kernel: so it notices writes in place, renames, and Kubernetes' swap of a
// symbolic link alike. It does not know what is in the files, logs nothing and
// starts no goroutine. package config makes the values; any package may read them.
package watchfile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// each is how often files are looked at, and how old a change must be before it
// is used: whoever writes in place is then done with it.
const each = time.Second

// maxSize is more than any secret or bundle of certificates has.
const maxSize = 4 << 20

// Set is files that are looked at together, so that a key and its certificate
// change together. The zero value is an empty set. Safe for concurrent use.
type Set struct {
	next atomic.Int64 // when to look again, as UnixNano

	mu      sync.Mutex // of all below; held while files are read
	files   []*watched
	listen  func(Event)
	pending []Event
}

// Event is news of one value.
type Event struct {
	// Name is the value's, as given to Add.
	Name string
	// Problem says why the files cannot be used; nil: they can, again or with new
	// content. The last good value stays in use while there is a problem.
	Problem error
	// Changed: there is new content, and it is used.
	Changed bool
}

// Value is what the parser made of the files.
type Value[T any] struct {
	set     *Set
	current atomic.Pointer[T]
}

// Get looks at the set's files if nobody has for a second, and gives the last
// value that could be used.
func (v *Value[T]) Get() T {
	v.set.lookIfDue()
	return *v.current.Load()
}

// Add reads the files at once, and from then on watches them as one value. The
// error is the parser's or the first file's that cannot be read; nothing is
// watched then.
func Add[T any](s *Set, name string, paths []string, parse func(contents [][]byte) (T, error)) (*Value[T], error) {
	v := &Value[T]{set: s}
	w := &watched{name: name, paths: paths}
	w.use = func(contents [][]byte) (func(), error) {
		value, err := parse(contents)
		return func() { v.current.Store(&value) }, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	store, err := w.read()
	if err != nil {
		return nil, err
	}
	store()
	if w.regular() { // a pipe can be read but once
		s.files = append(s.files, w)
	}
	return v, nil
}

// Listen has news told to f, one call at a time, beginning with what nobody has
// been told yet. f must not ask the set for anything.
func (s *Set) Listen(f func(Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listen = f
	s.tell()
}

// Look looks at the files if nobody has for a second.
func (s *Set) Look() { s.lookIfDue() }

// Reread reads all files now, whatever stat says of them.
func (s *Set) Reread() { s.look(time.Now(), true) }

// Problems are the reasons why files cannot be used at the moment.
func (s *Set) Problems() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var problems []Event
	for _, w := range s.files {
		if w.told != nil {
			problems = append(problems, Event{Name: w.name, Problem: w.told})
		}
	}
	return problems
}

func (s *Set) lookIfDue() {
	now := time.Now()
	due := s.next.Load()
	if now.UnixNano() >= due && s.next.CompareAndSwap(due, now.Add(each).UnixNano()) {
		s.look(now, false)
	}
}

// look reads what has changed, and then puts all that can be used in place.
func (s *Set) look(now time.Time, force bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ready []func()
	for _, w := range s.files {
		event, store := w.look(now, force)
		if store != nil {
			ready = append(ready, store)
		}
		if event != nil {
			s.pending = append(s.pending, *event)
		}
	}
	for _, store := range ready {
		store()
	}
	s.tell()
}

// tell is called with mu held.
func (s *Set) tell() {
	if s.listen == nil {
		return
	}
	for _, event := range s.pending {
		s.listen(event)
	}
	s.pending = nil
}

// watched are the files of one value. The set's mu guards it.
type watched struct {
	name  string
	paths []string
	use   func(contents [][]byte) (store func(), err error)

	tried  []fs.FileInfo // what stat said of the content that was read last
	seen   []fs.FileInfo // what it said at the last look
	digest [sha256.Size]byte
	doubt  error // of the last look
	told   error
}

// look gives what is to be stored and told, if anything.
func (w *watched) look(now time.Time, force bool) (*Event, func()) {
	before := w.digest
	store, err := w.changed(now, force)
	settled := err == nil || force || w.doubt != nil && w.doubt.Error() == err.Error()
	w.doubt = err
	switch {
	case err != nil && settled && (w.told == nil || w.told.Error() != err.Error()): // not what a rename shows for a moment
		w.told = err
		return &Event{Name: w.name, Problem: err}, nil
	case err != nil || store == nil:
		return nil, nil
	}
	changed, mended := before != w.digest, w.told != nil
	w.told = nil
	if !changed && !mended {
		return nil, nil
	}
	return &Event{Name: w.name, Changed: changed}, store
}

// changed reads the files if they have changed since they were read, or could not
// be used then.
func (w *watched) changed(now time.Time, force bool) (func(), error) {
	infos, err := stat(w.paths)
	if err != nil {
		w.seen, w.tried = nil, nil
		return nil, err
	}
	still := same(infos, w.seen)
	w.seen = infos
	switch {
	case slices.ContainsFunc(infos, special):
		return nil, errors.New("is a directory, or no file at all, by now") // to open it might never end
	case force:
	case w.doubt == nil && same(infos, w.tried):
		return nil, nil
	case !still && !old(infos, now):
		return nil, w.doubt // it may be being written: the next look decides
	}
	return w.read()
}

// read reads and parses the files. Its error fits on one line.
func (w *watched) read() (func(), error) {
	infos, err := stat(w.paths)
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	contents := make([][]byte, len(w.paths))
	for i, path := range w.paths {
		if contents[i], err = readFile(path); err != nil {
			return nil, pathError(path, err)
		}
		fmt.Fprintf(hash, "%d ", len(contents[i]))
		hash.Write(contents[i])
	}
	w.tried = infos
	store, err := w.use(contents)
	if err != nil {
		return nil, err
	}
	hash.Sum(w.digest[:0])
	return store, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(content) > maxSize {
		err = fmt.Errorf("is longer than %d bytes", maxSize)
	}
	return content, err
}

func (w *watched) regular() bool {
	return !slices.ContainsFunc(w.tried, special)
}

func special(info fs.FileInfo) bool { return !info.Mode().IsRegular() }

func stat(paths []string) ([]fs.FileInfo, error) {
	infos := make([]fs.FileInfo, len(paths))
	for i, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, pathError(path, err)
		}
		infos[i] = info
	}
	return infos, nil
}

func same(a, b []fs.FileInfo) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()) {
			return false
		}
	}
	return true
}

// old tells whether all were written some time ago.
func old(infos []fs.FileInfo, now time.Time) bool {
	for _, info := range infos {
		if now.Sub(info.ModTime()) < each {
			return false
		}
	}
	return true
}
