package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build builds the service as the Makefile does.
func build(t *testing.T, source, binary string, env ...string) {
	t.Helper()
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-X main.version=test", "-o", binary, ".")
	c.Dir, c.Env = source, append(os.Environ(), append(env, "CGO_ENABLED=0")...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// copyTree copies what a build may need: everything except the output of git and make.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		inside, relErr := filepath.Rel(from, path)
		switch {
		case err != nil || relErr != nil:
			return errors.Join(err, relErr)
		case entry.IsDir() && (inside == ".git" || inside == "bin"):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, inside), 0o750)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, inside), content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A copy elsewhere without build caches must give the same bits, in the workspace or alone:
// the dependencies of tests must not affect the binary.
func TestTheSameSourceGivesTheSameBits(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles everything anew")
	}
	dir := t.TempDir()
	first, second, elsewhere := filepath.Join(dir, "first"), filepath.Join(dir, "second"), filepath.Join(dir, "a/copy")
	copyTree(t, "../..", elsewhere)
	build(t, "../..", first, "GOWORK=off")
	build(t, elsewhere, second, "GOWORK=", "GOCACHE="+filepath.Join(dir, "cache"))
	a, errA := os.ReadFile(first)
	b, errB := os.ReadFile(second)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("two builds of one source differ (%d and %d bytes) %v %v", len(a), len(b), errA, errB)
	}
}

func TestTheBillOfMaterialsListsWhatIsLinkedAndItsLicences(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "service")
	build(t, "../..", binary)
	var text, again, list bytes.Buffer
	for out, what := range map[*bytes.Buffer]string{&text: "sbom", &again: "sbom", &list: "licenses"} {
		if err := run([]string{what, binary}, out); err != nil {
			t.Fatal(err)
		}
	}
	var bill struct {
		BOMFormat  string
		Components []struct {
			Name, Version, PURL string
			Licenses            []struct{ Expression string }
		}
	}
	if err := json.Unmarshal(text.Bytes(), &bill); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range bill.Components {
		names[c.Name] = true
		if c.Version == "" || !strings.HasPrefix(c.PURL, "pkg:golang/") || len(c.Licenses) != 1 || c.Licenses[0].Expression == "" {
			t.Errorf("%+v", c)
		}
		// No licence may bind those who run or change the service.
		for id := range strings.SplitSeq(c.Licenses[0].Expression, " AND ") {
			if !strings.Contains(" MIT BSD-2-Clause BSD-3-Clause Apache-2.0 ISC ", " "+id+" ") {
				t.Errorf("%s is under %s", c.Name, id)
			}
		}
	}
	for name, linked := range map[string]bool{"std": true, "github.com/segmentio/kafka-go": true, "github.com/twmb/franz-go": false, "github.com/chromedp/chromedp": false} {
		if names[name] != linked {
			t.Errorf("%s: listed %v", name, names[name])
		}
	}
	if text.String() != again.String() || strings.Count(list.String(), "\n") != len(bill.Components)-1 {
		t.Errorf("two bills of one binary differ, or the list has other modules:\n%s", list.String())
	}
}

func TestLicencesAreToldApart(t *testing.T) {
	const bsd = "Redistribution and use in source and binary\n forms, with or without"
	for text, want := range map[string]string{
		"Apache License\n   Version 2.0, January 2004": "Apache-2.0", bsd: "BSD-2-Clause", bsd + " to endorse or promote products": "BSD-3-Clause",
		"Permission is hereby granted, free of charge, to any person obtaining a copy":                                     "MIT",
		bsd + " endorse or promote products\nPermission is hereby granted, free of charge, to any person obtaining a copy": "MIT AND BSD-3-Clause",
		"all rights reserved": "",
	} {
		if got := licenseOf(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
