// Package chart tests the Helm chart in deploy/helm, by Helm's own code: it lints and renders the chart, holds what comes
// out to Kubernetes' own schemas, and shows that values which make no sense are refused. It is a module of its own, so that
// the product has no part of Helm.
package chart
