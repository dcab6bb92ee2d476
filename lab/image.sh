#!/bin/sh
# Turns a fresh root file system ($1) into the lab's image: nothing of the machine that built it, no service that starts
# by itself, and a systemd that is ready in a second.
set -eu
root=$1

# The hosts' names, addresses and resolvers are the inventory's. An empty machine-id (not a missing one) makes systemd
# take the container's own, without a "first boot" that would switch every service on.
rm -f "$root/etc/hostname" "$root/etc/resolv.conf"
: >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
# Whatever the machine's own apt was told (a proxy, perhaps with its password) stays on the machine.
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/usr/sbin/policy-rc.d"
: >"$root/etc/apt/sources.list"

# Roles start services when they have configured them: an nginx that runs on every host would take port 80 on the
# balancers. Disabled, not masked: enabling one is a role's task.
for service in haproxy keepalived nginx nsd unbound nftables; do
    chroot "$root" systemctl --quiet disable "$service.service"
done

# A host needs none of these, and each costs start time or memory. Mounts of debugging file systems, devices' quota of
# huge pages and kernel modules are the machine's.
for unit in \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer motd-news.timer \
    systemd-tmpfiles-clean.timer man-db.timer \
    e2scrub_reap.service getty.target console-getty.service systemd-logind.service systemd-ask-password-wall.path \
    systemd-ask-password-console.path systemd-journal-flush.service systemd-journal-catalog-update.service \
    systemd-update-done.service systemd-update-utmp.service systemd-update-utmp-runlevel.service ldconfig.service \
    systemd-hwdb-update.service systemd-sysusers.service systemd-firstboot.service systemd-machine-id-commit.service systemd-pstore.service \
    systemd-networkd.service systemd-resolved.service systemd-timesyncd.service networkd-dispatcher.service \
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount unbound-resolvconf.service \
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    sys-fs-fuse-connections.mount modprobe@.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"

# Python keeps what it has compiled of Ansible's modules; zip_bytecode.py says why.
install -m 644 "$(dirname "$0")/zip_bytecode.py" "$root/usr/lib/python3/dist-packages/"
echo 'import zip_bytecode; zip_bytecode.keep()' >"$root/usr/lib/python3/dist-packages/zip_bytecode.pth"

# Each host's journal is in memory: enough to see why a service failed, no more.
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=4M\nRuntimeMaxFileSize=1M\nForwardToSyslog=no\nAudit=no\n' \
    >"$root/etc/systemd/journald.conf.d/lab.conf"

rm -rf "$root/var/cache/apt/archives" "$root/var/cache/debconf" "$root/var/log/apt" "$root"/var/lib/apt/lists/*
mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial" "$root/var/cache/debconf"
find "$root/var/log" -type f -delete
