// Package deploy checks ../../deploy with the libraries of its consumers: kustomize, the
// API types of Kubernetes, the Prometheus operator and KEDA, Prometheus' own parser, and
// Grafana's types of a dashboard. It is a module of its own because these and the linter's
// libraries require different versions of the same modules. Nothing may import it.
package deploy
