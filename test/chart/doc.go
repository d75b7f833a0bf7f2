// Package chart tests the Helm chart in deploy/helm with Helm's own code: it lints and renders
// the chart, checks the result against Kubernetes' own schemas, and shows that the chart
// refuses values that make no sense. It is a separate module, so that the product does not
// depend on Helm.
package chart
