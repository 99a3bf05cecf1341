package main

import (
	"errors"
	"strings"
	"testing"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"-seeds 5 -parallel 2", 0, "5 seeds from 1 on: no violation"},
		{"-seeds 2 -from 7 -check-same", 0, "2 seeds from 7 on: no violation"},
		{"-story 3", 0, "all faults end"},
		{"-story three", 2, "invalid value"},
		{"-parallel 0", 2, "see -h"},
		{"seeds", 2, "see -h"},
		{"-h", 0, "-check-same"},
	} {
		var out strings.Builder
		if code := run(strings.Fields(c.args), &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("simulate %s: exit code %d, %.500s", c.args, code, out.String())
		}
	}
}

func TestFirstFailureEndsTheRun(t *testing.T) {
	tried := 0
	one := func(seed uint64) error {
		if tried++; seed == 12 {
			return errors.New("seed 12 is bad")
		}
		return nil
	}
	var out strings.Builder
	if code := many(one, 10, 100, 1, &out); code != 1 || tried != 3 || !strings.Contains(out.String(), "seed 12 is bad") {
		t.Errorf("exit code %d after %d seeds: %s", code, tried, out.String())
	}
}
