# SPDX-License-Identifier: GPL-2.0
# chart.awk - the chart of "make bench", as SVG
#
# In: table.awk's format=chart, WHAT|RATIO|TARGET|OURS|UPSTREAM. One bar a row, as long
# as ours is to upstream's, which is 1; a stroke where the target is.

function escape(s) {
	gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); gsub(/>/, "\\&gt;", s)
	return s
}

function text(x, y, anchor, class, s) {
	printf "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" class=\"%s\">%s</text>\n",
		x, y, anchor, class, escape(s)
}

function line(x, y1, y2, class) {
	printf "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" class=\"%s\"/>\n",
		x, y1, x, y2, class
}

{
	n++
	split($0, f, "|")
	what[n] = f[1]; ratio[n] = f[2]; target[n] = f[3]
	ours[n] = f[4]; upstream[n] = f[5]
	# The heading that a row of the table is under is not here.
	if (f[1] ~ /outstanding/)
		what[n] = "fault, " f[1]
	# "unmap" alone does not say of what.
	if (f[1] == "unmap") {
		what[n] = what[n - 1]
		sub(/^map/, "unmap", what[n])
	}
	if (f[1] ~ /^map 1 GiB of it/) {
		what[n] = "map 1 GiB of " kind
	} else if (f[1] ~ /^map 64 MiB/) {
		kind = f[1]
		sub(/^map 64 MiB of /, "", kind)
	}
}

END {
	left = 330; wide = 460; row = 22; top = 70
	width = left + wide + 150
	height = top + n * row + 50
	most = 1.1
	for (i = 1; i <= n; i++)
		if (ratio[i] > most) most = ratio[i] * 1.05
	scale = wide / most
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n",
		width, height, width, height
	print "<style>"
	print "text { font-family: sans-serif; font-size: 12px; fill: #222 }"
	print ".title { font-size: 16px; font-weight: bold }"
	print ".small { font-size: 11px; fill: #555 }"
	print ".bar { fill: #3b73af } .missed { fill: #c8702a }"
	print ".grid { stroke: #ddd } .one { stroke: #555 } .target { stroke: #111; stroke-width: 2 }"
	print "</style>"
	printf "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height
	text(16, 26, "start", "title", "Guest instructions per operation, ours as a part of upstream's")
	text(16, 46, "start", "small", "shorter is better; 1 is the iommufd of the base tree; a black stroke is the target; orange: missed")
	for (g = 0; g <= most; g += 0.25) {
		line(left + g * scale, top - 6, top + n * row, g == 1 ? "one" : "grid")
		text(left + g * scale, top + n * row + 16, "middle", "small", sprintf("%.2f", g))
	}
	for (i = 1; i <= n; i++) {
		y = top + (i - 1) * row
		text(left - 8, y + 14, "end", "", what[i])
		printf "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" class=\"%s\"/>\n",
			left, y + 3, ratio[i] * scale, row - 7,
			ratio[i] <= target[i] + 0 ? "bar" : "missed"
		line(left + target[i] * scale, y + 1, y + row - 2, "target")
		text(left + wide + 8, y + 14, "start", "small", ours[i] " / " upstream[i])
	}
	text(left + wide + 8, top - 10, "start", "small", "ours / upstream")
	print "</svg>"
}
