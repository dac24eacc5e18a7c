"""What makes a bare tree a machine: called by mmdebstrap, with the tree's folder.

    python -m tests.kernels.furnish before TREE                   apt is set up as it is here
    python -m tests.kernels.furnish after TREE KIND PUBLIC_KEY    all is installed

KIND is uml or qemu; the key signs in as root and as `dev`, the README's new user.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from local.mesos.download import pip_index
from tests.machines import trees

_APT = ("apt.conf.d", "auth.conf.d", "trusted.gpg.d")
_UML = Path("/usr/lib/uml/modules")

# The first card leads out: by slirp, as VirtualBox's does. The second is at the switch.
_NETWORK = """\
[Match]
Name=eth0 vec0
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
"""
_NAME = """\
#!/bin/sh
# The machine's name and its address at the switch are on the kernel's command line.
for word in $(cat /proc/cmdline); do
  case $word in
    machine.name=*)
      name=${word#*=}
      echo "$name" >/etc/hostname; hostname "$name"
      grep -q " $name\\$" /etc/hosts || echo "127.0.1.1 $name" >>/etc/hosts ;;
    machine.address=*)
      for card in eth1 vec1; do
        [ -e "/sys/class/net/$card" ] || continue
        ip address replace "${word#*=}/24" dev "$card"; ip link set "$card" up
      done ;;
  esac
done
"""
_UNIT = """\
[Unit]
Before=network.target network-online.target ssh.service
After=systemd-networkd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/machine-name
[Install]
WantedBy=multi-user.target
"""
_FILES = {
    # A machine that loses its power while packages are installed is made again.
    "etc/dpkg/dpkg.cfg.d/machine": "force-unsafe-io\n",
    "etc/fstab": "LABEL=root / ext4 rw,noatime 0 1\n",
    "etc/hostname": "machine\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",
    "etc/sudoers.d/dev": "dev ALL=(ALL) NOPASSWD: ALL\n",
    "etc/systemd/network/10-out.network": _NETWORK,
    "etc/systemd/system/machine-name.service": _UNIT,
    "usr/local/sbin/machine-name": _NAME,
}
_MODES = {"etc/sudoers.d/dev": 0o440, "usr/local/sbin/machine-name": 0o755}
_MASKED = ("systemd-networkd-wait-online.service", "apt-daily.timer", "apt-daily-upgrade.timer")


def before(tree: Path) -> None:
    """Set apt up as on this machine, before it installs anything."""
    for name in _APT:
        if Path("/etc/apt", name).is_dir():
            shutil.copytree(f"/etc/apt/{name}", tree / "etc" / "apt" / name, dirs_exist_ok=True)
    initramfs = tree / "etc" / "initramfs-tools"  # for qemu: user-mode Linux has none
    (initramfs / "conf.d").mkdir(parents=True)
    (initramfs / "conf.d" / "machine").write_text("MODULES=list\nCOMPRESS=zstd\n")
    (initramfs / "modules").write_text("virtio_pci\nvirtio_blk\nvirtio_net\next4\n")


def after(tree: Path, kind: str, public_key: str) -> None:
    """Turn a tree with all packages into a machine."""
    trees.take_registries(tree)
    index = pip_index()
    pip = f"[global]\nindex-url = {index.url}\n"
    if index.certificates:
        pip += f"cert = /{trees.CERTIFICATES}\n"
    for name, text in {**_FILES, "etc/pip.conf": pip}.items():
        (tree / name).write_text(text, encoding="ascii")
        (tree / name).chmod(_MODES.get(name, 0o644))
    in_tree(tree, "useradd", "--create-home", "--shell", "/bin/bash", "dev")
    for user, home in (("root", "/root"), ("dev", "/home/dev")):
        (tree / home[1:] / ".ssh").mkdir(mode=0o700, exist_ok=True)
        (tree / home[1:] / ".ssh" / "authorized_keys").write_text(f"{public_key}\n")
        in_tree(tree, "chown", "--recursive", f"{user}:", f"{home}/.ssh")
    in_tree(tree, "systemctl", "--quiet", "enable", "systemd-networkd", "ssh", "machine-name")
    in_tree(tree, "systemctl", "--quiet", "mask", *_MASKED)
    # Its manager would start again with each command that is sent there: a second of CPU.
    (tree / "var" / "lib" / "systemd" / "linger").mkdir(parents=True, exist_ok=True)
    (tree / "var" / "lib" / "systemd" / "linger" / "root").touch()
    if kind == "uml":
        _for_uml(tree)


def _for_uml(tree: Path) -> None:
    """Give it the modules of the kernel, and the iptables that this kernel has."""
    (modules,) = _UML.iterdir()
    there = tree / "usr" / "lib" / "modules" / modules.name
    shutil.copytree(modules, there, symlinks=True)
    in_tree(tree, "depmod", modules.name)
    for name in ("iptables", "ip6tables", "ebtables"):
        in_tree(tree, "update-alternatives", "--quiet", "--set", name, f"/usr/sbin/{name}-legacy")


def in_tree(tree: Path, *command: str) -> None:
    """Run a program of the tree in it; it has to succeed."""
    subprocess.run(["chroot", str(tree), *command], check=True)


def main(arguments: list[str]) -> None:
    """Run the hook that mmdebstrap calls."""
    what, tree = arguments[0], Path(arguments[1])
    if what == "before":
        before(tree)
    else:
        after(tree, arguments[2], arguments[3])


if __name__ == "__main__":
    main(sys.argv[1:])
