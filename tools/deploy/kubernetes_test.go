package deploy

import (
	"testing"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const manifests = "../../deploy/kubernetes/"

// cluster is the output of an overlay, decoded with the types of each kind's server: an
// unknown field, or one of another type, is an error.
type cluster struct {
	statefulSet   appsv1.StatefulSet
	service       corev1.Service
	configMap     corev1.ConfigMap
	budget        policyv1.PodDisruptionBudget
	networkPolicy networkingv1.NetworkPolicy
	podMonitor    monitoringv1.PodMonitor
	scaledObject  kedav1alpha1.ScaledObject
}

func build(t *testing.T, overlay string) cluster {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), manifests+overlay)
	if err != nil {
		t.Fatal(err)
	}
	var c cluster
	kinds := map[string]any{
		"apps/v1 StatefulSet": &c.statefulSet, "v1 Service": &c.service, "v1 ConfigMap": &c.configMap,
		"policy/v1 PodDisruptionBudget": &c.budget, "networking.k8s.io/v1 NetworkPolicy": &c.networkPolicy,
		"monitoring.coreos.com/v1 PodMonitor": &c.podMonitor, "keda.sh/v1alpha1 ScaledObject": &c.scaledObject,
	}
	for _, r := range resources.Resources() {
		kind := r.GetApiVersion() + " " + r.GetKind()
		into := kinds[kind]
		if into == nil {
			t.Fatalf("%s: unexpected %s", overlay, kind)
		}
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict(text, into); err != nil {
			t.Errorf("%s: %s: %v", overlay, kind, err)
		}
		delete(kinds, kind) // a second one would overwrite the first
	}
	return c
}

func (c cluster) container() corev1.Container { return c.statefulSet.Spec.Template.Spec.Containers[0] }

func (c cluster) variable(name string) corev1.EnvVar {
	for _, v := range c.container().Env {
		if v.Name == name {
			return v
		}
	}
	return corev1.EnvVar{}
}

func TestManifestsAreWhatTheirServersKnow(t *testing.T) {
	base := build(t, "base")
	if base.podMonitor.Name != "" || base.scaledObject.Name != "" {
		t.Error("the base needs operators that not every cluster has")
	}
	all := build(t, "example")
	if p := base.networkPolicy.Spec; len(p.PolicyTypes) != 1 || len(p.Egress) > 0 {
		t.Errorf("the base does not know where brokers are, and limits egress: %+v", p)
	}
	if p := all.networkPolicy.Spec; len(p.PolicyTypes) != 2 || len(p.Egress) == 0 || len(p.Ingress) != len(base.networkPolicy.Spec.Ingress) {
		t.Errorf("the component egress is not added to what may come in: %+v", p)
	}
	for kind, name := range map[string]string{
		"StatefulSet": all.statefulSet.Name, "Service": all.service.Name, "PodDisruptionBudget": all.budget.Name,
		"NetworkPolicy": all.networkPolicy.Name, "PodMonitor": all.podMonitor.Name, "ScaledObject": all.scaledObject.Name,
	} {
		if name != "remux-retrier" {
			t.Errorf("%s is named %q", kind, name)
		}
	}
}
