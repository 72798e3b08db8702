//go:build tools

// Package tools names the commands that build.sh builds, so that `go mod tidy` keeps their modules.
package tools

import (
	_ "github.com/prometheus/prometheus/cmd/promtool"
	_ "helm.sh/helm/v3/cmd/helm"
)
