#!/bin/sh
# Turns the lab's root file system ($1), which lab/image.sh has been through, into that of a virtual machine: one that
# boots quickly, also in software emulation, and that Vagrant can enter.
set -eu
root=$1

# Vagrant's own way in: a user `vagrant` who may do everything, and the key that comes with Vagrant. Everyone knows that
# key: nobody but this machine reaches the networks that these machines are in.
chroot "$root" useradd --create-home --shell /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/vagrant"
chmod 440 "$root/etc/sudoers.d/vagrant"
install -d -m 700 "$root/home/vagrant/.ssh"
# The program that runs, not a path: the file's place carries Vagrant's version.
key=$(find /usr/share/rubygems-integration /opt/vagrant/embedded/gems -path '*/keys/vagrant.pub' 2>/dev/null | head -n 1)
[ -n "$key" ] || { echo "E: Vagrant's public key (keys/vagrant.pub) is not on this machine: is vagrant installed?" >&2; exit 1; }
install -m 600 "$key" "$root/home/vagrant/.ssh/authorized_keys"
chroot "$root" chown -R vagrant:vagrant /home/vagrant

# One host key, made at the first boot: each machine has its own, and it is the kind that is quick to make.
rm -f "$root"/etc/ssh/ssh_host_*
mkdir -p "$root/etc/systemd/system/ssh.service.d"
cat >"$root/etc/systemd/system/ssh.service.d/host-key.conf" <<'UNIT'
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c '[ -s /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key'
ExecStartPre=/usr/sbin/sshd -t
UNIT
printf 'UseDNS no\nHostKey /etc/ssh/ssh_host_ed25519_key\n' >"$root/etc/ssh/sshd_config.d/lab.conf"

# systemd-networkd is ready long before ifupdown. The first interface is Vagrant's; by its MAC, not by the machine-id,
# is it known to the DHCP server, so that it keeps its address.
rm -f "$root/etc/systemd/system/systemd-networkd.service"
chroot "$root" systemctl --quiet enable systemd-networkd.service
chroot "$root" systemctl --quiet mask systemd-networkd-wait-online.service
cat >"$root/etc/systemd/network/10-vagrant.network" <<'NETWORK'
[Match]
Name=eth0
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
[DHCPv4]
ClientIdentifier=mac
UseDNS=no
UseHostname=no
NETWORK

# Of the kernel's modules the initramfs takes the disk's only: everything else is loaded when it is needed.
echo lab >"$root/etc/hostname"
echo '/dev/vda / ext4 noatime 0 0' >"$root/etc/fstab"
printf 'virtio_pci\nvirtio_blk\n' >"$root/etc/initramfs-tools/modules"
printf 'MODULES=list\nCOMPRESS=gzip\nRESUME=none\nFSTYPE=ext4\n' >"$root/etc/initramfs-tools/conf.d/lab"
chroot "$root" update-initramfs -u
mkdir -p "$root/boot/extlinux"
cat >"$root/boot/extlinux/extlinux.conf" <<BOOT
default lab
prompt 0
timeout 0
label lab
    kernel /boot/$(basename "$root"/boot/vmlinuz-*)
    initrd /boot/$(basename "$root"/boot/initrd.img-*)
    append root=/dev/vda rw net.ifnames=0 console=ttyS0 quiet
BOOT
