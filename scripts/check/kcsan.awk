# SPDX-License-Identifier: GPL-2.0
# The reports of KCSAN in a kernel log: `ours` is a file of functions. A report is ours if
# one of these is among the first frames of either thread: what they call from libraries
# (xarrays, lists, copies) is their doing, what goes on further below is not; nor is what
# who waits has called when it is woken (poll() reads and writes its "triggered" plainly),
# nor how a timer tells the thread that sleeps on it, nor that an xarray which loses its last entry
# has its head cleared by a plain store (xas_delete_node()) that xa_load() may meet: it
# needs no lock by its documentation. Prints each report of ours as a failed case, whole,
# and how many others there were.

BEGIN {
	frames = 4
	while ((getline name < ours) > 0)
		is_ours[name] = 1
}

{ sub(/^\[ *[0-9.]+\]( \[[^]]*\])? ?/, "") }

/^kcsan: strict mode configured/ { on = 1 }
/^BUG: KCSAN: / { inside = 1; text = ""; mine = 0; depth = 0; title = $0; sub(/^BUG: KCSAN: /, "", title) }
!inside { next }
/^==+$/ {
	inside = 0
	if (!mine || title ~ /hrtimer_wakeup/ ||
	    (title == "data-race in xas_start / xas_store" && text ~ /read \(marked\) to/ &&
	     text ~ /\n#   xa_load\+/)) {
		others++
		next
	}
	if (seen[title]++)
		next
	printf "%s", text
	print "not ok " ++n " " title
	next
}
{ text = text "#  " $0 "\n" }
# A thread: "write (marked) to 0x... of 8 bytes by task 5 on cpu 1:"
/ of [0-9]+ bytes by / { depth = 0; woken = 0; next }
/^ [_a-zA-Z][_a-zA-Z0-9.]*\+0x/ {
	name = $1
	sub(/\+0x.*/, "", name)
	sub(/\.(constprop|isra|part|cold).*/, "", name)
	if (name == "__wake_up_common")
		woken = 1
	if (depth++ < frames && !woken && name in is_ours)
		mine = 1
}
END {
	print "# reports between others alone: " others + 0
	if (!on)
		print "not ok " ++n " KCSAN is on"
	if (!n)
		print "ok 1 no data race of ours"
}
