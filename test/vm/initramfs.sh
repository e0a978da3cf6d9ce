#!/bin/busybox sh
# The initramfs: finds the disks, mounts them, and goes on with the init that the command line names.
/bin/busybox mkdir -p /proc /dev /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
for name in $(/bin/busybox cat /modules/order); do
  [ ! -e "/modules/$name.ko" ] || /bin/busybox insmod "/modules/$name.ko"
done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount -t ext4 /dev/vdb /root/job
for word in $(/bin/busybox cat /proc/cmdline); do
  case $word in init=*) init=${word#init=} ;; esac
done
for place in proc dev; do /bin/busybox mount --move "/$place" "/root/$place"; done
exec /bin/busybox switch_root /root "${init:-/sbin/init}"
