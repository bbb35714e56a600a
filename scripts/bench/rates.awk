# SPDX-License-Identifier: GPL-2.0
# rates.awk - faults a second, ours beside the base tree's
#
# Arguments: what iommu_bench --rate wrote on ours, and on the base tree.

FNR == 1 { column++ }

/^row rate\./ && $3 != "-" {
	name = $2
	sub(/^rate\./, "", name)
	if (column == 1)
		names[n++] = name
	rate[column, name] = $3
}

END {
	printf "%-36s %10s %10s\n", "Faults a second", "ours", "upstream"
	for (i = 0; i < n; i++) {
		name = names[i]
		num = name
		sub(/.*\./, "", num)
		text = sprintf("%d reporter%s, %s", num, num == "1" ? "" : "s",
			name ~ /alone/ ? "nobody reads meanwhile" : "a reader that answers")
		printf "%-36s %10.0f %10.0f\n", text, rate[1, name], rate[2, name]
	}
	exit !n
}
