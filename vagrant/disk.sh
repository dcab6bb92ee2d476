#!/bin/sh
# Makes a disk that boots of a root file system: disk.sh ROOT DISK. The whole disk is one file system, without a
# partition table: its boot loader stands in the file system's own boot sector.
set -eu
root=$1 disk=$2
size=2G  # 440 MB are full; a disk file takes what is written to it

truncate -s "$size" "$disk.raw"
# Features that the boot loader cannot read are left out. No journal: a lab's disk is thrown away, not repaired.
mke2fs -q -t ext4 -O ^64bit,^metadata_csum,^has_journal -E lazy_itable_init=1 -d "$root" "$disk.raw"
mkdir "$disk.mount"
mount -o loop "$disk.raw" "$disk.mount"
trap 'umount "$disk.mount"' EXIT
extlinux --install "$disk.mount/boot/extlinux"
trap - EXIT
umount "$disk.mount"
rmdir "$disk.mount"
qemu-img convert -f raw -O qcow2 "$disk.raw" "$disk"
rm "$disk.raw"
