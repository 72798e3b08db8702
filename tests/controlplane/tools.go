//go:build tools

// Package controlplane names the commands that build.sh builds, so that `go mod tidy` keeps their modules.
package controlplane

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
)
