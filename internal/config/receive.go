package config

import (
	"crypto/tls"
	"crypto/x509"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/watchfile"
)

// receiveSpec lists the variables that only the command receive reads, in addition to those
// of Kafka, HTTP, logging and stopping; see spec.
type receiveSpec struct {
	Addr      string `envconfig:"RECEIVE_ADDR" default:":8443" desc:"Listen address, host:port, for SMN's messages."`
	TopicURNs string `envconfig:"RECEIVE_TOPIC_URNS" shown:"required" desc:"SMN topics whose messages are accepted, comma-separated, such as urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:mpc."`
	CertFile  string `envconfig:"RECEIVE_TLS_CERT_FILE" desc:"PEM file with the server's certificate and its chain. Without it messages come by plain HTTP, from a proxy that has the certificate."`
	KeyFile   string `envconfig:"RECEIVE_TLS_KEY_FILE" desc:"PEM file with the certificate's private key, unencrypted."`
	CertHosts string `envconfig:"RECEIVE_CERT_HOSTS" shown:"SMN's and the console's, by the topics' regions" desc:"Hosts, comma-separated, from which receive may fetch SMN's signing certificates, and at which it may confirm subscriptions: names or addresses, with a port or for all ports; *.example.com for all names below a domain."`
	CAFile    string `envconfig:"RECEIVE_CA_FILE" shown:"system's" desc:"PEM file with the authorities that may sign those hosts' certificates, instead of the system's."`
	MaxAge    string `envconfig:"RECEIVE_MAX_AGE" default:"2h" desc:"Messages that SMN signed longer ago are refused; 1m to 720h. A short time limits replays; a long one accepts what SMN sends again late."`
}

// Receive is the complete and checked configuration of the command receive. It has no
// settings of MPC. Printing it shows no secrets.
type Receive struct {
	Kafka Kafka

	// Addr is the address for SMN's messages, host:port.
	Addr      string
	TopicURNs []string
	// CertHosts are the hosts that may be connected to, in lower case: a name, an address or
	// *.domain, each with a port or for all ports.
	CertHosts []string
	MaxAge    time.Duration
	pair      *watchfile.Value[tls.Certificate]
	roots     *watchfile.Value[*x509.CertPool]

	ShutdownTimeout  time.Duration
	HTTPAddr         string
	HTTPAllowedHosts []string
	LogLevel         logrus.Level
	LogFormat        LogFormat
	Files            *watchfile.Set `json:"-"`
	Warnings         []string
}

// Certificate returns a function that reads the server's certificate from the current files;
// nil: plain HTTP.
func (r Receive) Certificate() func() tls.Certificate {
	if r.pair == nil {
		return nil
	}
	return r.pair.Get
}

// Roots returns a function that reads the authorities for CertHosts from the current file;
// nil: the system's.
func (r Receive) Roots() func() *x509.CertPool {
	if r.roots == nil {
		return nil
	}
	return r.roots.Get
}

// LoadReceive reads the process's environment like Load.
func LoadReceive() (Receive, error) {
	p, err := read(receiveSpec{})
	if err != nil {
		return Receive{}, err
	}
	urns := p.topicURNs("RECEIVE_TOPIC_URNS")
	r := Receive{
		Kafka:            p.kafka(),
		Addr:             p.address("RECEIVE_ADDR"),
		TopicURNs:        urns,
		pair:             p.keyPair("RECEIVE_TLS_CERT_FILE", "RECEIVE_TLS_KEY_FILE", "TLS"),
		roots:            p.authorities("RECEIVE_CA_FILE", false),
		CertHosts:        p.certHosts("RECEIVE_CERT_HOSTS", urns),
		MaxAge:           p.duration("RECEIVE_MAX_AGE", time.Minute, 30*24*time.Hour),
		ShutdownTimeout:  p.duration("SHUTDOWN_TIMEOUT", time.Second, time.Hour),
		HTTPAddr:         p.listenAddress("HTTP_ADDR"),
		HTTPAllowedHosts: p.hosts("HTTP_ALLOWED_HOSTS"),
		LogLevel:         p.logLevel("LOG_LEVEL"),
		LogFormat:        LogFormat(p.oneOf("LOG_FORMAT", string(AutoFormat), string(JSON), string(Text))),
		Files:            p.files,
	}
	r.Warnings = append(p.warnings, unknownVariables()...)
	return r, p.problems.sorted()
}

// topicURN matches a topic's URN; its first group is the region.
var topicURN = regexp.MustCompile(`^urn:smn:([A-Za-z0-9_-]+):[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$`)

func (p *parser) topicURNs(name string) []string {
	const expected = "comma-separated URNs of SMN topics, such as urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:mpc"
	urns := p.list(name)
	if len(urns) == 0 {
		p.refuse(name, p.value(name), expected)
	}
	for _, urn := range urns {
		if !topicURN.MatchString(urn) {
			p.fail(name, "has %s: it must be %s", quoted(urn), expected)
			return nil
		}
	}
	return urns
}

// address returns a listen address, which must be set.
func (p *parser) address(name string) string {
	const expected = "host:port or :port"
	value := p.value(name)
	if p.refusePrivate(name, value, expected) {
		return ""
	}
	if !listens(value) {
		p.refuse(name, value, expected)
		return ""
	}
	return value
}

var certHost = regexp.MustCompile(`^((\*\.)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// certHosts returns the configured hosts, or else those where SMN has its certificates and
// confirmations. The default has no wildcard: the names of customers' buckets are below
// myhuaweicloud.com, too, and a bucket could contain a certificate.
func (p *parser) certHosts(name string, urns []string) []string {
	given := p.list(name)
	for i, host := range given {
		if !certHost.MatchString(host) {
			p.fail(name, "has %s: it must be comma-separated hosts without scheme and path, such as smn.cn-north-4.myhuaweicloud.com", quoted(host))
			return nil
		}
		given[i] = strings.ToLower(host)
		domain, _, _ := strings.Cut(given[i], ":")
		if below, all := strings.CutPrefix(domain, "*"); all && (strings.HasSuffix(below, ".myhuaweicloud.com") || strings.HasSuffix(".myhuaweicloud.com", below)) {
			p.warn("%s has %s, and customers' buckets have names below myhuaweicloud.com: the owner of any bucket could sign messages. Name SMN's hosts, such as smn.cn-north-4.myhuaweicloud.com", name, given[i])
		}
	}
	if len(given) > 0 {
		return given
	}
	hosts := []string{"console.huaweicloud.com:443", "console-intl.huaweicloud.com:443"}
	for _, urn := range urns {
		region := strings.ToLower(topicURN.FindStringSubmatch(urn)[1])
		hosts = append(hosts, "smn."+region+".myhuaweicloud.com:443", region+"-console.huaweicloud.com:443")
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}
