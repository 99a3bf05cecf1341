// Command supply lists what a Go binary was built from:
//
//	supply sbom BINARY      a CycloneDX bill of materials, as JSON
//	supply licenses BINARY  each module and its licence, recognized by its licence file
//
// It needs the modules in Go's cache, where a build has put them, and uses no network. The
// output depends only on the binary.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "supply:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: supply sbom|licenses BINARY")
	}
	info, err := buildinfo.ReadFile(args[1])
	if err != nil {
		return err
	}
	modules, err := linked(info)
	if err != nil {
		return err
	}
	switch args[0] {
	case "sbom":
		return sbom(out, info, modules)
	case "licenses":
		for _, m := range modules {
			fmt.Fprintf(out, "%-14s  %s %s\n", m.license, m.path, m.version)
		}
		return nil
	}
	return fmt.Errorf("unknown command %q: expected sbom or licenses", args[0])
}

// module is a linked module.
type module struct{ path, version, license string }

func linked(info *debug.BuildInfo) ([]module, error) {
	var all []module
	var unknown []string
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		m := module{path: d.Path, version: d.Version}
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", d.Path+"@"+d.Version).Output()
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", d.Path, err)
		}
		where := strings.TrimSpace(string(dir))
		if where == "" {
			return nil, fmt.Errorf("%s %s is not in the module cache: run go mod download %[1]s@%[2]s", d.Path, d.Version)
		}
		if m.license = licenseIn(where); m.license == "" {
			unknown = append(unknown, d.Path)
		}
		all = append(all, m)
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("no known licence found for: %s", strings.Join(unknown, ", "))
	}
	return all, nil
}

// texts identify licences by typical sentences; id is the SPDX id. A file may have
// several.
var texts = []struct {
	id   string
	says []string
}{
	{"Apache-2.0", []string{"Apache License Version 2.0"}},
	{"MPL-2.0", []string{"Mozilla Public License"}},
	{"ISC", []string{"Permission to use, copy, modify, and/or distribute this software"}},
	{"MIT", []string{"Permission is hereby granted, free of charge, to any person obtaining a copy"}},
	{"BSD-3-Clause", []string{"Redistribution and use in source and binary forms", "endorse or promote products"}},
	{"BSD-2-Clause", []string{"Redistribution and use in source and binary forms"}},
}

func licenseIn(dir string) string {
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "COPYING*", "License*"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			if id := licenseOf(string(content)); id != "" {
				return id
			}
		}
	}
	return ""
}

// licenseOf returns an SPDX expression; empty: no known licence.
func licenseOf(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	var ids []string
	for _, t := range texts {
		if !slices.ContainsFunc(t.says, func(words string) bool { return !strings.Contains(text, words) }) &&
			!(t.id == "BSD-2-Clause" && slices.Contains(ids, "BSD-3-Clause")) { // it is a part of that one
			ids = append(ids, t.id)
		}
	}
	return strings.Join(ids, " AND ")
}

func sbom(out io.Writer, info *debug.BuildInfo, modules []module) error {
	type license struct {
		Expression string `json:"expression"`
	}
	type component struct {
		Type     string    `json:"type"`
		Name     string    `json:"name"`
		Version  string    `json:"version"`
		PURL     string    `json:"purl"`
		Licenses []license `json:"licenses,omitempty"`
	}
	components := []component{}
	for _, m := range modules {
		components = append(components, component{
			"library", m.path, m.version, "pkg:golang/" + m.path + "@" + m.version, []license{{m.license}},
		})
	}
	components = append(components, component{
		"library", "std", info.GoVersion, "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"), []license{{"BSD-3-Clause"}},
	})
	text := json.NewEncoder(out)
	text.SetIndent("", "  ")
	return text.Encode(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata":   map[string]any{"component": map[string]string{"type": "application", "name": info.Main.Path, "version": info.Main.Version}},
		"components": components,
	})
}
