#!/bin/sh
# Builds containerd 1.7 with its shim and its client. Its go.mod has replacements, which `go install`
# refuses: it is built where Go has unpacked it.
set -eu
cd "$(dirname "$0")/../.."

version=v1.7.35
module=github.com/containerd/containerd

folder=$PWD/build/callers-17
PATH=$PATH:/usr/local/go/bin
command -v go > /dev/null || { echo "Go is not installed"; exit 1; }
cd /
source=$(go mod download -json $module@$version | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cd "$source"
CGO_ENABLED=0 GOFLAGS=-trimpath go build -o "$folder/bin/" \
  ./cmd/containerd ./cmd/ctr ./cmd/containerd-shim-runc-v2
echo "$version" > "$folder/version"
