#!/bin/sh
# Enters a root file system ($1) and runs a script ($3) there as a user ($2), in the user's home. To be called in mount and
# PID namespaces of its own. The network is this machine's, and so are the files named last, at the same places.
set -eu
root=$1 user=$2 script=$3
shift 3

mount --bind "$root" "$root" # pivot_root wants a mount point
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for file in /etc/resolv.conf "$@"; do
    mkdir -p "$root$(dirname "$file")"
    [ -e "$root$file" ] || : >"$root$file"
    mount --bind "$file" "$root$file"
done

# Not chroot: in there the kernel makes nobody a user namespace.
cd "$root"
pivot_root . mnt
umount --lazy /mnt
export PATH=/usr/local/bin:/usr/bin:/bin
[ "$user" != root ] || PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME="$(getent passwd "$user" | cut -d: -f6)"
cd "$HOME"
exec setpriv --reuid "$user" --regid "$user" --init-groups sh -ec "$script"
