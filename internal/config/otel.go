package config

import (
	"math"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// standard are OpenTelemetry's other variables that a person may set, see its
// specification's "Environment Variable Specification" and "OpenTelemetry Protocol
// Exporter". The SDK reads them itself; it reports a bad value without its name, or not at
// all, and uses its default.
var standard = []struct {
	name     string
	valid    func(raw string) bool
	expected string
	secret   bool
}{
	{"OTEL_EXPORTER_OTLP_HEADERS", validHeaders, expectedHeaders, true},
	{"OTEL_EXPORTER_OTLP_TRACES_HEADERS", validHeaders, expectedHeaders, true},
	{"OTEL_EXPORTER_OTLP_TIMEOUT", positive, expectedMillis, false},
	{"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", positive, expectedMillis, false},
	{"OTEL_TRACES_SAMPLER", validSampler, "one of " + strings.Join(samplers, ", "), false},
	{"OTEL_TRACES_SAMPLER_ARG", validSamplerArg, "the share of the traces to be kept, from 0 to 1, such as 0.1", false},
	{"OTEL_BSP_SCHEDULE_DELAY", positive, expectedMillis, false},
	{"OTEL_BSP_EXPORT_TIMEOUT", positive, expectedMillis, false},
	{"OTEL_BSP_MAX_QUEUE_SIZE", positive, "a positive whole number", false},
	{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", positive, "a positive whole number", false},
	{"OTEL_RESOURCE_ATTRIBUTES", validPairs, "comma-separated key=value, the values percent-encoded", false},
}

const (
	expectedHeaders = "comma-separated name=value, the values percent-encoded"
	expectedMillis  = "milliseconds, a positive whole number without a unit"
	ratio           = "traceidratio"
)

var samplers = []string{
	"always_on", "always_off", ratio, "parentbased_always_on", "parentbased_always_off", "parentbased_" + ratio,
}

// RFC 9110, 5.6.2.
var token = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// standardVariables checks what the SDK will read.
func (p *parser) standardVariables() {
	for _, v := range standard {
		p.values[v.name] = variable{row: len(p.values), raw: os.Getenv(v.name), secret: v.secret}
		switch value := p.value(v.name); {
		case value == "" || v.valid(os.Getenv(v.name)):
		case v.secret:
			p.fail(v.name, "is malformed (value not shown): it must be %s", v.expected)
		default:
			p.refuse(v.name, os.Getenv(v.name), v.expected)
		}
	}
}

// positive accepts no white space, because the SDK does not either.
func positive(raw string) bool {
	n, err := strconv.Atoi(raw)
	return err == nil && n > 0 && n <= math.MaxInt32
}

func validSampler(raw string) bool { return slices.Contains(samplers, canonical(raw)) }

// validSamplerArg accepts anything for samplers that do not read it.
func validSamplerArg(raw string) bool {
	if !strings.HasSuffix(canonical(os.Getenv("OTEL_TRACES_SAMPLER")), ratio) {
		return true
	}
	share, err := strconv.ParseFloat(strings.TrimSpace(raw), 64)
	return err == nil && share >= 0 && share <= 1
}

func canonical(raw string) string { return strings.ToLower(strings.TrimSpace(raw)) }

func validPairs(raw string) bool { return pairs(raw, func(string, string) bool { return true }) }

func validHeaders(raw string) bool {
	return pairs(raw, func(name, value string) bool {
		return token.MatchString(name) && !strings.ContainsFunc(value, unicode.IsControl)
	})
}

// pairs reports whether all of name=value,name=value are valid.
func pairs(raw string, valid func(name, value string) bool) bool {
	for pair := range strings.SplitSeq(raw, ",") {
		name, value, found := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || name == "" || err != nil || !valid(name, decoded) {
			return false
		}
	}
	return true
}
