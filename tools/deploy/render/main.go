// Command render prints the output of a kustomize overlay, for a schema checker that knows
// Kubernetes' own kinds. Custom resources are left out: deploy's tests check those with
// their operators' types.
//
//	go run ./render ../../deploy/kubernetes/example
package main

import (
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func main() {
	if err := render(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func render(overlays []string) error {
	for _, overlay := range overlays {
		resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), overlay)
		if err != nil {
			return err
		}
		for _, r := range resources.Resources() {
			group, _, named := strings.Cut(r.GetApiVersion(), "/")
			if named && strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") {
				continue
			}
			text, err := r.AsYAML()
			if err != nil {
				return err
			}
			fmt.Printf("---\n%s", text)
		}
	}
	return nil
}
