package sandbox

import (
	"bytes"
	"flag"
	"strings"
	"testing"
)

func TestWrongOptionsAreOneClearLineAndExitTwo(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown option":       {[]string{"--twice"}, "--twice"},
		"behind two dashes":    {[]string{"--", "--latency", "2m"}, "expected 0s to 1m"},
		"an argument":          {[]string{"once"}, `unexpected argument "once"`},
		"no value":             {[]string{"--fault"}, "--fault"},
		"unknown fault":        {[]string{"--fault", "tired"}, "expected one of broken, credentials, denied"},
		"broker without port":  {[]string{"--brokers", "localhost"}, `"localhost" is not host:port`},
		"no broker":            {[]string{"--brokers", ""}, `"" is not host:port`},
		"one of two brokers":   {[]string{"--brokers", "a:1,b"}, `"b" is not host:port`},
		"port out of range":    {[]string{"--brokers", "a:70000"}, "not host:port"},
		"negative latency":     {[]string{"--latency", "-1s"}, "expected 0s to 1m"},
		"latency for ever":     {[]string{"--latency", "2m"}, "expected 0s to 1m"},
		"latency without unit": {[]string{"--latency", "5"}, "--latency"},
		"error rate of 1":      {[]string{"--error-rate", "1"}, "expected a probability from 0 to 0.9"},
		"error rate NaN":       {[]string{"--error-rate", "NaN"}, "expected a probability"},
		"loss rate of 1":       {[]string{"--loss-rate", "1"}, "--loss-rate is 1: expected a probability"},
		"quota of 0":           {[]string{"--quota", "0"}, "1 to 1000000"},
		"http without port":    {[]string{"--http", "127.0.0.1"}, "not host:port"},
	} {
		var stdout, stderr bytes.Buffer
		code := Run(t.Context(), c.args, strings.NewReader(""), &stdout, &stderr)
		if code != exitUsage || !strings.Contains(stderr.String(), c.want) || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 2 {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", name, code, &stdout, &stderr)
		}
	}
}

func TestHelpNamesEveryOptionAndFault(t *testing.T) {
	var stdout, stderr bytes.Buffer
	for _, arg := range []string{"-h", "--help"} {
		stdout.Reset()
		if code := Run(t.Context(), []string{arg}, strings.NewReader(""), &stdout, &stderr); code != exitExpected || stderr.Len() > 0 {
			t.Fatalf("%s: exit %d, %s", arg, code, &stderr)
		}
	}
	new(options).flags().VisitAll(func(f *flag.Flag) {
		if !strings.Contains(stdout.String(), "\n  --"+f.Name+" ") {
			t.Errorf("--%s is not explained", f.Name)
		}
	})
	for _, f := range catalogue {
		if !strings.Contains(stdout.String(), string(f.key)+" "+f.name) || strings.Count(stdout.String(), f.name) < 2 {
			t.Errorf("the fault %s is not named, or not with its key", f.name)
		}
	}
	for line := range strings.Lines(stdout.String()) {
		if len([]rune(line)) > 81 {
			t.Errorf("too long for a terminal: %s", line)
		}
	}
}
