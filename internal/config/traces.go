package config

import "net/url"

// traces tells whether traces are exported. How and where is read by
// OpenTelemetry's SDK itself, which passes over what it cannot use and takes a
// default instead; so what would go astray is refused here.
func (p *parser) traces() bool {
	endpoint := p.collector("OTEL_EXPORTER_OTLP_ENDPOINT")
	traces := p.collector("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	p.oneOf("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "http/json")
	if own := "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"; p.isSet(own) {
		p.oneOf(own, "http/protobuf", "http/json")
	}
	enabled := p.oneOf("OTEL_TRACES_EXPORTER", "otlp", "none") == "otlp"
	if p.oneOf("OTEL_SDK_DISABLED", "true", "false") == "true" {
		enabled = false
	}
	if !enabled || !endpoint && !traces {
		return false
	}
	p.standardVariables()
	return true
}

// collector tells whether there is a URL of a collector, and checks it. User
// information and a query in it would have no effect.
func (p *parser) collector(name string) bool {
	const expected = "a URL such as http://collector:4318"
	value := p.value(name)
	if value == "" {
		return false
	}
	if p.refusePrivate(name, value, expected+"; credentials belong into OTEL_EXPORTER_OTLP_HEADERS") {
		return true
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") || (u.Port() != "" && !validPort(u.Port(), 1)) {
		p.refuse(name, value, expected)
	}
	return true
}
