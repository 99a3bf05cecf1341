package config

import (
	"net/url"
	"strings"
)

// traces reports whether traces are exported. OpenTelemetry's SDK itself reads how and
// where; it ignores what it cannot use and takes a default instead, so bad values are
// rejected here. If nothing is exported they are not checked: platforms set these variables
// for everything they run.
func (p *parser) traces() bool {
	const endpoint, own = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	if !p.isSet(endpoint) && !p.isSet(own) || strings.EqualFold(p.value("OTEL_TRACES_EXPORTER"), "none") || p.sdkDisabled() {
		return false
	}
	p.collector(endpoint)
	p.collector(own)
	p.oneOf("OTEL_TRACES_EXPORTER", "otlp", "none")
	protocol := "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	if !p.isSet(protocol) {
		protocol = "OTEL_EXPORTER_OTLP_PROTOCOL"
	}
	p.oneOf(protocol, "http/protobuf", "http/json")
	p.standardVariables()
	return true
}

// sdkDisabled follows the standard: every value except true means false.
func (p *parser) sdkDisabled() bool {
	const name = "OTEL_SDK_DISABLED"
	value := p.value(name)
	if strings.EqualFold(value, "true") {
		return true
	}
	if !strings.EqualFold(value, "false") {
		p.warn("%s is %s, which OpenTelemetry takes for false: for no traces, write true", name, quoted(value))
	}
	return false
}

// collector checks the URL of a collector, if set. User information and a query in it would
// have no effect.
func (p *parser) collector(name string) {
	const expected = "a URL such as http://collector:4318"
	value := p.value(name)
	if value == "" || p.refusePrivate(name, value, expected+"; credentials belong in OTEL_EXPORTER_OTLP_HEADERS") {
		return
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") || (u.Port() != "" && !validPort(u.Port(), 1)) {
		p.refuse(name, value, expected)
	}
}
