package config

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	// Kafka's own rule, see org.apache.kafka.common.internals.Topic.
	topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	// As shown in the API's documentation, e.g. MPC.10052.
	failureCode = regexp.MustCompile(`^MPC\.[0-9]{5}$`)
	regionName  = regexp.MustCompile(`^[a-z0-9-]+$`)
	hostPattern = regexp.MustCompile(`^(\*|(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)$`)
	pathPattern = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?$`)
	segment     = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

var topicVariables = []string{
	"KAFKA_TOPIC_FAILED", "KAFKA_TOPIC_RETRIED", "KAFKA_TOPIC_RETRY_FAILED", "KAFKA_TOPIC_DEAD_LETTER", "KAFKA_TOPIC_RECOVERED",
}

// topic also rejects the name of an earlier topic of the table: an outcome in the failed
// topic would be consumed as the next failure.
func (p *parser) topic(name string) string {
	value := p.value(name)
	if !topicName.MatchString(value) || value == "." || value == ".." {
		p.refuse(name, value, "1 to 249 letters, digits, dots, underscores and hyphens, but not . or ..")
		return ""
	}
	for _, other := range topicVariables[:slices.Index(topicVariables, name)] {
		if p.value(other) == value {
			p.fail(name, "is %s, and so is %s: the topics must be different", quoted(value), other)
			return ""
		}
	}
	return value
}

// optionalTopic is empty where the variable is.
func (p *parser) optionalTopic(name string) string {
	if p.value(name) == "" {
		return ""
	}
	return p.topic(name)
}

func (p *parser) brokers(name string) []string {
	const expected = "comma-separated host:port, such as kafka-1:9092,kafka-2:9092 (an IPv6 address in brackets)"
	brokers := p.list(name)
	if p.refusePrivate(name, p.value(name), expected+", without user name and password, for which there is KAFKA_SASL_USERNAME") {
		return nil
	}
	if len(brokers) == 0 {
		p.refuse(name, p.value(name), expected)
	}
	for _, broker := range brokers {
		host, port, err := net.SplitHostPort(broker)
		if err != nil || host == "" || strings.Contains(host, "/") || !validPort(port, 1) {
			p.fail(name, "has %s: it must be %s", quoted(broker), expected)
			return nil
		}
	}
	return brokers
}

// listenAddress is the only one that distinguishes an empty value from an unset one: empty
// is "off".
func (p *parser) listenAddress(name string) string {
	value := strings.TrimSpace(p.variable(name).raw)
	const expected = "host:port or :port, or empty to turn HTTP off"
	if value == "" || p.refusePrivate(name, value, expected) {
		return ""
	}
	if !listens(value) {
		p.refuse(name, value, expected)
		return ""
	}
	return value
}

func listens(value string) bool {
	_, port, err := net.SplitHostPort(value)
	return err == nil && validPort(port, 0)
}

// hosts are names and addresses without a port, in lower case.
func (p *parser) hosts(name string) []string {
	hosts := p.list(name)
	for i, host := range hosts {
		if bare := strings.Trim(host, "[]"); net.ParseIP(bare) != nil {
			hosts[i] = bare
		} else if !hostPattern.MatchString(host) {
			p.fail(name, "has %s: it must be comma-separated names without scheme and port, such as retrier.example.com; *.example.com for all below a domain, * for any", quoted(host))
			return nil
		}
		hosts[i] = strings.ToLower(hosts[i])
	}
	return hosts
}

func validPort(port string, lowest uint64) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n >= lowest
}

// region may be empty if MPC_ENDPOINT is set.
func (p *parser) region(name string) string {
	value := p.value(name)
	if value != "" && !regionName.MatchString(value) {
		p.refuse(name, value, "a region's id, such as cn-north-4")
		return ""
	}
	return value
}

// pathSegment accepts what needs no escaping in a URL's path.
func (p *parser) pathSegment(name string) string {
	value := p.value(name)
	if !segment.MatchString(value) {
		p.refuse(name, value, "the project's id, letters, digits, hyphens and underscores only")
		return ""
	}
	return value
}

// pathPrefix may be / alone, which is none.
func (p *parser) pathPrefix(name string) string {
	value := p.value(name)
	if value != "" && value != "/" && !pathPattern.MatchString(value) {
		p.refuse(name, value, "a path that begins with a slash, such as /retrier, of letters, digits, dots, underscores, tildes and hyphens; no part may begin with a dot or be empty")
		return ""
	}
	return strings.TrimSuffix(value, "/")
}

func (p *parser) failureCodes(name string) []string {
	codes := p.list(name)
	for _, code := range codes {
		if !failureCode.MatchString(code) {
			p.fail(name, "has %s: it must be comma-separated failure codes, each MPC. and five digits, such as MPC.10052", quoted(code))
			return nil
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
