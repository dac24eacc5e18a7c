#!/bin/sh
# machine.sh ROOT LOWER UPPER WORK REPOSITORY run COMMAND ...        runs a command in a machine's file tree
# machine.sh ROOT LOWER UPPER WORK REPOSITORY boot NAME CGROUP DOCKER  has systemd be its init
#
# Run in mount and PID namespaces of its own, and to boot in all others too: nothing of it is left when its process 1 has
# ended. ROOT is an empty folder to mount the tree at; LOWER:... the trees below, UPPER what the machine changes.
set -eu
root=$1 lower=$2 upper=$3 work=$4 repository=$5 what=$6
shift 6

mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work" "$root"
mount -t proc proc "$root/proc"
mkdir -p "$root/usr/src/prevs"
mount --bind "$repository" "$root/usr/src/prevs"
mount -o remount,bind,ro "$root/usr/src/prevs"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for device in null zero full random urandom tty; do cp -a "/dev/$device" "$root/dev/$device"; done
ln -s /proc/self/fd "$root/dev/fd"
for number in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${number%:*}" "$root/dev/${number#*:}"; done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"

if [ "$what" = run ]; then exec chroot "$root" "$@"; fi

name=$1 cgroup=$2 docker=$3
hostname "$name"
echo "$name" >"$root/etc/hostname"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t sysfs -o ro sysfs "$root/sys"
# The cgroups as this kernel has them, each seen from where this machine is in it.
grep -E '^[^ ]+ /sys/fs/cgroup[ /]' /proc/self/mounts | while read -r _ point type options _; do
  case $type in
    tmpfs) mount -t tmpfs -o mode=755 tmpfs "$root$point" ;;
    cgroup) mkdir -p "$root$point" && mount -t cgroup -o "$(echo "$options" | sed -E 's/\b(rw|relatime|nosuid|nodev|noexec),?//g; s/^name=/none,name=/; s/,$//')" cgroup "$root$point" ;;
    cgroup2) mkdir -p "$root$point" && mount -t cgroup2 cgroup2 "$root$point" ;;
  esac
done
# The kernel's settings are everybody's, but for those of the network.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,ro "$root/proc/sys"
if [ -e "$root/proc/sysrq-trigger" ]; then mount --bind /dev/null "$root/proc/sysrq-trigger"; fi
mkdir -p "$root/var/lib/docker"
mount --bind "$docker" "$root/var/lib/docker" # an overlay cannot be on an overlay
ip link set lo up
cd "$root"
mkdir -p mnt/outside
pivot_root . mnt/outside
umount -l /mnt/outside
mount --make-rshared / # as systemd has it on a machine; it goes no further than this namespace
# systemd 257 has the older cgroups only where the kernel's command line says so; for a container its own is that.
exec env -i container=prevs PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1
