package deploy

import (
	"reflect"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// receiver is the output of the overlay for remux-retrier receive.
type receiver struct {
	deployment    appsv1.Deployment
	service       corev1.Service
	configMap     corev1.ConfigMap
	ingress       networkingv1.Ingress
	budget        policyv1.PodDisruptionBudget
	networkPolicy networkingv1.NetworkPolicy
	podMonitor    monitoringv1.PodMonitor
}

func buildReceiver(t *testing.T) receiver {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), manifests+"receive-example")
	if err != nil {
		t.Fatal(err)
	}
	var r receiver
	kinds := map[string]any{
		"Deployment": &r.deployment, "Service": &r.service, "ConfigMap": &r.configMap, "Ingress": &r.ingress,
		"PodDisruptionBudget": &r.budget, "NetworkPolicy": &r.networkPolicy, "PodMonitor": &r.podMonitor,
	}
	for _, made := range resources.Resources() {
		text, err := made.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		into := kinds[made.GetKind()]
		if into == nil {
			t.Fatalf("unexpected %s", made.GetKind())
		}
		if err := yaml.UnmarshalStrict(text, into); err != nil {
			t.Errorf("%s: %v", made.GetKind(), err)
		}
		delete(kinds, made.GetKind())
	}
	if len(kinds) > 0 {
		t.Errorf("missing: %v", kinds)
	}
	return r
}

func TestReceiverIsReachedAtOnePortAlone(t *testing.T) {
	r := buildReceiver(t)
	pod := r.deployment.Spec.Template
	for what, selector := range map[string]map[string]string{
		"Deployment": r.deployment.Spec.Selector.MatchLabels, "Service": r.service.Spec.Selector, "PodDisruptionBudget": r.budget.Spec.Selector.MatchLabels,
		"NetworkPolicy": r.networkPolicy.Spec.PodSelector.MatchLabels, "PodMonitor": r.podMonitor.Spec.Selector.MatchLabels,
	} {
		if !reflect.DeepEqual(selector, pod.Labels) {
			t.Errorf("%s looks for %v, the pods are %v", what, selector, pod.Labels)
		}
	}
	backend := r.ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
	if backend.Name != r.service.Name || backend.Port.Name != r.service.Spec.Ports[0].Name || r.service.Spec.Ports[0].TargetPort.String() != "smn" || len(r.service.Spec.Ports) != 1 {
		t.Errorf("%+v leads to %+v", backend, r.service.Spec.Ports)
	}
	ports := pod.Spec.Containers[0].Ports
	if ports[0].Name != "smn" || r.configMap.Data["RECEIVE_ADDR"] != "0.0.0.0:8443" || ports[0].ContainerPort != 8443 ||
		r.configMap.Data["HTTP_ADDR"] != "0.0.0.0:8080" || ports[1].ContainerPort != 8080 {
		t.Errorf("%+v, %v", ports, r.configMap.Data)
	}
	if len(r.ingress.Spec.TLS) != 1 || r.ingress.Spec.TLS[0].Hosts[0] != r.ingress.Spec.Rules[0].Host {
		t.Error("messages come unencrypted")
	}
}

func TestReceiverKeepsNoPrivilegesAndLosesNothingAtAnUpdate(t *testing.T) {
	r := buildReceiver(t)
	pod := r.deployment.Spec.Template.Spec
	c := pod.Containers[0]
	if s := pod.SecurityContext; !*s.RunAsNonRoot || *s.RunAsUser == 0 || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || *pod.AutomountServiceAccountToken {
		t.Errorf("%+v", s)
	}
	if s := c.SecurityContext; !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || !reflect.DeepEqual(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("%+v", s)
	}
	if u := r.deployment.Spec.Strategy.RollingUpdate; u.MaxUnavailable.IntValue() != 0 || *r.deployment.Spec.Replicas < 2 {
		t.Errorf("an update takes instances away: %+v", u)
	}
	own, err := time.ParseDuration(r.configMap.Data["SHUTDOWN_TIMEOUT"])
	if err != nil || time.Duration(*pod.TerminationGracePeriodSeconds)*time.Second < own+5*time.Second {
		t.Errorf("Kubernetes waits %d s, receive takes up to %v", *pod.TerminationGracePeriodSeconds, own)
	}
	if c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/healthz" || !reflect.DeepEqual(c.Args, []string{"receive"}) {
		t.Errorf("%+v", c)
	}
	if got := c.EnvFrom[0].ConfigMapRef.Name; got != r.configMap.Name || r.configMap.Data["RECEIVE_TOPIC_URNS"] == "" {
		t.Errorf("the pods read %s, the map is %s", got, r.configMap.Name)
	}
}
