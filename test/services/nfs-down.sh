#!/bin/bash
# Takes the NFS mount, its server and its files away; harmless when there is none.
. "$(dirname "$0")/lib.sh"
N=$CONF_HOME/nfs
if mountpoint -q "$N/mount"; then umount "$N/mount" 2>/dev/null || umount -f -l "$N/mount"; fi
stop ganesha
mountpoint -q "$N/mount" || rm -rf "$N"
