package testkafka

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// zooKeeper is the ZooKeeper process of an older cluster. It runs until the cluster
// is closed.
type zooKeeper struct {
	process
	addr string
}

// zooKeeperSession is the session timeout of a killed broker, which cannot start
// again before that.
const zooKeeperSession = 4 * time.Second

// startZooKeeper starts ZooKeeper. With addUser it adds the SCRAM user. A result that is not
// nil must be killed, after an error too: Cluster.Close does so.
func startZooKeeper(ctx context.Context, libs, dir, addr string, addUser bool) (*zooKeeper, error) {
	z := &zooKeeper{addr: addr}
	z.libs, z.log = libs, filepath.Join(dir, "zookeeper.log")
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "zookeeper.properties")
	text := fmt.Sprintf("dataDir=%s\nclientPortAddress=%s\nclientPort=%s\ntickTime=500\nmaxClientCnxns=0\nadmin.enableServer=false\n",
		filepath.Join(dir, "zookeeper"), host, port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := z.run("org.apache.zookeeper.server.quorum.QuorumPeerMain", config); err != nil {
		return nil, err
	}
	if err := z.await(ctx); err != nil {
		return z, fmt.Errorf("ZooKeeper: %w", err)
	}
	if addUser {
		return z, z.addUser(ctx)
	}
	return z, nil
}

func (z *zooKeeper) await(ctx context.Context) error {
	for {
		conn, err := net.DialTimeout("tcp", z.addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-z.ended:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w: %w", ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (z *zooKeeper) addUser(ctx context.Context) error {
	var credentials []string
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		credentials = append(credentials, fmt.Sprintf("%s=[password=%s]", mechanism, Password))
	}
	out, err := java(ctx, z.libs, "kafka.admin.ConfigCommand", "--zookeeper", z.addr, "--alter",
		"--entity-type", "users", "--entity-name", User, "--add-config", strings.Join(credentials, ",")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("add the user: %w\n%s", err, out)
	}
	return nil
}
