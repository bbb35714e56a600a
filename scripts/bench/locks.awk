# SPDX-License-Identifier: GPL-2.0
# locks.awk - of /proc/lock_stat the locks of the fault path
#
# Prints how often each was taken and how often somebody had to wait for it; exits 1 if
# that was ever so, or if none of them was taken. The wait queue's own lock, which who polls
# and who wakes it take, does not count.

# Another lock of the kernel with such a name is #2 of it, or ours is.
/^ *&(source|queue)->[a-z_]+(#[0-9]+)?(\/[0-9])?:/ {
	name = $1
	sub(/:$/, "", name)
	printf "lock %-20s %10d taken %8d waited for\n", name, $9, $3
	if (name ~ /^&queue->wait([#\/]|$)/)
		next
	taken += $9
	waited += $3
}

END {
	printf "locks of the fault path but wait: taken %d times, waited for %d times\n", taken, waited
	exit !taken || waited ? 1 : 0
}
