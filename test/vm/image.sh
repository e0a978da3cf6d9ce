#!/bin/sh
# Makes what `make test-vm` boots, in build/vm: a kernel, an initramfs, and a Debian with systemd on a
# disk. All of it comes from Debian's packages; nothing is installed on this machine.
set -eu
cd "$(dirname "$0")/../.."
here=$PWD/test/vm
out=$PWD/build/vm
work=$out/work
release=bookworm
# A machine with systemd and AppArmor, and the programs that the tests call.
packages=systemd-sysv,dbus,dbus-user-session,libpam-systemd,udev,kmod,apparmor,busybox-static,libstdc++6,procps,iproute2,util-linux,uidmap
# What the initramfs loads to find the disks, in this order; some are part of other kernels.
modules='virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk
  crc16 mbcache crc32c_generic libcrc32c jbd2 ext4'

rm -rf "$work"
mkdir -p "$work/root" "$work/initramfs/modules" "$work/initramfs/bin"
trap 'rm -rf "$work"' EXIT
cd "$work"

[ -n "$(apt-cache depends linux-image-cloud-amd64 2> /dev/null)" ] || apt-get update -qq
kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
# apt would give up its rights to download, and could not write here.
apt-get -o APT::Sandbox::User=root -qq download "$kernel" > /dev/null
dpkg -x "$kernel"_*.deb kernel
version=$(ls kernel/lib/modules)
depmod -b kernel "$version"
cp kernel/boot/vmlinuz-* "$out/vmlinuz"

mmdebstrap --quiet --variant=minbase --include="$packages" "$release" root.tar
tar -xf root.tar -C root
mkdir root/job
cp -a "kernel/lib/modules/$version" root/usr/lib/modules/
cp "$here/guest/job.service" root/etc/systemd/system/
mkdir -p root/etc/systemd/system/multi-user.target.wants
ln -s ../job.service root/etc/systemd/system/multi-user.target.wants/job.service
# What takes time at each boot, or space, and serves no test.
for unit in systemd-timesyncd.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
  getty@tty1.service serial-getty@ttyS0.service systemd-udev-settle.service systemd-random-seed.service \
  systemd-journal-flush.service systemd-pstore.service e2scrub_reap.service remote-fs.target apt-daily.timer \
  apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer; do
  ln -sf /dev/null "root/etc/systemd/system/$unit"
done
rm -rf root/usr/share/doc root/usr/share/man root/usr/share/locale root/var/cache/apt root/var/lib/apt/lists
mke2fs -q -t ext4 -O ^has_journal -d root disk.img "$(($(du -sm root | cut -f 1) * 5 / 4 + 500))M"

cp /bin/busybox initramfs/bin/busybox
cp "$here/initramfs.sh" initramfs/init
chmod 755 initramfs/init
for name in $modules; do
  find "kernel/lib/modules/$version" -name "$name.ko" -exec cp {} "initramfs/modules/$name.ko" \;
done
echo "$modules" > initramfs/modules/order
(cd initramfs && find . | cpio -o -H newc --quiet | gzip -1) > "$out/initramfs.img"

mv disk.img "$out/disk.img"
echo "$kernel" > "$out/version"
