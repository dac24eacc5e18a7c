#!/bin/sh
# Waits for an executor's end; see guardian.py. Arguments: python, and what marks its processes.
trap '' HUP INT QUIT TERM
exec 3<&0 </dev/null >/dev/null
# In the background, so that init becomes its parent.
(
	told= last=
	while IFS= read -r line <&3; do
		last=$line
		told="$told$line
"
	done
	[ "$last" = done ] || exec "$1" -m executor.cleanup.orphans "$2" "$told"
) &
