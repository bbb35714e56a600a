# SPDX-License-Identifier: GPL-2.0
# From a deb822 sources file: the stanza that serves `suite`, with its Suites
# replaced by release and release-backports, its Components by main.

BEGIN { RS = ""; FS = "\n" }

function field(name, i, at) {
	for (i = 1; i <= NF; i++) {
		at = index($i, ":")
		if (tolower(substr($i, 1, at - 1)) == name)
			return " " substr($i, at + 1) " "
	}
	return ""
}

!found && index(field("suites"), " " suite " ") &&
index(field("types"), " deb ") && tolower(field("enabled")) !~ / no / {
	for (i = 1; i <= NF; i++) {
		name = tolower(substr($i, 1, index($i, ":") - 1))
		if ($i ~ /^#/)
			continue
		if (name == "suites")
			print "Suites: " release " " release "-backports"
		else if (name == "components")
			print "Components: main"
		else if (name == "types")
			print "Types: deb"
		else
			print $i
	}
	found = 1
}
