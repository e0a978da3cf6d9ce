#!/bin/sh
# What the container of this bundle tells about itself. It is /bin/hello in the root filesystem.

echo "Hello from process $$ of the host $(hostname), user $(id -u)."

echo "All processes:"
for process in /proc/[0-9]*; do
  read -r name < "$process/comm"
  echo "  ${process#/proc/} $name"
done

echo "Limits:"
grep -E '^(Limit|Max (open files|core file size)) ' /proc/self/limits | sed 's/^/  /'
echo "Capabilities: $(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)"
echo "Network interfaces: $(ls /sys/class/net)"
echo "Root filesystem:" $(ls /)
if echo x 2> /dev/null > /etc/x; then echo "It can be written."; else echo "It is read-only."; fi
