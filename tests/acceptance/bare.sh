#!/bin/sh
# Makes a fresh root file system ($1) a system that somebody uses: an ordinary user, and nothing of the machine that built it.
set -eu
root=$1
chroot "$root" useradd --create-home --shell /bin/sh somebody
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/usr/sbin/policy-rc.d"
: >"$root/etc/apt/sources.list"
