#!/usr/bin/env bash
# Prints a directory that holds etcd, kube-apiserver and kube-controller-manager: KUBEBUILDER_ASSETS where it is set, else a cache that
# is filled once from the Go modules named in go.mod and used again by every later run. Only the directory goes to stdout.
#
#   CODEUPGRADE_CACHE   where the cache is (default: $XDG_CACHE_HOME/codeupgrade, or ~/.cache/codeupgrade)
set -euo pipefail

commands=(etcd kube-apiserver kube-controller-manager)

say() { echo "controlplane: $*" >&2; }
fail() { say "$*"; exit 1; }

has_all() { # directory
  local command
  for command in "${commands[@]}"; do [ -x "$1/$command" ] || return 1; done
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  for command in "${commands[@]}"; do
    [ -x "$KUBEBUILDER_ASSETS/$command" ] || fail "KUBEBUILDER_ASSETS is $KUBEBUILDER_ASSETS, but there is no executable $command in it." \
      "Put one there, or unset KUBEBUILDER_ASSETS to have all of ${commands[*]} built from source."
  done
  (cd "$KUBEBUILDER_ASSETS" && pwd)
  exit
fi

cd "$(dirname "${BASH_SOURCE[0]}")"
go_wanted=$(sed -n 's/^go //p' go.mod)
kubernetes=$(sed -n 's/^[[:space:]]*k8s.io\/kubernetes \(v[0-9.]*\)$/\1/p' go.mod)

command -v go >/dev/null || fail "Go is not installed: install Go $go_wanted or later and put it on PATH," \
  "or set KUBEBUILDER_ASSETS to a directory that holds ${commands[*]}."
go_version=$(go version) || fail "'go version' failed (above): this needs Go $go_wanted or later, or a Go that may fetch that toolchain" \
  "(GOTOOLCHAIN=auto)."

# Whatever changes the binaries is part of the directory's name, so a stale cache cannot be used.
ldflags="-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes"
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }
digest=$({ cat go.mod go.sum etcd/main.go; echo "$go_version $ldflags"; } | sha256 | cut -c1-16)
root=${CODEUPGRADE_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME, or CODEUPGRADE_CACHE to where the cache may be}/.cache}/codeupgrade}/controlplane
directory=$root/$digest

if ! has_all "$directory"; then
  say "building etcd and Kubernetes $kubernetes once into $directory: about 6 minutes on two cores"
  mkdir -p "$root"
  # Built beside its place and renamed, so that a build that was cut short is never taken for a whole one.
  unfinished=$(mktemp -d "$root/.unfinished-XXXXXX")
  trap 'rm -rf "$unfinished"' EXIT
  CGO_ENABLED=0 go build -buildvcs=false -mod=readonly -trimpath -ldflags "$ldflags" -o "$unfinished/" \
    ./etcd k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager >&2 ||
    fail "the build failed (above). It needs Go $go_wanted or later, a reachable Go module proxy ('go env GOPROXY')," \
      "about 4 GB of disk for modules and Go's build cache, and 3 GB of memory. Run 'make controlplane' again once that is mended:" \
      "what was compiled is kept. Or set KUBEBUILDER_ASSETS to a directory that holds ${commands[*]}."
  chmod 755 "$unfinished"
  # Another build may have been faster; then its result is as good as ours.
  has_all "$directory" || { rm -rf "$directory" && mv "$unfinished" "$directory"; }
  say "built $(du -sh "$directory" | cut -f1) in $SECONDS s"
fi
(cd "$directory" && pwd)
