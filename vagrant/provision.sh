#!/usr/bin/env bash
# Makes a Debian 13 machine a part of a cluster that runs prevs.
#
#   provision.sh ROLE[,ROLE] --address OWN [--master ADDRESS] [OPTION ...] [STEP ...]
#
# Roles:
#   master   ZooKeeper, the Mesos master and the framework
#   agent    a Mesos agent with Docker, git and Python
#   proxy    HAProxy and what steers it
# Options:
#   --address OWN       this machine's address, to which all that the roles start listens
#   --master ADDRESS    the machine with the role master; not needed there
#   --domain NAME       what the addresses of previews end in (localhost)
#   --public-port PORT  the port in addresses that are shown (80, which is where proxies listen)
#   --proxy-token-file FILE  the proxies' token, a copy of the master's /etc/prevs/proxy-token; a master makes it
#   --zookeeper-file FILE  who proxies are for ZooKeeper, a copy of the master's /etc/prevs/proxy-zookeeper; a master makes it
#   --agents-file FILE  the secret that all agents have; a master without one makes it: /etc/prevs/agents
# Steps, all by default, in this order:
#   install      packages of Debian's and Python's registries, Mesos, prevs itself from the folder above this script
#   configure    users, settings below /etc, units of systemd; needs no network
#   start        the units, and waits until they answer; starts those again whose files have changed
#
# It may be run again at any time, and does only what is missing. A restart of what it started ends no preview.
set -euo pipefail
shopt -s inherit_errexit

