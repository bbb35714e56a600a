# SPDX-License-Identifier: GPL-2.0
# rates.awk - faults a second, ours beside the base tree's
#
# Arguments: what iommu_bench --rate wrote on ours, and on the base tree.

/^row rate\./ && $3 != "-" {
	name = $2
	sub(/^rate\./, "", name)
	column = FILENAME == ARGV[1] ? 1 : 2
	if (column == 1)
		names[n++] = name
	rate[column, name] = $3
}

function show(column, name) {
	return (column, name) in rate ? sprintf("%.0f", rate[column, name]) : "-"
}

END {
	printf "%-36s %10s %10s\n", "Faults a second", "ours", "upstream"
	for (i = 0; i < n; i++) {
		name = names[i]
		num = name
		sub(/.*\./, "", num)
		text = sprintf("%d reporter%s, %s", num, num == "1" ? "" : "s",
			name ~ /alone/ ? "nobody reads meanwhile" : "a reader that answers")
		printf "%-36s %10s %10s\n", text, show(1, name), show(2, name)
	}
	exit !n
}
