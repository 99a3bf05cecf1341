package deploy

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// cronJob is the example's CronJob, with the component sweep.
func cronJob(t *testing.T) (job batchv1.CronJob, configMap string) {
	t.Helper()
	text, err := os.ReadFile(manifests + "example/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	overlay := t.TempDir()
	here, err := filepath.Abs(manifests)
	if err != nil {
		t.Fatal(err)
	}
	up, err := filepath.Rel(overlay, here)
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), "# - ../sweep", "- ../sweep", 1)
	if with == string(text) {
		t.Fatal("the example does not show the component sweep")
	}
	with = strings.ReplaceAll(with, "- ../", "- "+filepath.ToSlash(up)+"/")
	if err := os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), []byte(with), 0o600); err != nil {
		t.Fatal(err)
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), overlay)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources.Resources() {
		switch r.GetKind() {
		case "ConfigMap":
			configMap = r.GetName()
		case "CronJob":
			text, err := r.AsYAML()
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.UnmarshalStrict(text, &job); err != nil {
				t.Fatal(err)
			}
		}
	}
	return job, configMap
}

func TestTheSweepRunsAloneAndAsTheServiceIsConfigured(t *testing.T) {
	job, configMap := cronJob(t)
	pod := job.Spec.JobTemplate.Spec.Template
	own := pod.Spec.Containers[0]
	if job.Namespace != "media" || job.Spec.ConcurrencyPolicy != batchv1.ForbidConcurrent || len(own.Args) == 0 || own.Args[0] != "sweep" {
		t.Errorf("%+v", job.Spec)
	}
	if got := own.EnvFrom[0].ConfigMapRef.Name; got != configMap || got == "remux-retrier" {
		t.Errorf("it reads %s, the map is %s", got, configMap)
	}
	if _, tag, _ := strings.Cut(own.Image, ":"); tag == "" {
		t.Errorf("%s has no version", own.Image)
	}
	all := build(t, "example")
	if !reflect.DeepEqual(own.VolumeMounts, all.container().VolumeMounts) {
		t.Errorf("its secrets are in %+v", own.VolumeMounts)
	}
	// Neither the Service nor the PodDisruptionBudget may select it as an instance.
	for label, value := range all.service.Spec.Selector {
		if pod.Labels[label] == value {
			t.Errorf("the Service selects it by %s=%s", label, value)
		}
	}
	s := pod.Spec.SecurityContext
	if !*s.RunAsNonRoot || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || !*own.SecurityContext.ReadOnlyRootFilesystem ||
		*own.SecurityContext.AllowPrivilegeEscalation || *pod.Spec.AutomountServiceAccountToken {
		t.Error("it has privileges")
	}
}
