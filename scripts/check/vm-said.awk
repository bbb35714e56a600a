# SPDX-License-Identifier: GPL-2.0
# Of what vm.sh says when a VM did not end as it should: its own line, and the first
# and the last two of the kernel's that follow it.

function tell(    i) {
	if (!said)
		return
	print said
	for (i = 1; i <= n; i++)
		if (i == 1 || i >= n - 1)
			print line[i]
	said = ""
	n = 0
}

/^vm\.sh: / { tell(); said = $0; next }
said && /^  \| / { line[++n] = substr($0, 1, 160) }
END { tell() }
