#!/usr/bin/env bash
# debian.sh [--test | --bench-proxy | --machines]: installs the Debian packages that `prevs local` needs and that are missing.
#
# With --test also those that only the tests need, with --bench-proxy those of `make bench-proxy`; with --machines those of
# `make test-machines` alone, which has all else in its machines.
# Quick where nothing is missing (a tenth of a second). As an ordinary user it asks sudo. Debian starts the services of what it installs; those that were
# installed here are stopped and disabled again: prevs starts its own HAProxy, and its own dockerd
# where none answers. What was installed before is left as it is.
set -euo pipefail

needed=(
  busybox-static                                # the base of the example's images
  default-jre-headless libzookeeper-java        # ZooKeeper
  docker.io docker-cli docker-buildx iptables   # containers
  g++ libc6-dev                                 # compiles local/mesos
  ca-certificates curl git git-lfs              # git clone over https, too; curl is the README's
  haproxy
  iproute2 procps                               # undo what dockerd did to the network
  libapr1t64 libsasl2-2 libsasl2-modules libsvn1                 # what the Mesos library is linked with
  python3-venv
)
services=(haproxy.service docker.service docker.socket containerd.service nginx.service
          prometheus.service ssh.service ssh.socket docker-registry.service redis-server.service postgresql.service)

case "${1-}" in
  "") ;;
  --test) needed+=(chromium-headless-shell firefox-esr prometheus mmdebstrap openssh-server docker-registry sudo debootstrap ruby systemd wrk nginx strace valgrind nodejs npm pagure redis-server postgresql docker-compose) ;;  # two browsers, what reads the metrics, images of tests/apps, private repositories, a registry, an executor that is not root, machines and their Vagrantfile and units, the load and the backend of bench-proxy, what counts processes and instructions, an identity provider and clients of forges, a forge, and a database beside an application, also by docker compose
  --bench-proxy) needed+=(wrk nginx nodejs npm) ;;  # the load, the backend, and proxies to compare with
  --machines) needed=(python3-venv git openssh-client ruby mmdebstrap e2fsprogs vde2 vdeplug libvdeplug-slirp user-mode-linux qemu-system-x86 qemu-utils) ;;
  *) echo "usage: $0 [--test | --bench-proxy | --machines]" >&2; exit 2 ;;
esac

installed() { [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

missing=()
for package in "${needed[@]}"; do installed "$package" || missing+=("$package"); done
if (( ${#missing[@]} == 0 )); then exit 0; fi

as_root=()
if (( EUID != 0 )); then
  # The password is asked for here, if at all, and not in the middle of a step.
  if ! command -v sudo >/dev/null || ! { sudo --non-interactive true 2>/dev/null || sudo --validate; }; then
    echo "Missing Debian packages: ${missing[*]}" >&2
    echo "You may not install packages here. Run this as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

active() { [[ -d /run/systemd/system ]] && systemctl --quiet is-active "$1"; }
were_active=" "
for service in "${services[@]}"; do if active "$service"; then were_active+="$service "; fi; done

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet=2 -o Dpkg::Use-Pty=0 "$@"; }
log=$(mktemp); trap 'rm -f "$log"' EXIT
step() {
  local title=$1; shift
  echo "$title ..."
  if ! "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "That failed; the reason is above. Check the network, and that no other apt-get runs. Then run the same command again." >&2
    exit 1
  fi
}

step "Reading Debian's package lists" apt update
step "Installing ${#missing[@]} Debian packages: ${missing[*]}" apt install --no-install-recommends "${missing[@]}"

for service in "${services[@]}"; do
  if active "$service" && [[ $were_active != *" $service "* ]]; then
    step "Stopping $service, which prevs starts by itself" "${as_root[@]}" systemctl --quiet disable --now "$service"
  fi
done
