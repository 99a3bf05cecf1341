// Package deploy checks what ../../deploy holds with the libraries of those who
// will read it: kustomize, the API types of Kubernetes, the Prometheus operator
// and KEDA, and Prometheus' own parser. It is a module of its own because these
// and the linter's libraries ask for different versions of the same modules.
// Nothing may import it.
package deploy
