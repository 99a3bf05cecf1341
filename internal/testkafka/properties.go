package testkafka

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Names of listeners. Each has its own port.
const (
	Plaintext     = "PLAINTEXT"
	TLS           = "TLS"           // the broker has a certificate
	MutualTLS     = "MUTUALTLS"     // broker and client have a certificate
	ExpiredTLS    = "EXPIREDTLS"    // the broker's certificate has expired
	ElsewhereTLS  = "ELSEWHERETLS"  // the broker's certificate is for another name
	SASLPlaintext = "SASLPLAINTEXT" // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
	SASLTLS       = "SASLTLS"       // the same over TLS

	controller = "CONTROLLER"
)

// User and Password are a secured cluster's user, for PLAIN and both kinds of SCRAM.
const (
	User     = "retrier"
	Password = "correct horse"
)

var protocols = map[string]string{
	Plaintext:     "PLAINTEXT",
	controller:    "PLAINTEXT",
	TLS:           "SSL",
	MutualTLS:     "SSL",
	ExpiredTLS:    "SSL",
	ElsewhereTLS:  "SSL",
	SASLPlaintext: "SASL_PLAINTEXT",
	SASLTLS:       "SASL_SSL",
}

// node is a broker's id and its port for each listener.
type node struct {
	id    int
	ports map[string]int
}

func (n node) addr(listener string) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.ports[listener]))
}

// newNodes finds free ports for all brokers. Each port stays open until all are
// found, so that none is used twice.
func newNodes(cfg Config) ([]node, error) {
	listeners := []string{Plaintext, controller}
	if cfg.Secured {
		listeners = slices.Sorted(maps.Keys(protocols))
	}
	nodes := make([]node, cfg.Brokers)
	for i := range nodes {
		nodes[i] = node{id: i + 1, ports: map[string]int{}}
		for _, name := range listeners {
			port := 0
			if i == 0 && name == Plaintext {
				port = cfg.Port
			}
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				return nil, err
			}
			defer l.Close()
			nodes[i].ports[name] = l.Addr().(*net.TCPAddr).Port
		}
	}
	return nodes, nil
}

// serverProperties returns the configuration of broker i of nodes. zooKeeper is the
// address of ZooKeeper; if it is empty, the broker uses KRaft.
func serverProperties(cfg Config, nodes []node, i int, dir string, certs Certificates, zooKeeper string) string {
	var voters, listeners, advertised, protocolOf []string
	for _, n := range nodes {
		voters = append(voters, fmt.Sprintf("%d@%s", n.id, n.addr(controller)))
	}
	for _, name := range slices.Sorted(maps.Keys(nodes[i].ports)) {
		if zooKeeper != "" && name == controller {
			continue
		}
		at := name + "://" + nodes[i].addr(name)
		listeners = append(listeners, at)
		protocolOf = append(protocolOf, name+":"+protocols[name])
		if name != controller {
			advertised = append(advertised, at)
		}
	}
	replicas, inSync := len(nodes), min(2, len(nodes))
	p := map[string]any{
		"listeners":                      strings.Join(listeners, ","),
		"advertised.listeners":           strings.Join(advertised, ","),
		"listener.security.protocol.map": strings.Join(protocolOf, ","),
		"inter.broker.listener.name":     Plaintext,
		"log.dirs":                       dir + "/data",
		"auto.create.topics.enable":      false,
		"default.replication.factor":     replicas,
		"min.insync.replicas":            inSync,
		// The first member of a group does not wait for others.
		"group.initial.rebalance.delay.ms":         0,
		"offsets.topic.replication.factor":         replicas,
		"transaction.state.log.replication.factor": replicas,
		"transaction.state.log.min.isr":            inSync,
		// The default of 50 partitions costs seconds at the first use.
		"offsets.topic.num.partitions":         4,
		"transaction.state.log.num.partitions": 4,
	}
	authorizer := "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
	if zooKeeper != "" {
		authorizer = "kafka.security.authorizer.AclAuthorizer"
		p["broker.id"] = nodes[i].id
		p["zookeeper.connect"] = zooKeeper
		p["zookeeper.session.timeout.ms"] = zooKeeperSession.Milliseconds()
	} else {
		p["process.roles"] = "broker,controller"
		p["node.id"] = nodes[i].id
		p["controller.quorum.voters"] = strings.Join(voters, ",")
		p["controller.listener.names"] = controller
	}
	if cfg.Secured {
		secure(p, certs)
		p["authorizer.class.name"] = authorizer
	}
	for k, v := range cfg.Properties {
		p[k] = v
	}
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s=%s\n", k, strings.ReplaceAll(fmt.Sprint(p[k]), "\n", `\n`))
	}
	return text.String()
}

// secure adds the properties of TLS, SASL and ACLs. A client without a user, over
// plaintext or TLS, is the administrator.
func secure(p map[string]any, certs Certificates) {
	p["ssl.keystore.type"] = "PEM"
	// The PEM text is given directly: in Kafka 2.7 a file would need a password.
	for listener, pair := range map[string]keyPair{"": certs.broker, ExpiredTLS: certs.expired, ElsewhereTLS: certs.elsewhere} {
		prefix := ""
		if listener != "" {
			prefix = "listener.name." + strings.ToLower(listener) + "."
		}
		p[prefix+"ssl.keystore.key"] = pair.key
		p[prefix+"ssl.keystore.certificate.chain"] = pair.cert
	}
	p["ssl.truststore.type"] = "PEM"
	p["ssl.truststore.location"] = certs.CA
	p["listener.name."+strings.ToLower(MutualTLS)+".ssl.client.auth"] = "required"
	for _, name := range []string{SASLPlaintext, SASLTLS} {
		listener := "listener.name." + strings.ToLower(name) + "."
		p[listener+"sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
		p[listener+"plain.sasl.jaas.config"] = fmt.Sprintf(
			"org.apache.kafka.common.security.plain.PlainLoginModule required user_%s=%q;", User, Password)
		for _, scram := range []string{"scram-sha-256", "scram-sha-512"} {
			p[listener+scram+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
	}
	p["allow.everyone.if.no.acl.found"] = true
	p["super.users"] = "User:ANONYMOUS"
}
