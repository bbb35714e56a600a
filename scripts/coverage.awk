# SPDX-License-Identifier: GPL-2.0
# coverage.awk - branches by file, of what "gcov -b -c -t" says of our sources
#
# min: what each place that is counted must reach, in per cent; apart: a file that need
# not. missed: a file for the branches that were not taken. sources: a file that names what
# was compiled. Prints a table; exit status 1 if a place is below min, or nothing is said of
# one of these. A source may come several times, from several runs of one kernel: its
# branches are then the same ones in the same order.
#
# Not counted are lines of which one branch is there never to be taken, or is not ours:
# what only warns of mistakes of the kernel, tracepoints, and the loops of wait_event().

BEGIN {
	ours = "drivers/iommu/iommufd/"
	skip = "WARN_ON|lockdep_|BUILD_BUG|_ratelimited|wait_event|trace_|might_sleep|_once\\("
	printf "" > missed
}

# "        -:    0:Source:../tree/drivers/iommu/iommufd/main.c"
/^ *-: *0:Source:/ {
	file = $0
	sub(/.*:Source:/, "", file)
	at = index(file, ours)
	file = at && file ~ /\.c$/ ? substr(file, at + length(ours)) : ""
	if (file ~ /^test\//)
		file = ""
	else if (file != "" && !(file in all))
		all[file] = 0
	nth = 0
	next
}

file == "" { next }

# "       12:   34:	text", "    #####:   34:	text"
/^ *[-#=0-9*]+: *[0-9]+:/ {
	text = $0
	sub(/^ *[-#=0-9*]+: */, "", text)
	line = text + 0
	sub(/^[0-9]+:/, "", text)
	counts = text !~ skip
	next
}

# "branch  0 taken 5 (fallthrough)", "branch  1 never executed"
/^branch +[0-9]/ && counts {
	nth++
	branch = file SUBSEP nth
	if (!(branch in what)) {
		all[file]++
		gsub(/^[ \t]+/, "", text)
		what[branch] = file ":" line ": branch " $2 " of: " text
		order[++branches] = branch
	}
	if ($3 == "taken" && $4 > 0 && !taken[branch]++)
		hit[file]++
}

function place(f) { return f ~ /\// ? substr(f, 1, index(f, "/")) : "" }

function row(name, taken, branches, floor,    low) {
	low = floor && branches && 100 * taken < floor * branches
	printf "%5d of %5d %3d %% %s%s\n", taken, branches,
	       branches ? int(100 * taken / branches) : 100, name,
	       low ? "  below " floor " %" : "" | "sort -k5"
	below += low
	places++
}

END {
	for (i = 1; i <= branches; i++)
		if (!(order[i] in taken))
			print what[order[i]] > missed
	for (f in all) {
		p = place(f)
		# A file of the ABI stands for itself.
		row(f, hit[f] + 0, all[f], p == "" && f != apart ? min : 0)
		dir_all[p] += all[f]
		dir_hit[p] += hit[f]
	}
	for (p in dir_all)
		if (p != "")
			row(p, dir_hit[p], dir_all[p], p == "fault/" || p == "map/" ? min : 0)
	close("sort -k5")
	while ((getline f < sources) > 0)
		if (!(f in all)) {
			print "# not counted: " f
			uncounted++
		}
	if (!places) {
		print "nothing was counted"
		exit 1
	}
	print "# places below " min " %: " below + 0
	exit below + uncounted > 0
}
