// Package watchfile keeps values that come from files, such as secrets and
// certificates, up to date. A changed file is read again at the next Get. If it cannot
// be used, the last good value stays in use and the listener gets an Event.
//
// It compares the results of stat, at most once a second, and uses no notification from
// the kernel. So it notices writes in place, renames, and symbolic links that Kubernetes
// replaces. It does not know the files' formats, logs nothing and starts no goroutine.
// Package config makes the values; any package may read them.
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

// interval is how often files are checked at most, and how old a change must be before
// it is used: by then a write in place is complete.
const interval = time.Second

// maxSize is larger than any secret or bundle of certificates, in bytes.
const maxSize = 4 << 20

// Set is a set of files that are checked together, so that a key and its certificate
// change together. The zero value is an empty set. It is safe for concurrent use.
type Set struct {
	next atomic.Int64 // time of the next check, as UnixNano

	mu      sync.Mutex // guards the fields below; held while files are read
	files   []*watched
	listen  func(Event)
	pending []Event
}

// Event reports a change of one value.
type Event struct {
	// Name is the name given to Add.
	Name string
	// Problem is why the files cannot be used. The last good value stays in use. Nil:
	// they can be used, again or with new content.
	Problem error
	// Changed: the files have new content, which is now in use.
	Changed bool
}

// Value is a value that is parsed from files.
type Value[T any] struct {
	set     *Set
	current atomic.Pointer[T]
}

// Get checks the set's files, unless that was done within the last second, and returns
// the last good value.
func (v *Value[T]) Get() T {
	v.set.Look()
	return *v.current.Load()
}

// Add reads the files and from then on watches them as one value. If a file cannot be
// read or parse fails, it returns that error and watches nothing. If one of the files is
// not regular, such as a pipe, it watches none of them: the value never changes.
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
	if w.regular() { // a pipe can be read only once
		s.files = append(s.files, w)
	}
	return v, nil
}

// Listen calls f for each event, one at a time, beginning with events that have not been
// reported yet. f must not call methods of the set.
func (s *Set) Listen(f func(Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listen = f
	s.report()
}

// Reread reads all files now, even if stat shows no change.
func (s *Set) Reread() { s.check(time.Now(), true) }

// Problems returns the values whose files cannot be used at the moment.
func (s *Set) Problems() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var problems []Event
	for _, w := range s.files {
		if w.reported != nil {
			problems = append(problems, Event{Name: w.name, Problem: w.reported})
		}
	}
	return problems
}

// Look checks the files, unless that was done within the last second.
func (s *Set) Look() {
	now := time.Now()
	due := s.next.Load()
	if now.UnixNano() >= due && s.next.CompareAndSwap(due, now.Add(interval).UnixNano()) {
		s.check(now, false)
	}
}

// check reads the changed files, and then makes all values current that can be used.
func (s *Set) check(now time.Time, force bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ready []func()
	for _, w := range s.files {
		event, store := w.check(now, force)
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
	s.report()
}

// report passes pending events to the listener. mu must be held.
func (s *Set) report() {
	if s.listen == nil {
		return
	}
	for _, event := range s.pending {
		s.listen(event)
	}
	s.pending = nil
}

// watched are the files of one value. They are guarded by the set's mu.
type watched struct {
	name  string
	paths []string
	use   func(contents [][]byte) (store func(), err error)

	infosRead []fs.FileInfo // results of stat at the last read
	infosSeen []fs.FileInfo // results of stat at the last check
	digest    [sha256.Size]byte
	lastErr   error // of the last check that was decided
	reported  error // the problem in the last Event; nil: none
}

// errUndecided: the files were not read, since they may still be being written.
var errUndecided = errors.New("undecided")

// check returns the event to report and the function that makes the new value current.
// Both are nil if there is nothing new.
func (w *watched) check(now time.Time, force bool) (*Event, func()) {
	before := w.digest
	store, err := w.readIfChanged(now, force)
	if errors.Is(err, errUndecided) { // neither the last error again nor its end
		return nil, nil
	}
	// A rename may cause an error for a moment: an error counts when it is repeated.
	certain := err == nil || force || w.lastErr != nil && w.lastErr.Error() == err.Error()
	w.lastErr = err
	switch {
	case err != nil && certain && (w.reported == nil || w.reported.Error() != err.Error()):
		w.reported = err
		return &Event{Name: w.name, Problem: err}, nil
	case err != nil || store == nil:
		return nil, nil
	}
	changed, recovered := before != w.digest, w.reported != nil
	w.reported = nil
	if !changed && !recovered {
		return nil, nil
	}
	return &Event{Name: w.name, Changed: changed}, store
}

// readIfChanged reads the files if they have changed since the last read, or if they
// could not be used then. It returns errUndecided if only the next check can tell.
func (w *watched) readIfChanged(now time.Time, force bool) (func(), error) {
	infos, err := stat(w.paths)
	if err != nil {
		w.infosSeen, w.infosRead = nil, nil
		return nil, err
	}
	unchanged := same(infos, w.infosSeen)
	w.infosSeen = infos
	irregular := slices.IndexFunc(infos, special)
	switch {
	case irregular >= 0: // opening it may block
		return nil, pathError(w.paths[irregular], errors.New("is no longer a regular file"))
	case force:
	case w.lastErr == nil && same(infos, w.infosRead):
		return nil, nil
	case !unchanged && !old(infos, now):
		return nil, errUndecided
	}
	return w.read()
}

// read reads and parses the files. Its error is one line.
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
	w.infosRead = infos
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
	return !slices.ContainsFunc(w.infosRead, special)
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

// old reports whether all files were last written at least an interval ago.
func old(infos []fs.FileInfo, now time.Time) bool {
	for _, info := range infos {
		if now.Sub(info.ModTime()) < interval {
			return false
		}
	}
	return true
}
