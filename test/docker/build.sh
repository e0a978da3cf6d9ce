#!/bin/sh
# Builds the newest daemon of Docker, and what it calls for published ports.
set -eu
cd "$(dirname "$0")/../.."

version=v2.0.0-beta.24

folder=$PWD/build/docker
PATH=$PATH:/usr/local/go/bin
command -v go > /dev/null || { echo "Go is not installed"; exit 1; }
# Outside of this project: Go would read a go.mod that it finds above the working directory.
cd /
module=github.com/moby/moby/v2
GOBIN=$folder/bin GOFLAGS=-trimpath go install \
  $module/cmd/dockerd@$version $module/cmd/docker-proxy@$version
echo "$version" > "$folder/version"
