#!/bin/sh
# Makes a root filesystem out of the machine's own shell and tools, with the libraries they need.
# Usage: bundles/rootfs.sh FOLDER. What was there before is replaced once the new one is whole.
set -eu

target=$1
new=$target.$$
trap 'rm -rf "$new"' EXIT
mkdir -p "$new/bin" "$new/dev" "$new/etc" "$new/proc" "$new/sys" "$new/tmp"

# Copies a file to the same place in the new root: libraries stay where the loader looks for them.
copy() {
  mkdir -p "$new${1%/*}"
  cp --dereference "$1" "$new$1"
}

for tool in sh cat env grep hostname id ls mkdir sed sleep stty tty uname; do
  program=$(command -v "$tool") || continue
  cp --dereference "$program" "$new/bin/$tool"
  # Lines of ldd(1): "libc.so.6 => /lib/… (0x…)", and the loader without an arrow.
  ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    [ -e "$new$library" ] || copy "$library"
  done
done

install -m 755 "$(dirname "$0")/hello/hello.sh" "$new/bin/hello"
echo "root:x:0:0:root:/:/bin/sh" > "$new/etc/passwd"

rm -rf "$target"
mv "$new" "$target"
