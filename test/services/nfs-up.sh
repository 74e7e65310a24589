#!/bin/bash
# A directory on a real NFS mount: exports one from a server in user space (nfs-ganesha, NFS 4 only, loopback), mounts
# it and prints where, for eval. Where that is not permitted it says so in one line, leaves nothing behind and ends
# well: containers may not mount, and many kernels have no NFS. nfs-down.sh takes all of it away again.
. "$(dirname "$0")/lib.sh"
N=$CONF_HOME/nfs
NFS_PORT=${NFS_PORT:-12049}

# why... : no NFS here, which is no failure.
without() { "$HERE/nfs-down.sh" 2>/dev/null; say "no NFS mount: $*"; exit 0; }

has_client() { grep -qw nfs4 /proc/filesystems || { modprobe nfsv4 && grep -qw nfs4 /proc/filesystems; } 2>/dev/null; }
has_client || without "this kernel has no NFS client"

packages() {
  export DEBIAN_FRONTEND=noninteractive
  local policy=/usr/sbin/policy-rc.d ours=no status=0
  [ -e $policy ] || { ours=yes; printf '#!/bin/sh\nexit 101\n' >$policy; chmod 755 $policy; }
  apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends \
    nfs-ganesha nfs-ganesha-vfs nfs-common >"$LOG/nfs-install.log" 2>&1 || status=1
  [ $ours = no ] || rm -f $policy
  return $status
}
{ which ganesha.nfsd && which mount.nfs4; } >/dev/null 2>&1 || packages || without "its packages cannot be installed"

mkdir -p "$N/export" "$N/mount" "$N/recovery"
mountpoint -q "$N/mount" && { echo "export TEST_NFS_DIR=$N/mount"; exit 0; }
cat >"$N/ganesha.conf" <<E
NFS_CORE_PARAM {
  Protocols = 4;
  NFS_Port = $NFS_PORT;
  Bind_addr = 127.0.0.1;
  Enable_NLM = false;
  Enable_RQUOTA = false;
  mount_path_pseudo = true;
}
NFSv4 { Graceless = true; RecoveryBackend = fs; RecoveryRoot = $N/recovery; }
EXPORT {
  Export_Id = 1;
  Path = $N/export;
  Pseudo = /vitrine;
  Access_Type = RW;
  Squash = No_Root_Squash;
  SecType = sys;
  Protocols = 4;
  FSAL { Name = VFS; }
}
E
start ganesha ganesha.nfsd -F -f "$N/ganesha.conf" -L "$LOG/ganesha-server.log" -p "$N/pid"
for _ in $(seq 40); do
  alive ganesha || without "the server ended: $(tail -n 1 "$LOG/ganesha-server.log" 2>/dev/null)"
  (exec 3<>"/dev/tcp/127.0.0.1/$NFS_PORT") 2>/dev/null && break
  sleep 0.25
done
# soft: when the server is gone, calls fail instead of waiting for ever.
options=vers=4.1,port=$NFS_PORT,soft,timeo=50,retrans=2
timeout 30 mount -t nfs4 -o "$options" 127.0.0.1:/vitrine "$N/mount" 2>"$LOG/nfs-mount.log" ||
  without "mounting is not permitted: $(tail -n 1 "$LOG/nfs-mount.log")"
touch "$N/mount/.works" 2>/dev/null || without "the mount cannot be written to"
rm -f "$N/mount/.works"
say "nfs is up on $NFS_PORT"
echo "export TEST_NFS_DIR=$N/mount"
