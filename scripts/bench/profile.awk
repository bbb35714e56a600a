# SPDX-License-Identifier: GPL-2.0
# profile.awk - what tools/iommu/bench/count_instructions.c counted, by functions
#
#   awk -v least=N -f profile.awk STRETCHES SORTED
#
# STRETCHES: lines "INDEX TIMES WHERE". SORTED: by their first word, which is an address of
# 16 hexadecimal digits, lines "ADDRESS 0 NAME" of the symbols of kernel and program,
# and "ADDRESS at INDEX COUNT". Prints of each stretch that was met at least twice how many
# instructions it took each time, and in which functions, from @least on.

FILENAME == ARGV[1] {
	times[$1] = $2
	sub(/^[0-9]+ [0-9]+ /, "")
	where[num++] = $0
	next
}

$2 == "0" { symbol = $3; next }

$2 == "at" {
	total[$3] += $4
	if (!(($3, symbol) in count))
		of[$3] = of[$3] " " symbol
	count[$3, symbol] += $4
}

END {
	for (i = 0; i < num; i++) {
		if (times[i] < 2)
			continue
		printf "%s: %d times, %.1f instructions each\n", where[i], times[i],
			total[i] / times[i]
		n = split(of[i], names, " ")
		for (k = 1; k <= n; k++) {
			best = k
			for (j = k + 1; j <= n; j++)
				if (count[i, names[j]] > count[i, names[best]])
					best = j
			name = names[best]; names[best] = names[k]; names[k] = name
			each = count[i, name] / times[i]
			if (each < least)
				break
			printf "  %10.1f  %s\n", each, name
		}
	}
}
