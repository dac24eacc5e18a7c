#!/bin/sh
# Waits for an executor's end; see watchdog.py. Arguments: python, and the mark of its processes.
trap '' HUP INT QUIT TERM
exec 3<&0 </dev/null >/dev/null
# In the background, so that init becomes its parent.
(
	lines= last=
	while IFS= read -r line <&3; do
		last=$line
		# What an attempt before it had is gone, and all lines have to fit into one argument.
		case $line in attempt\ *) lines= ;; esac
		lines="$lines$line
"
	done
	[ "$last" = done ] || exec "$1" -m executor.cleanup.orphans "$2" "$lines"
) &
