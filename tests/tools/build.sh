#!/usr/bin/env bash
# Prints a directory that holds the programs which judge what is shipped: helm, promtool, and gitops, which runs what Argo CD and Flux would
# run. They are built once from the Go modules named in go.mod and used again by every later run. Only the directory goes to stdout.
#
#   CODEUPGRADE_CACHE   where the cache is (default: $XDG_CACHE_HOME/codeupgrade, or ~/.cache/codeupgrade)
set -euo pipefail

commands=(gitops helm promtool)

say() { echo "tools: $*" >&2; }
fail() { say "$*"; exit 1; }

has_all() { # directory
  local command
  for command in "${commands[@]}"; do [ -x "$1/$command" ] || return 1; done
}

cd "$(dirname "${BASH_SOURCE[0]}")"
go_wanted=$(sed -n 's/^go //p' go.mod)
command -v go >/dev/null || fail "Go is not installed: install Go $go_wanted or later and put it on PATH."
go_version=$(go version) || fail "'go version' failed (above): this needs Go $go_wanted or later, or a Go that may fetch that toolchain" \
  "(GOTOOLCHAIN=auto)."

# Whatever changes the programs is part of the directory's name, so a stale cache cannot be used. Flags are those of the control plane,
# so that what both need is compiled once. Prometheus' ways to find targets are left out: rules need none.
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }
digest=$({ cat go.mod go.sum gitops/*.go; echo "$go_version"; } | sha256 | cut -c1-16)
root=${CODEUPGRADE_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME, or CODEUPGRADE_CACHE to where the cache may be}/.cache}/codeupgrade}/tools
directory=$root/$digest

if ! has_all "$directory"; then
  say "building ${commands[*]} once into $directory: about 3 minutes on two cores"
  mkdir -p "$root"
  # Built beside its place and renamed, so that a build that was cut short is never taken for a whole one.
  unfinished=$(mktemp -d "$root/.unfinished-XXXXXX")
  trap 'rm -rf "$unfinished"' EXIT
  CGO_ENABLED=0 go build -buildvcs=false -mod=readonly -trimpath -tags remove_all_sd -ldflags "-s -w" -o "$unfinished/" \
    ./gitops github.com/prometheus/prometheus/cmd/promtool helm.sh/helm/v3/cmd/helm >&2 ||
    fail "the build failed (above). It needs Go $go_wanted or later and a reachable Go module proxy ('go env GOPROXY')."
  chmod 755 "$unfinished"
  # Another build may have been faster; then its result is as good as ours.
  has_all "$directory" || { rm -rf "$directory" && mv "$unfinished" "$directory"; }
  say "built $(du -sh "$directory" | cut -f1) in $SECONDS s"
fi
(cd "$directory" && pwd)
