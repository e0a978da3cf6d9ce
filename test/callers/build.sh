#!/bin/sh
# Builds the callers that Debian has no package of: containerd 2 with its shim and its client.
set -eu
cd "$(dirname "$0")/../.."

version=v2.4.2
module=github.com/containerd/containerd/v2

folder=$PWD/build/callers
PATH=$PATH:/usr/local/go/bin
command -v go > /dev/null || { echo "Go is not installed"; exit 1; }
# Outside of this project: Go would read a go.mod that it finds above the working directory.
cd /
CGO_ENABLED=0 GOBIN=$folder/bin GOFLAGS=-trimpath go install \
  $module/cmd/containerd@$version $module/cmd/ctr@$version \
  $module/cmd/containerd-shim-runc-v2@$version
echo "$version" > "$folder/version"
