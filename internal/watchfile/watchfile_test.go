package watchfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errBroken = errors.New("is broken")

// text is a parser that accepts all contents except those that begin with "broken".
func text(contents [][]byte) (string, error) {
	var all []string
	for _, content := range contents {
		if strings.HasPrefix(string(content), "broken") {
			return "", errBroken
		}
		all = append(all, string(content))
	}
	return strings.Join(all, "+"), nil
}

// write writes a file with a modification time that is age before the bubble's clock.
func write(t *testing.T, path, content string, age time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, s *Set, name string, paths ...string) *Value[string] {
	t.Helper()
	v, err := Add(s, name, paths, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// told collects a set's events.
func told(s *Set) *[]Event {
	var events []Event
	s.Listen(func(e Event) { events = append(events, e) })
	return &events
}

const long = time.Minute

func TestAValueFollowsItsFileHoweverItIsReplaced(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, path string){
		"written in place": func(t *testing.T, path string) { write(t, path, "new", long/2) },
		"renamed over, same size and time": func(t *testing.T, path string) {
			write(t, path+".tmp", "new", 0)
			info, err := os.Stat(path)
			if err == nil {
				err = errors.Join(os.Chtimes(path+".tmp", info.ModTime(), info.ModTime()), os.Rename(path+".tmp", path))
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"removed, and there again": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			write(t, path, "new", long/2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				var s Set
				path := filepath.Join(dir, "secret")
				write(t, path, "old", long)
				v, events := add(t, &s, "SECRET", path), told(&s)
				if got := v.Get(); got != "old" {
					t.Fatal(got)
				}
				replace(t, path)
				time.Sleep(interval)
				if got := v.Get(); got != "new" || len(*events) != 1 || (*events)[0] != (Event{Name: "SECRET", Changed: true}) {
					t.Errorf("%q, told %+v", got, *events)
				}
			})
		})
	}
}

// Kubernetes replaces a directory by renaming a symbolic link over the old one. The path
// in the configuration leads there by two links.
func TestKubernetesSwapOfASymbolicLinkChangesAllAtOnce(t *testing.T) {
	dir := t.TempDir()
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	version := func(name, cert, key string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		for file, content := range map[string]string{"cert": cert, "key": key} {
			if err := os.WriteFile(filepath.Join(dir, name, file), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	version("..1", "cert1", "key1")
	link("..1", "..data")
	link("..data/cert", "cert")
	link("..data/key", "key")
	var s Set
	pair := add(t, &s, "PAIR", filepath.Join(dir, "cert"), filepath.Join(dir, "key"))
	version("..2", "cert2", "key2")
	link("..2", "..data_tmp")
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for pair.Get() != "cert2+key2" {
		if got := pair.Get(); got != "cert1+key1" && got != "cert2+key2" || time.Now().After(deadline) {
			t.Fatalf("%q", got)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestABrokenFileKeepsTheOldValueAndIsToldOnce(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"content": func(t *testing.T, path string) { write(t, path, "broken, it is", long) },
		"gone": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"a directory": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				var s Set
				path := filepath.Join(dir, "secret")
				write(t, path, "old", long)
				v, events := add(t, &s, "SECRET", path), told(&s)
				spoil(t, path)
				for range 10 {
					time.Sleep(interval)
					if got := v.Get(); got != "old" {
						t.Fatal(got)
					}
				}
				if len(*events) != 1 || (*events)[0].Problem == nil || len(s.Problems()) != 1 {
					t.Fatalf("told %+v, problems %+v", *events, s.Problems())
				}
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
				write(t, path, "new", long/2)
				time.Sleep(interval)
				if got := v.Get(); got != "new" || len(*events) != 2 || !(*events)[1].Changed || len(s.Problems()) != 0 {
					t.Errorf("%q, told %+v, problems %+v", got, *events, s.Problems())
				}
			})
		})
	}
}

func TestAFileThatIsBeingWrittenIsNotUsedYet(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var s Set
		path := filepath.Join(dir, "secret")
		write(t, path, "old", long)
		v, events := add(t, &s, "SECRET", path), told(&s)
		time.Sleep(interval)
		write(t, path, "ne", 0)
		if got := v.Get(); got != "old" {
			t.Errorf("an incomplete file was used: %q", got)
		}
		time.Sleep(interval / 2)
		write(t, path, "new", 0)
		time.Sleep(interval / 2)
		if got := v.Get(); got != "old" {
			t.Errorf("used at once: %q", got)
		}
		time.Sleep(interval)
		if got := v.Get(); got != "new" || len(*events) != 1 {
			t.Errorf("%q, told %+v", got, *events)
		}
	})
}

// The check that finds the new file cannot read it yet. It must not take the error of the
// check before for a lasting one.
func TestAFileThatIsReplacedByRemovingItFirstIsNoProblem(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var s Set
		path := filepath.Join(dir, "secret")
		write(t, path, "old", long)
		v, events := add(t, &s, "SECRET", path), told(&s)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		v.Get()
		time.Sleep(interval / 2)
		write(t, path, "new", 0)
		time.Sleep(interval / 2)
		if got := v.Get(); got != "old" || len(*events) != 0 || len(s.Problems()) != 0 {
			t.Fatalf("%q, told %+v, problems %+v", got, *events, s.Problems())
		}
		time.Sleep(interval)
		if got := v.Get(); got != "new" || len(*events) != 1 || (*events)[0] != (Event{Name: "SECRET", Changed: true}) {
			t.Errorf("%q, told %+v", got, *events)
		}
	})
}

// A wrong clock must not delay a change for ever.
func TestAFileFromTheFutureIsUsed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var s Set
		path := filepath.Join(dir, "secret")
		write(t, path, "old", long)
		v := add(t, &s, "SECRET", path)
		write(t, path, "new", -24*time.Hour)
		for range 2 {
			time.Sleep(interval)
			v.Get()
		}
		if got := v.Get(); got != "new" {
			t.Error(got)
		}
	})
}

func TestRereadReadsEvenIfNothingHasChanged(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var s Set
		path := filepath.Join(dir, "secret")
		write(t, path, "old", long)
		v, events := add(t, &s, "SECRET", path), told(&s)
		write(t, path, "new", long) // in place, with the size and the time of the old one
		time.Sleep(interval)
		if got := v.Get(); got != "old" {
			t.Skip("this file system shows the difference:", got)
		}
		s.Reread()
		if got := v.Get(); got != "new" || len(*events) != 1 {
			t.Errorf("%q, told %+v", got, *events)
		}
		s.Reread()
		if len(*events) != 1 {
			t.Errorf("an event without a change: %+v", *events)
		}
	})
}

func TestAPathThatMayBeTheSecretIsNotShown(t *testing.T) {
	for _, path := range []string{"c4n4ry-5ecret", "a/c4n4ry-5ecret"} {
		_, err := Add(&Set{}, "SECRET", []string{path}, text)
		if err == nil || strings.Contains(err.Error(), "c4n4ry") || !strings.Contains(err.Error(), "no such file") {
			t.Error(err)
		}
	}
}
