package deploy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPodKeepsNoPrivileges(t *testing.T) {
	c := build(t, "base")
	pod, own := c.statefulSet.Spec.Template.Spec, c.container().SecurityContext
	if s := pod.SecurityContext; !*s.RunAsNonRoot || *s.RunAsUser == 0 || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%+v", s)
	}
	if !*own.ReadOnlyRootFilesystem || *own.AllowPrivilegeEscalation || !reflect.DeepEqual(own.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("%+v", own)
	}
	if *pod.AutomountServiceAccountToken || pod.HostNetwork || pod.HostPID {
		t.Error("the pod can reach the cluster's or the node's insides")
	}
}

func TestPodIsKilledOnlyAfterItsOwnGrace(t *testing.T) {
	c := build(t, "example")
	own, err := time.ParseDuration(c.configMap.Data["SHUTDOWN_TIMEOUT"])
	if err != nil {
		t.Fatal(err)
	}
	if grace := time.Duration(*c.statefulSet.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second; grace < own+5*time.Second {
		t.Errorf("Kubernetes waits %v, the service takes up to %v", grace, own)
	}
}

func TestInstanceIsNamedByItsPod(t *testing.T) {
	from := build(t, "base").variable("KAFKA_INSTANCE_ID").ValueFrom
	if from == nil || from.FieldRef == nil || from.FieldRef.FieldPath != "metadata.name" {
		t.Errorf("KAFKA_INSTANCE_ID is from %+v", from)
	}
}

func TestMemoryLimitLeavesRoomAboveGoMemLimit(t *testing.T) {
	c := build(t, "base")
	soft, err := resource.ParseQuantity(strings.TrimSuffix(c.variable("GOMEMLIMIT").Value, "B"))
	if err != nil {
		t.Fatal(err)
	}
	hard := c.container().Resources.Limits[corev1.ResourceMemory]
	if share := soft.AsApproximateFloat64() / hard.AsApproximateFloat64(); share < 0.85 || share > 0.92 {
		t.Errorf("GOMEMLIMIT is %.2f of the memory limit", share)
	}
	if _, limited := c.container().Resources.Limits[corev1.ResourceCPU]; limited {
		t.Error("the CPU is limited: throttling delays the heartbeats")
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if _, asked := c.container().Resources.Requests[name]; !asked {
			t.Errorf("no %s is requested", name)
		}
	}
}

func TestProbesAskWhatTheyAreFor(t *testing.T) {
	c := build(t, "example")
	ready, alive := c.container().ReadinessProbe, c.container().LivenessProbe
	if ready.HTTPGet.Path != "/readyz" || alive.HTTPGet.Path != "/healthz" || c.container().StartupProbe != nil {
		t.Error("a probe asks for something else")
	}
	if restartAfter := alive.PeriodSeconds * alive.FailureThreshold; restartAfter < 120 {
		t.Errorf("a hanging instance is restarted after %d s already", restartAfter)
	}
	if addr := c.configMap.Data["HTTP_ADDR"]; addr != "0.0.0.0:8080" || c.container().Ports[0].ContainerPort != 8080 {
		t.Errorf("the service listens on %s, the probes ask port %d", addr, c.container().Ports[0].ContainerPort)
	}
}

func TestSecretsAreFiles(t *testing.T) {
	c := build(t, "example")
	mounted := c.container().VolumeMounts[0].MountPath + "/"
	files := 0
	for name, value := range c.configMap.Data {
		if strings.HasSuffix(name, "_FILE") {
			files++
			if !strings.HasPrefix(value, mounted) {
				t.Errorf("%s=%s is not below %s", name, value, mounted)
			}
			continue
		}
		if strings.Contains(name, "KEY") || strings.Contains(name, "PASSWORD") || strings.Contains(name, "TOKEN") {
			t.Errorf("%s is in the config map", name)
		}
	}
	if files == 0 {
		t.Error("the example has no credentials")
	}
}

func TestSelectorsFindThePods(t *testing.T) {
	c := build(t, "example")
	pods := c.statefulSet.Spec.Template.Labels
	for kind, s := range map[string]*metav1.LabelSelector{
		"StatefulSet": c.statefulSet.Spec.Selector, "Service": {MatchLabels: c.service.Spec.Selector}, "PodDisruptionBudget": c.budget.Spec.Selector,
		"NetworkPolicy": &c.networkPolicy.Spec.PodSelector, "PodMonitor": &c.podMonitor.Spec.Selector,
		"spread": c.statefulSet.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector,
	} {
		if s == nil || len(s.MatchLabels) == 0 {
			t.Errorf("%s selects everything", kind)
			continue
		}
		for label, value := range s.MatchLabels {
			if pods[label] != value {
				t.Errorf("%s looks for %s=%s, which no pod has", kind, label, value)
			}
		}
	}
}

func TestOverlayReachesEveryPlaceThatMustAgree(t *testing.T) {
	c := build(t, "example")
	if c.statefulSet.Spec.ServiceName != c.service.Name {
		t.Error("the pods have no names in DNS")
	}
	if got := c.container().EnvFrom[0].ConfigMapRef.Name; got != c.configMap.Name || got == "remux-retrier" {
		t.Errorf("the pods read %s, the map is %s: a changed setting must roll them", got, c.configMap.Name)
	}
	if _, tag, _ := strings.Cut(c.container().Image, ":"); tag == "" || tag == "latest" {
		t.Errorf("%s has no fixed version", c.container().Image)
	}
	if c.statefulSet.Spec.Replicas != nil {
		t.Error("an apply would undo KEDA's number of replicas")
	}
	trigger := c.scaledObject.Spec.Triggers[0].Metadata
	for asked, setting := range map[string]string{"bootstrapServers": "KAFKA_BROKERS", "consumerGroup": "KAFKA_GROUP_ID", "topic": "KAFKA_TOPIC_FAILED"} {
		if own := c.configMap.Data[setting]; trigger[asked] != own || own == "" {
			t.Errorf("KEDA's %s is %q, the service's %s is %q", asked, trigger[asked], setting, own)
		}
	}
	if c.scaledObject.Spec.ScaleTargetRef.Name != c.statefulSet.Name || *c.scaledObject.Spec.MaxReplicaCount > 8 {
		t.Errorf("%+v", c.scaledObject.Spec)
	}
}
