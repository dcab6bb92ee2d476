#!/bin/sh
# QEMU, given less room for translated code: by itself it takes 1 GB for each machine (or an eighth of the memory), most
# of it for nothing. A machine of the lab takes 0.54 GB instead of 1.45 GB, in the same time. libvirt knows the setting,
# Vagrant's provider does not.
set -eu
count=$#
while [ "$count" -gt 0 ]; do
    word=$1
    shift
    [ "$word" != tcg ] || word=tcg,tb-size=256
    set -- "$@" "$word"
    count=$((count - 1))
done
exec "qemu-system-$(uname -m)" "$@"