readonly repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly zookeeper_port=2181 master_port=5050 agent_port=5051 api_port=8090 metrics_port=9101

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }
fail() { printf 'provision: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '%s\n' "$2" >&2; exit 1; }
refuse() { printf 'provision: %s\n\n' "$1" >&2; usage >&2; exit 2; }
say() { printf '%s\n' "$*"; }
has_role() { [[ ",$roles," == *",$1,"* ]]; }
does_step() { [[ " ${steps[*]} " == *" $1 "* ]]; }

read_arguments() {
  roles=${1-} address='' master='' domain=localhost public_port=80 proxy_token_file='' zookeeper_file='' agents_file='' steps=()
  [[ $roles != --help && $roles != -h ]] || { usage; exit 0; }
  [[ $roles =~ ^(master|agent|proxy)(,(master|agent|proxy))*$ ]] || refuse "'$roles' is not a list of roles"
  shift
  while (( $# )); do
    case $1 in
      --address | --master | --domain | --public-port | --proxy-token-file | --zookeeper-file | --agents-file)
        [[ -n ${2-} ]] || refuse "$1 needs a value"
        local name=${1#--}; printf -v "${name//-/_}" %s "$2"; shift ;;
      install | configure | start) steps+=("$1") ;;
      *) refuse "'$1' is neither an option nor a step" ;;
    esac
    shift
  done
  (( ${#steps[@]} )) || steps=(install configure start)
  check_arguments
}

check_arguments() {
  local ipv4='^([0-9]{1,3}\.){3}[0-9]{1,3}$'
  [[ $address =~ $ipv4 ]] || refuse "--address '$address' is not an IPv4 address (Mesos has no IPv6)"
  if has_role master; then master=${master:-$address}; fi
  [[ $master =~ $ipv4 ]] || refuse "--master '$master' is not an IPv4 address"
  [[ $domain =~ ^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$ ]] || refuse "--domain '$domain' is not a domain name in lower case"
  [[ $public_port =~ ^[0-9]{1,5}$ ]] || refuse "--public-port '$public_port' is not a port"
}

check_machine() {
  (( EUID == 0 )) || fail "it needs root" "Run the same command with sudo."
  [[ $(. /etc/os-release && echo "$ID $VERSION_ID") == 'debian 13' ]] || fail "this is not Debian 13" "It installs packages of Debian 13: use a machine with that."
  [[ $(uname -m) == x86_64 ]] || fail "this is not an x86-64 machine" "The built Mesos runs on x86-64 only: use such a machine."
}

run_quietly() {  # run_quietly ADVICE COMMAND ...: shows the output only if it fails
  local advice=$1 status=0; shift
  ("$@") >"$scratch/log" 2>&1 &  # in the background, as a command before || would go on after a failure
  wait $! || status=$?
  (( status == 0 )) || { tail --lines=25 "$scratch/log" >&2; fail "that failed; the reason is above" "$advice Fix it, then run the same command again."; }
}

# --- install: all that needs the registries ---

install_packages() {
  local wanted=(ca-certificates curl python3-venv) missing=() package  # a venv on agents only while Mesos is downloaded
  if has_role master; then wanted+=(default-jre-headless libzookeeper-java git openssh-client); fi
  if has_role agent; then wanted+=(docker.io docker-cli docker-buildx iptables sudo git git-lfs openssh-client); fi
  if has_role master || has_role agent; then wanted+=(g++ libc6-dev libapr1t64 libsasl2-2 libsasl2-modules libsvn1); fi  # Mesos
  if has_role proxy; then wanted+=(haproxy); fi
  for package in "${wanted[@]}"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  (( ${#missing[@]} )) || return 0
  say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  run_quietly "Is Debian's registry reachable (/etc/apt), and no other apt-get running?" install_missing "${missing[@]}"
}

install_missing() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get --quiet=2 update
  apt-get --quiet=2 -o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
}

install_mesos() {
  local version
  version=$(cd "$repository/local/mesos" && cat ./*.py ./*.cpp ./*.c ./*.map | sha256sum)
  [[ $(cat /opt/mesos/version 2>/dev/null) != "$version" ]] || return 0
  say "Installing Mesos into /opt/mesos"
  run_quietly "Is Python's registry reachable (pip config list)?" build_mesos
  echo "$version" >/opt/mesos/version
}

build_mesos() {
  local built
  python3 -m venv "$scratch/python"  # what downloads it is needed no more afterwards
  "$scratch/python/bin/pip" install --quiet --disable-pip-version-check 'requests>=2.32,<3'
  built=$(cd "$repository" && PYTHONDONTWRITEBYTECODE=1 "$scratch/python/bin/python" -m local.mesos /opt/mesos)
  link "$(sed -n 1p <<<"$built")" /opt/mesos/libmesos.so
  link "$(sed -n 2p <<<"$built")" /opt/mesos/current
}

# Each version has a folder of its own, so that nothing that runs changes below itself; /opt/prevs leads to the newest.
install_prevs() {
  local version folder
  version=$(version_of_source)
  folder=/opt/prevs-$version
  if [[ ! -e $folder/.whole ]]; then
    say "Installing prevs into $folder"
    rm -rf "$folder"
    run_quietly "Is Python's registry reachable (pip config list)?" build_prevs "$folder"
    touch "$folder/.whole"
  fi
  link "$folder" /opt/prevs
  link /opt/prevs/bin/prevs /usr/local/bin/prevs
}

link() {  # link TARGET PATH: at once; one that leads there already keeps its time
  [[ $(readlink "$2") != "$1" ]] || return 0
  ln --symbolic "$1" "$2.new"
  mv --no-target-directory "$2.new" "$2"
}

readonly packages=(prevs framework executor proxy cli local driver program third_party locks setup.cfg pyproject.toml README.md LICENSE)

version_of_source() {
  (cd "$repository" && find "${packages[@]}" -type f ! -name '*.pyc' ! -path '*.egg-info/*' ! -path '*/build/*' -print0 |
    sort --zero-terminated | xargs --null sha256sum) | sha256sum | cut --characters=1-12
}

build_prevs() {
  mkdir "$scratch/source"  # building writes beside what it builds
  tar --create --directory="$repository" --exclude=__pycache__ --exclude='*.egg-info' --exclude=build "${packages[@]}" |
    tar --extract --directory="$scratch/source"
  python3 -m venv "$1"
  "$scratch/source/locks/install.sh" "$1/bin/python" --quiet
}

# --- configure: users, settings, units ---

make_user() {  # make_user NAME HOME [GROUP]
  if ! getent passwd "$1" >/dev/null; then
    useradd --system --user-group --home-dir "$2" --no-create-home --shell /usr/sbin/nologin "$1"
  fi
  [[ -z ${3-} ]] || usermod --append --groups "$3" "$1"
}

put() {  # put FILE [MODE] < TEXT: a file that is so already keeps its time, by which `start` goes
  local new
  mkdir --parents "$(dirname "$1")"
  new=$(mktemp "$1.XXXXXX")
  cat >"$new"
  chmod "${2-644}" "$new"
  if cmp --quiet "$new" "$1"; then rm "$new"; else mv "$new" "$1"; say "Wrote $1"; fi
}

put_drop_in() { put "/etc/systemd/system/$1.service.d/access.conf"; }
put_unit() { put "/etc/systemd/system/$1.service" <"$repository/provision/systemd/$1.service"; }

make_token() { head --bytes=32 /dev/urandom | base64 | tr -d '/+=\n' | put "$1" 600; }

configure_tokens() {  # the operator's is for the framework alone; docs/operating/tokens.md
  if has_role master; then
    [[ -s /etc/prevs/token ]] || make_token /etc/prevs/token
  fi
  if [[ -n $proxy_token_file ]]; then
    [[ -s $proxy_token_file ]] || fail "--proxy-token-file $proxy_token_file: the file is missing or empty" "Copy it from the master's /etc/prevs/proxy-token."
    put /etc/prevs/proxy-token 600 <"$proxy_token_file"
  elif [[ ! -s /etc/prevs/proxy-token ]]; then
    has_role master || fail "a proxy needs the proxies' token" "Copy the master's /etc/prevs/proxy-token here and give it with --proxy-token-file."
    make_token /etc/prevs/proxy-token
  fi
}

# Who is who between ZooKeeper, Mesos and prevs. Each file is root's alone; programs get theirs by LoadCredential.

new_secret() { head --bytes=32 /dev/urandom | base64 | tr -d '/+=\n'; }

configure_secret() {  # configure_secret NAME GIVEN OPTION PREFIX: /etc/prevs/NAME, of the file that was given or a new one
  local name=$1 given=$2 option=$3
  if [[ -n $given ]]; then
    [[ -s $given ]] || fail "$option $given: the file is missing or empty" "Copy it from the master's /etc/prevs/$name."
    put "/etc/prevs/$name" 600 <"$given"
  elif [[ ! -s /etc/prevs/$name ]]; then
    has_role master || fail "this machine needs the master's /etc/prevs/$name" "Copy it here and give it with $option."
    printf '%s%s\n' "${4-}" "$(new_secret)" | put "/etc/prevs/$name" 600
  fi
}

credential() { printf '{"principal": "%s", "secret": "%s"}' "$1" "$(</etc/prevs/"$2")"; }  # credential PRINCIPAL NAME

configure_keys() {  # what seals the secrets of apps; docs/operating/secrets.md
  [[ ! -s /etc/prevs/keys ]] || return 0
  (umask 077 && /opt/prevs/bin/prevs key) | put /etc/prevs/keys 600
}

configure_master() {
  make_user zookeeper /var/lib/zookeeper
  put /etc/zookeeper/zoo.cfg <<END
dataDir=/var/lib/zookeeper
clientPort=$zookeeper_port
clientPortAddress=$address
tickTime=500
maxSessionTimeout=60000
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=srvr
autopurge.snapRetainCount=3
autopurge.purgeInterval=1
END
  put_unit zookeeper
  make_user mesos /var/lib/mesos-master
  # An agent that does not answer is missed after 15 s: between machines of one host no network hiccups.
  put /etc/mesos/master.env <<END
LIBPROCESS_IP=$address
LIBPROCESS_PORT=$master_port
MESOS_HOSTNAME=$address
MESOS_REGISTRY=in_memory
MESOS_AGENT_PING_TIMEOUT=3secs
MESOS_MAX_AGENT_PING_TIMEOUTS=5
MESOS_AUTHENTICATE_AGENTS=true
MESOS_AUTHENTICATE_FRAMEWORKS=true
MESOS_AUTHENTICATE_HTTP_FRAMEWORKS=true
MESOS_HTTP_FRAMEWORK_AUTHENTICATORS=basic
MESOS_AUTHENTICATE_HTTP_READONLY=true
MESOS_AUTHENTICATE_HTTP_READWRITE=true
MESOS_ACLS=file:///etc/mesos/master-acls.json
END
  configure_secret operator '' ''
  configure_secret mesos '' ''
  put /etc/mesos/credentials.json 600 <<<"{\"credentials\": [$(credential operator operator), $(credential prevs mesos), $(credential agent agents)]}"
  put /etc/mesos/master-acls.json <"$repository/local/mesos/master-acls.json"
  put_drop_in mesos-master <<'END'
[Service]
LoadCredential=credentials:/etc/mesos/credentials.json
Environment=MESOS_CREDENTIALS=file://%d/credentials
END
  put_unit mesos-master
  make_user prevs /var/lib/prevs
  put /etc/prevs/framework.env <<END
PREVS_MASTER=$master:$master_port
PREVS_ZOOKEEPER=$master:$zookeeper_port
PREVS_LISTEN=$address:$api_port
PREVS_DOMAIN=$domain
PREVS_PUBLIC_PORT=$public_port
END
  put_drop_in prevs-framework <<'END'
[Service]
LoadCredential=zookeeper:/etc/prevs/zookeeper
LoadCredential=proxy-zookeeper:/etc/prevs/proxy-zookeeper
LoadCredential=mesos:/etc/prevs/mesos
LoadCredential=agents:/etc/prevs/agents
Environment=PREVS_ZOOKEEPER_AUTH_FILE=%d/zookeeper PREVS_PROXY_ZOOKEEPER_AUTH_FILE=%d/proxy-zookeeper
Environment=PREVS_PRINCIPAL=prevs PREVS_SECRET_FILE=%d/mesos
Environment=PREVS_AGENTS_PRINCIPAL=reader PREVS_AGENTS_SECRET_FILE=%d/agents
END
  put_unit prevs-framework
}

configure_agent() {
  make_user prevs /var/lib/prevs docker  # as whom the framework has its executors run
  install --directory --owner=prevs --group=prevs --mode=711 /var/lib/prevs
  install --directory --owner=prevs --group=prevs --mode=700 /var/lib/prevs/executor
  # What keeps previews apart (docs/operating/isolation.md): these commands as they are, and no others.
  put /etc/sudoers.d/prevs 440 <<'END'
prevs ALL=(root) NOPASSWD: /usr/sbin/iptables -w -t mangle -S, /usr/sbin/iptables -w -t filter -S, /usr/sbin/iptables-restore -w --noflush, \
    /usr/sbin/ip6tables -w -t mangle -S, /usr/sbin/ip6tables -w -t filter -S, /usr/sbin/ip6tables-restore -w --noflush, \
    /usr/sbin/ebtables-save -t filter, /usr/sbin/ebtables-restore --noflush
END
  if [[ ! -e /etc/docker/daemon.json ]]; then
    put /etc/docker/daemon.json <<<'{"live-restore": true}'
  elif ! grep --quiet '"live-restore": *true' /etc/docker/daemon.json; then
    say 'A restart of Docker will end every preview here: /etc/docker/daemon.json has no "live-restore": true.'
  fi
  local executors='{"PREVS_EXECUTOR_DIR": "/var/lib/prevs/executor", "HOME": "/var/lib/prevs", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PREVS_ISOLATION": "required"}'
  put /etc/mesos/agent.env <<END
PREVS_MESOS_MASTER=$master:$master_port
LIBPROCESS_IP=$address
LIBPROCESS_PORT=$agent_port
MESOS_HOSTNAME=$address
MESOS_ATTRIBUTES=machine:$(hostname)
MESOS_REGISTRY=in_memory
MESOS_CONTAINERIZERS=mesos
MESOS_LAUNCHER=posix
MESOS_ISOLATION=posix/cpu,posix/mem
MESOS_SYSTEMD_ENABLE_SUPPORT=false
MESOS_EXECUTOR_ENVIRONMENT_VARIABLES='$executors'
MESOS_EXECUTOR_REREGISTRATION_TIMEOUT=15secs
MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD=15secs
MESOS_CREDENTIAL=file:///etc/mesos/credential.json
MESOS_CREDENTIALS=file:///etc/mesos/readers.json
MESOS_HTTP_CREDENTIALS=file:///etc/mesos/readers.json
MESOS_AUTHENTICATE_HTTP_READONLY=true
MESOS_AUTHENTICATE_HTTP_READWRITE=true
MESOS_AUTHENTICATE_HTTP_EXECUTORS=true
MESOS_JWT_SECRET_KEY=/etc/mesos/jwt-key
MESOS_ACLS=file:///etc/mesos/agent-acls.json
END
  put /etc/mesos/credential.json 600 <<<"$(credential agent agents)"
  put /etc/mesos/readers.json 600 <<<"{\"credentials\": [$(credential reader agents)]}"
  put /etc/mesos/agent-acls.json <"$repository/local/mesos/agent-acls.json"
  [[ -s /etc/mesos/jwt-key ]] || new_secret | put /etc/mesos/jwt-key 600
  # What executors find by this name, as they are no root and may make no group for builds.
  put /etc/systemd/system/prevsbuilds.slice <"$repository/provision/systemd/prevsbuilds.slice"
  # Steps of builds have the score of dockerd: with Debian's -500 previews and executors would go before them.
  # And they have Docker's capabilities, raw sockets among them, unless this starts them.
  put /usr/local/lib/prevs/build-runc 755 <"$repository/local/docker/build_runc.py"
  put /etc/systemd/system/docker.service.d/prevs.conf <<'END'
[Service]
OOMScoreAdjust=0
Environment=DOCKER_BUILDKIT_RUNC_COMMAND=/usr/local/lib/prevs/build-runc
END
  put_unit mesos-agent
}

configure_proxy() {
  make_user prevs-proxy /var/lib/prevs-proxy
  put /etc/prevs/proxy.env <<END
PREVS_ZOOKEEPER=$master:$zookeeper_port
PREVS_API=http://$master:$api_port
PREVS_DOMAIN=$domain
PREVS_PROXY_LISTEN=*:80
PREVS_PROXY_METRICS_LISTEN=$address:$metrics_port
END
  put_drop_in prevs-proxy <<'END'
[Service]
LoadCredential=zookeeper:/etc/prevs/proxy-zookeeper
Environment=PREVS_ZOOKEEPER_AUTH_FILE=%d/zookeeper
END
  put_unit prevs-proxy
}

# --- start: the units, until they answer ---

start_unit() {  # start_unit NAME FILE ...: again, if one of the files is newer than what runs
  local unit=$1 since file; shift
  systemctl --quiet enable "$unit"
  since=$(systemctl show --property=ActiveEnterTimestamp --timestamp=unix --value "$unit")
  if systemctl --quiet is-active "$unit"; then
    for file in "$@" "/etc/systemd/system/$unit.service" "/etc/systemd/system/$unit.service.d/access.conf"; do
      if [[ -e $file ]] && (( $(stat --format=%Y "$file") > ${since#@} )); then
        say "Starting $unit again: $file is newer"
        systemctl restart "$unit"
        return 0
      fi
    done
  else
    say "Starting $unit"
    systemctl start "$unit"
  fi
}

readonly patience=60 longest=1800 slow=30 step=10  # seconds; of them the last are of CPU
await() {  # await UNIT COMMAND ...: until the command succeeds, for a minute, or for as long as the unit gets on
  local unit=$1 began=$SECONDS moved=$SECONDS used=0 now told=''; shift
  until "$@" >/dev/null 2>&1; do
    now=$(cpu_seconds "$unit")
    if (( now >= used + step )); then used=$now moved=$SECONDS; fi
    if (( SECONDS > moved + patience || SECONDS > began + longest )); then
      journalctl --unit="$unit" --lines=20 --no-pager --output=cat >&2 || true
      fail "$unit does not answer after $((SECONDS - began)) s; its last lines are above" "Fix that, then run the same command again. journalctl -u $unit shows its whole log."
    fi
    if [[ -z $told ]] && (( SECONDS > began + slow )); then say "$unit is slow: it is still starting"; told=yes; fi
    sleep 0.2
  done
}

cpu_seconds() {  # of a unit since it began; an endless row of starts counts as none
  local used
  used=$(systemctl show --property=CPUUsageNSec --value "$1" || true)
  if [[ $used =~ ^[0-9]{1,18}$ ]]; then echo $((used / 1000000000)); else echo 0; fi
}

# The machine of the master may be made at the same time. Until it has installed all, nothing of it is to be seen.
readonly master_patience=1200
await_master() {
  local deadline=$((SECONDS + master_patience)) seen='' now
  while now=$(master_stage) && [[ $now != serves ]]; do
    if [[ $now != "$seen" ]]; then
      say "Waiting for the master at $master: $now"
      seen=$now deadline=$((SECONDS + master_patience))
    fi
    (( SECONDS <= deadline )) || fail "the master at $master does not serve: $now" "Provision it, then run the same command here again."
    sleep 1
  done
}

master_stage() {
  if answers "$master:$master_port/health" >/dev/null 2>&1; then echo serves
  elif ! is_machine "$master"; then echo 'its machine does not answer'
  elif zookeeper_serves 2>/dev/null; then echo 'its ZooKeeper answers, but Mesos does not yet'
  else echo 'its machine answers, but Mesos does not yet'
  fi
}

is_machine() {  # one that refuses a connection is there, too
  local output
  output=$(timeout 2 bash -c "exec 3<>/dev/tcp/$1/$zookeeper_port" 2>&1) || [[ $output == *refused* ]]
}

answers() { curl --silent --fail --noproxy '*' --max-time 2 "http://$1"; }
zookeeper_serves() {  # one that is just starting may take the connection, and never answer
  timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf srvr >&3 && grep --quiet Mode: <&3' "$master" "$zookeeper_port"
}
agent_is_registered() {  # asked as an agent; a password in the arguments would be there for all to see
  curl --config - --silent --fail --noproxy '*' --max-time 2 "http://$master:$master_port/slaves" <<<"user = \"agent:$(</etc/prevs/agents)\"" |
    grep --quiet "slave(1)@$address:$agent_port"
}

start_all() {
  [[ -d /run/systemd/system ]] || fail "systemd is not this machine's init" "Run only the steps install and configure."
  systemctl daemon-reload
  if systemctl --quiet is-active haproxy; then systemctl --quiet disable --now haproxy; fi  # Debian's own; a proxy starts one itself
  if has_role master; then
    start_unit zookeeper /etc/zookeeper/zoo.cfg; await zookeeper zookeeper_serves
    start_unit mesos-master /etc/mesos/{master.env,credentials.json,master-acls.json} /opt/mesos/current; await mesos-master answers "$address:$master_port/health"
    start_unit prevs-framework /etc/prevs/{framework.env,token,proxy-token,keys,zookeeper,proxy-zookeeper,mesos,agents} /opt/prevs; await prevs-framework answers "$address:$api_port/readyz"
  fi
  if has_role agent; then
    start_unit docker /etc/docker/daemon.json /etc/systemd/system/docker.service.d/prevs.conf; await docker docker version
    await_master
    start_unit mesos-agent /etc/mesos/{agent.env,credential.json,readers.json,jwt-key,agent-acls.json} /opt/mesos/current; await mesos-agent agent_is_registered
  fi
  if has_role proxy; then
    await_master
    start_unit prevs-proxy /etc/prevs/{proxy.env,proxy-token,proxy-zookeeper} /opt/prevs; await prevs-proxy answers "$address:$metrics_port/readyz"
  fi
}


main() {
  read_arguments "$@"
  check_machine
  scratch=$(mktemp --directory)
  trap 'rm --recursive --force "$scratch"' EXIT
  if does_step install; then
    install_packages
    if has_role master || has_role agent; then install_mesos; fi
    # Agents fetch the executor from the framework: there is nothing of ours to install on them.
    if has_role master || has_role proxy; then install_prevs; fi
  fi
  if does_step configure; then
    if has_role master || has_role proxy; then configure_tokens; fi
    if has_role master; then configure_secret zookeeper '' --zookeeper-file prevs:; fi
    if has_role master || has_role proxy; then configure_secret proxy-zookeeper "$zookeeper_file" --zookeeper-file prevs-proxy:; fi
    if has_role master || has_role agent; then configure_secret agents "$agents_file" --agents-file; fi
    if has_role master; then configure_keys; configure_master; fi
    if has_role agent; then configure_agent; fi
    if has_role proxy; then configure_proxy; fi
  fi
  if does_step start; then start_all; fi
  say "Done on $address: $roles (${steps[*]})"
}

main "$@"
