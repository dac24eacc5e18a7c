#!/bin/sh
# probe.sh WHO MARK TARGETS: tries all targets at once, and prints a line for each: "reach MARK WHO NUMBER yes", or no.
#
# Needs busybox alone. A line of TARGETS is "NUMBER KIND ADDRESS PORT BRIDGE". For a name, PORT is what the nameserver has to
# answer; BRIDGE is the agent's interface of a link-local address, or -. The agent runs this as WHO = agent, to show that what
# containers do not reach is there.
who=$1 mark=$2 targets=$3

try() {
  case $kind in
    connect) nc -w 5 "$at" "$port" -e /bin/true ;;
    # The kernel asks by ARP before it sends the first packet; 0x2 says that it was answered.
    neighbour) nc -w 2 "$at" "$port" -e /bin/true; grep -q "^$at .* 0x2 " /proc/net/arp ;;
    name) timeout 5 nslookup "$at" | grep -qwF -- "$port" ;;
    socket) [ -S "$at" ] ;;
  esac
}

while read -r number kind at port bridge; do
  if [ "$bridge" != - ]; then
    [ "$who" = agent ] && at="$at%$bridge" || at="$at%eth0"
  fi
  { if try >/dev/null 2>&1; then found=yes; else found=no; fi; echo "reach $mark $who $number $found"; } </dev/null &
done <"$targets"
wait
