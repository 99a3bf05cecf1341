//go:build kafka

package e2e

import (
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"

	"remux-retrier/internal/mpcsim"
)

// kind is a kind of outage. prepare returns variables for the service, and a
// function that begins the outage. That returns a function that ends it.
type kind struct {
	sim mpcsim.Config
	// inFlight is MPC_MAX_IN_FLIGHT, the most calls in flight when the outage
	// begins. Defaults to 5.
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

// byFault is an outage that the simulator makes.
func byFault(faults mpcsim.Faults) kind {
	faults.Latency = healthy.Latency
	return kind{prepare: func(r *rig) ([]string, func() func()) {
		return nil, func() func() {
			must(r.t, r.mpc.SetFaults(faults))
			return func() { must(r.t, r.mpc.SetFaults(healthy)) }
		}
	}}
}

// hanging allows more calls in flight: a call without an answer is in flight until
// it times out, and it takes two seconds of silence until the outage is noticed.
var hanging = kind{inFlight: 20, prepare: byFault(mpcsim.Faults{Outage: mpcsim.Hanging}).prepare}

func refusing(r *rig) ([]string, func() func()) {
	return nil, func() func() {
		r.mpc.Refuse()
		return func() { must(r.t, r.mpc.Reopen()) }
	}
}

// impersonated replaces the API by a server whose certificate is signed by a CA
// that the service does not trust.
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

// withoutDNS makes the API's name unknown, and closes its open connections.
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
