//go:build kafka

package e2e

import (
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"

	"remux-retrier/internal/mpcsim"
)

// kind is a way in which the API goes away. Its preparation gives what the
// service needs in its environment, and how an outage begins; that gives how it
// ends.
type kind struct {
	sim mpcsim.Config
	// inFlight is MPC_MAX_IN_FLIGHT: more cannot be under way when it begins.
	// Defaults to 5.
	inFlight int
	prepare  func(*rig) (env []string, begin func() (end func()))
}

var outageKinds = map[string]kind{
	"503":      byFault(mpcsim.Faults{Outage: mpcsim.Down}),
	"429":      byFault(mpcsim.Faults{PerSecond: 1e-6}),
	"401":      byFault(mpcsim.Faults{Outage: mpcsim.Unauthorized}),
	"403 HTML": byFault(mpcsim.Faults{Outage: mpcsim.Firewall}),
	"reset":    byFault(mpcsim.Faults{Outage: mpcsim.Resetting}),
	"hanging":  hanging,
	"refused":  {prepare: refusing},
	"TLS":      {sim: mpcsim.Config{TLS: true}, prepare: impersonated},
	"DNS":      {prepare: withoutDNS},
}

func byFault(faults mpcsim.Faults) kind {
	faults.Latency = healthy.Latency
	return kind{prepare: func(r *rig) ([]string, func() func()) {
		return nil, func() func() {
			must(r.t, r.mpc.SetFaults(faults))
			return func() { must(r.t, r.mpc.SetFaults(healthy)) }
		}
	}}
}

// hanging has more places: calls whose answers never come hold theirs until they
// time out, and what leaves in the two seconds until silence is more than a pause
// was in flight when the outage could be noticed.
var hanging = kind{inFlight: 20, prepare: byFault(mpcsim.Faults{Outage: mpcsim.Hanging}).prepare}

func refusing(r *rig) ([]string, func() func()) {
	return nil, func() func() {
		r.mpc.Refuse()
		return func() { must(r.t, r.mpc.Reopen()) }
	}
}

// impersonated puts another server in the API's place: its certificate is good,
// but nobody whom the service trusts has signed it.
func impersonated(r *rig) ([]string, func() func()) {
	file := filepath.Join(r.t.TempDir(), "ca.pem")
	must(r.t, os.WriteFile(file, r.mpc.PEM(), 0o600))
	return []string{"SSL_CERT_FILE", file}, func() func() {
		r.mpc.Refuse()
		l, err := net.Listen("tcp", r.mpc.Addr())
		must(r.t, err)
		impostor := httptest.NewUnstartedServer(r.mpc.Simulator)
		must(r.t, impostor.Listener.Close())
		impostor.Listener = l
		impostor.Config.ErrorLog = discardLog
		impostor.StartTLS()
		return func() {
			impostor.Close()
			must(r.t, r.mpc.Reopen())
		}
	}
}

// withoutDNS takes away the name of the API, and the connections that do without.
func withoutDNS(r *rig) ([]string, func() func()) {
	names := serveDNS(r)
	_, port, err := net.SplitHostPort(r.mpc.Addr())
	must(r.t, err)
	return []string{"MPC_ENDPOINT", "http://" + apiName + ":" + port, "MPC_ALLOW_INSECURE", "true"}, func() func() {
		names.away.Store(true)
		r.mpc.Refuse()
		must(r.t, r.mpc.Reopen())
		return func() { names.away.Store(false) }
	}
}
