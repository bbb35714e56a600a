# SPDX-License-Identifier: GPL-2.0
# table.awk - the table of "make bench"
#
#   awk [-v format=text|chart] [-v all=1] [-v strict=1] -f table.awk ARGUMENT...
#
# Arguments: COLUMN=ours FILE... COLUMN=upstream FILE... COLUMN=type1 FILE...
# COLUMN=rows rows.txt. format=chart: a line "WHAT|RATIO|TARGET|OURS|UPSTREAM" for each row
# with a target. all=1: names the rows that no kernel gave. Exits 1 when a target is missed
# and -v strict=1.

function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t]+$/, "", s); return s }

function figure(column, name) {
	return (column, name) in value ? value[column, name] : ""
}

# The least of several of ours; of another kernel the first
function best(column, list,    n, i, names, v, least) {
	n = split(list, names, ",")
	least = ""
	for (i = 1; i <= n; i++) {
		v = figure(column, names[i])
		if (v != "" && (least == "" || v + 0 < least + 0))
			least = v
		if (column != "ours")
			break
	}
	return least
}

# One figure as a multiple of another one of the same kernel
function over(column, pair,    names) {
	split(pair, names, ",")
	if (figure(column, names[1]) == "" || figure(column, names[2]) + 0 == 0)
		return ""
	return figure(column, names[1]) / figure(column, names[2])
}

function look_up(column, name,    inner) {
	inner = name
	sub(/^[a-z]*\(/, "", inner)
	sub(/\)$/, "", inner)
	if (name ~ /^best\(/)
		return best(column, inner)
	if (name ~ /^over\(/)
		return over(column, inner)
	if (name ~ /^fact\(/)
		return (column, inner) in fact ? fact[column, inner] : ""
	return figure(column, name)
}

# A target is of the ratio, or with = of our own figure. "": there is nothing to judge.
function is_met(target, ours, ratio) {
	if (target == "" || target == "-")
		return ""
	if (target ~ /^=/)
		return ours == "" ? "" : (ours + 0 <= substr(target, 2) + 0)
	return ratio == "" ? "" : (ratio + 0 <= target + 0)
}

function show_target(target) {
	if (target == "-")
		return ""
	return target ~ /^=/ ? "own " substr(target, 2) : "<= " target
}

function floor_of(sum,    n, i, terms, factor, total, v) {
	if (sum == "") return ""
	n = split(sum, terms, "+")
	for (i = 1; i <= n; i++) {
		factor = 1
		if (terms[i] ~ /\*/) {
			factor = terms[i] + 0
			sub(/.*\*/, "", terms[i])
		}
		if (terms[i] ~ /\//) {
			v = terms[i]
			sub(/.*\//, "", v)
			factor /= v
			sub(/\/.*/, "", terms[i])
		}
		v = figure("ours", terms[i])
		if (v == "") return ""
		total += factor * v
	}
	return total
}

function show(v) {
	if (v == "") return "-"
	return v >= 100 || v == 0 ? sprintf("%.0f", v) : \
		v >= 10 ? sprintf("%.1f", v) : sprintf("%.2f", v)
}

# The figures differ by a thousand and by a half: three digits
function show_ratio(r) {
	return r == "" ? "-" : sprintf(r < 0.1 ? "%.3f" : "%.2f", r)
}

COLUMN != "rows" {
	if ($1 == "row" && $3 != "-")
		value[COLUMN, $2] = $3
	if ($1 == "fact")
		fact[COLUMN, $2] = $3
	next
}

/^#/ || /^$/ { next }

/^=/ {
	section = trim(substr($0, 2))
	next
}

{
	split($0, f, "|")
	name = trim(f[1]); least = floor_of(trim(f[4]))
	split(f[3] ";", steps, ";")
	target = trim(steps[1]); further = trim(steps[2])
	what = f[2]
	sub(/^ /, "", what); sub(/[ \t]+$/, "", what)
	ours = look_up("ours", name)
	upstream = look_up("upstream", name)
	type1 = look_up("type1", name)
	if (ours == "" && upstream == "") {
		lost = lost " " name
		next
	}
	ratio = ours != "" && upstream + 0 > 0 ? ours / upstream : ""
	verdict = ""
	ok = is_met(target, ours, ratio)
	if (ok != "") {
		verdict = ok ? "met" : "missed"
		missed += !ok
		targets++
	}
	if (format == "chart") {
		if (ok != "" && target !~ /^=/)
			print trim(what) "|" ratio "|" target "|" show(ours) "|" show(upstream)
		next
	}
	if (section != printed) {
		printf "%s%s\n", printed == "" ? "" : "\n", section
		printf "  %-42s %9s %9s %7s %8s %-6s %8s %8s\n", "", "ours", "upstream",
			"ratio", "target", "", "type1", "floor"
		printed = section
	}
	line = sprintf("  %-42s %9s %9s %7s %8s %-6s %8s %8s", what, show(ours),
		show(upstream), show_ratio(ratio), show_target(target), verdict, show(type1), show(least))
	sub(/ +$/, "", line)
	ok = is_met(further, ours, ratio)
	if (ok != "")
		line = line sprintf("   next: %s, %s", show_target(further),
				    ok ? "met" : "not yet")
	print line
}

END {
	if (format != "chart" && targets)
		printf "\n%d of %d targets met\n", targets - missed, targets
	if (format != "chart" && all && lost != "")
		printf "Not measured:%s\n", lost
	exit strict && missed ? 1 : 0
}
