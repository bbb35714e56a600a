# SPDX-License-Identifier: GPL-2.0
# Of what vm.sh says when a VM did not end as it should: its own line, the first of the
# kernel's, what else it complains of, and who had called whom, in as few lines as that
# takes: these may be all that is kept of a run.

function trace_ends() {
	if (trace != "")
		print substr("  |   " trace, 1, 600)
	trace = ""
}

function tell(    i, text) {
	if (!said)
		return
	print said
	for (i = 1; i <= n; i++) {
		text = line[i]
		if (text ~ frame) {
			sub(/^  \| (\[[^]]*\] *)*/, "", text)
			sub(/\+0x[0-9a-f]+\/.*/, "", text)
			trace = trace (trace == "" ? "" : " < ") text
			continue
		}
		if (text ~ /<\/?(TASK|IRQ|NMI)>/ || text ~ /Call [Tt]race/ ||
		    text ~ /\] +\? /)
			continue
		trace_ends()
		if (i == 1 || i >= n - 1 || text ~ complaint)
			print text
	}
	trace_ends()
	said = ""
	n = 0
}

BEGIN {
	# of a stack, what the unwinder is sure of
	frame = "^  \\| (\\[[^]]*\\] *)*[A-Za-z_][A-Za-z0-9_.]*\\+0x[0-9a-f]+/0x[0-9a-f]+"
	complaint = "BUG:|WARNING:|INFO:|RIP:|pc :| task:|Kernel panic|Oops"
}
/^vm\.sh: / { tell(); said = $0; next }
said && /^  \| / { line[++n] = substr($0, 1, 160) }
END { tell() }
