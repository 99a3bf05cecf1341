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

// keeper is the ZooKeeper of an older cluster, in a process of its own. It is not
// stopped or killed before the cluster is closed.
type keeper struct {
	process
	addr string
}

// keeperSession is how long ZooKeeper remembers a broker that was killed. The
// broker cannot come back before.
const keeperSession = 4 * time.Second

// startKeeper runs ZooKeeper, and has it know the users of the SCRAMs where the
// cluster is to be secured.
func startKeeper(ctx context.Context, libs, dir, addr string, users bool) (*keeper, error) {
	k := &keeper{addr: addr}
	k.libs, k.log = libs, filepath.Join(dir, "zookeeper.log")
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
	if err := k.run("org.apache.zookeeper.server.quorum.QuorumPeerMain", config); err != nil {
		return nil, err
	}
	if err := k.await(ctx); err != nil {
		return k, fmt.Errorf("ZooKeeper: %w", err)
	}
	if users {
		return k, k.addUsers(ctx)
	}
	return k, nil
}

func (k *keeper) await(ctx context.Context) error {
	for {
		conn, err := net.DialTimeout("tcp", k.addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-k.ended:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w: %w", ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (k *keeper) addUsers(ctx context.Context) error {
	var credentials []string
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		credentials = append(credentials, fmt.Sprintf("%s=[password=%s]", mechanism, Password))
	}
	out, err := java(ctx, k.libs, "kafka.admin.ConfigCommand", "--zookeeper", k.addr, "--alter",
		"--entity-type", "users", "--entity-name", User, "--add-config", strings.Join(credentials, ",")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("add the users: %w\n%s", err, out)
	}
	return nil
}
