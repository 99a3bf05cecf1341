package tools

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// project reads the file as docker compose does, with its schema and interpolation, without
// this machine's environment.
func project(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func service(t *testing.T, name string) types.ServiceConfig {
	t.Helper()
	s, err := project(t).GetService(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func variable(t *testing.T, s types.ServiceConfig, name string) string {
	t.Helper()
	value := s.Environment[name]
	if value == nil {
		t.Fatalf("%s has no %s", s.Name, name)
	}
	return *value
}

func TestServiceWaitsForTopicsAndSimulator(t *testing.T) {
	for name, conditions := range map[string]map[string]string{
		"topics":  {"kafka": types.ServiceConditionHealthy},
		"retrier": {"topics": types.ServiceConditionCompletedSuccessfully, "mpcsim": types.ServiceConditionHealthy},
		"receive": {"topics": types.ServiceConditionCompletedSuccessfully, "mpcsim": types.ServiceConditionHealthy},
	} {
		for on, condition := range conditions {
			if got := service(t, name).DependsOn[on].Condition; got != condition {
				t.Errorf("%s waits for %s to be %q, want %q", name, on, got, condition)
			}
		}
	}
	for _, name := range []string{"kafka", "mpcsim", "retrier", "receive"} {
		if check := service(t, name).HealthCheck; check == nil || len(check.Test) == 0 {
			t.Errorf("%s has no health check", name)
		}
	}
}

func TestServiceAndSimulatorAgreeOnProjectAndToken(t *testing.T) {
	retrier, simulator := service(t, "retrier"), service(t, "mpcsim")
	for ours, theirs := range map[string]string{"MPC_PROJECT_ID": "MPCSIM_PROJECT_ID", "MPC_AUTH_TOKEN": "MPCSIM_TOKEN"} {
		if a, b := variable(t, retrier, ours), variable(t, simulator, theirs); a != b {
			t.Errorf("%s is %q and %s is %q", ours, a, theirs, b)
		}
	}
}

func TestReceiveTrustsTheSimulatedSMN(t *testing.T) {
	receive, simulator := service(t, "receive"), service(t, "mpcsim")
	for ours, theirs := range map[string]string{"RECEIVE_TOPIC_URNS": "MPCSIM_SMN_TOPIC", "RECEIVE_CERT_HOSTS": "MPCSIM_SMN_ADDRESS", "RECEIVE_CA_FILE": "MPCSIM_SMN_CA_FILE"} {
		if a, b := variable(t, receive, ours), variable(t, simulator, theirs); a != b {
			t.Errorf("%s is %q and %s is %q", ours, a, theirs, b)
		}
	}
	_, port, _ := strings.Cut(variable(t, receive, "RECEIVE_ADDR"), ":")
	if got, want := variable(t, simulator, "MPCSIM_NOTIFY"), "http://receive:"+port+"/"; got != want {
		t.Errorf("the simulator posts to %s, and receive listens on %s", got, want)
	}
	if host, _, _ := strings.Cut(variable(t, simulator, "MPCSIM_SMN_ADDRESS"), ":"); host != simulator.Name {
		t.Errorf("SMN listens at %s, and its container's name is %s", host, simulator.Name)
	}
	for _, s := range []types.ServiceConfig{receive, simulator} {
		file := variable(t, simulator, "MPCSIM_SMN_CA_FILE")
		if len(s.Volumes) != 1 || s.Volumes[0].Source != "smn" || path.Dir(file) != s.Volumes[0].Target {
			t.Errorf("%s does not have %s in the volume: %v", s.Name, file, s.Volumes)
		} else if s.Volumes[0].ReadOnly == (s.Name == "mpcsim") {
			t.Errorf("%s: the volume is read-only: %v", s.Name, s.Volumes[0].ReadOnly)
		}
	}
}

func TestBrokerIsAdvertisedWhereItsClientsReachIt(t *testing.T) {
	kafka := service(t, "kafka")
	advertised := strings.Split(variable(t, kafka, "KAFKA_ADVERTISED_LISTENERS"), ",")
	inside := "INTERNAL://" + variable(t, service(t, "retrier"), "KAFKA_BROKERS")
	if !slices.Contains(advertised, inside) || !slices.Contains(advertised, "HOST://localhost:"+kafka.Ports[0].Published) {
		t.Errorf("advertised: %q; containers use %q, the host port %s", advertised, inside, kafka.Ports[0].Published)
	}
}

func TestNothingIsReachableFromOtherMachines(t *testing.T) {
	for _, s := range project(t).Services {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s on %q", s.Name, port.Published, port.HostIP)
			}
		}
	}
}

func TestOurContainersAreHardened(t *testing.T) {
	for _, s := range project(t).Services {
		ours := s.Build != nil
		if ours && !s.ReadOnly {
			t.Errorf("%s can write to its root file system", s.Name)
		}
		if s.Privileged || !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s keeps privileges", s.Name)
		}
	}
}

func TestImagesArePinnedAndTargetsExist(t *testing.T) {
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range project(t).Services {
		switch {
		case s.Build == nil:
			if _, tag, _ := strings.Cut(s.Image, ":"); tag == "" || tag == "latest" {
				t.Errorf("%s: %q has no fixed version", s.Name, s.Image)
			}
		case !strings.Contains(string(dockerfile), " AS "+s.Build.Target+"\n"):
			t.Errorf("%s: the Dockerfile has no target %q", s.Name, s.Build.Target)
		}
	}
}
