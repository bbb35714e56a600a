# SPDX-License-Identifier: GPL-2.0
# Counts the TAP of one suite: prints "PASSED FAILED SKIPPED", and writes what
# failed to the file `names`, followed by what was said of it: the last few
# diagnostic lines since the case before, indented. `status` is the suite's exit
# status, `vm` a file with what vm.sh said, for what did not end.
#
# "# begin NAME" and "# end NAME STATUS" enclose one program. One that ends
# early, or badly without a failed case, is one failure more, and so is one that
# had no case to run: what chooses them fits none. One that prints no TAP at all
# is one case by its exit status (4 is a skip).

BEGIN { planned = -1; reasons = 5; printf "" > names }

function tell(    i) {
	for (i = said > reasons ? said - reasons : 0; i < said; i++)
		print "  " substr(why[i], 1, 200) > names
	said = 0
}

function failure(what) {
	failed++
	print what > names
	tell()
}

/^# begin / { program = $3; open = 1; planned = -1; ran = 0; bad = 0; said = 0 }
/^1\.\.[0-9]+/ { planned = substr($1, 4) + 0 }
/^ *#/ && !/^# (begin|end) / && !/^# +(RUN|OK|FAIL) / {
	sub(/^[# \t]+/, "")
	why[said++] = "# " $0
	next
}
/^ok / || /^not ok / {
	ran++
	if (toupper($0) ~ /# SKIP/)
		skipped++
	else if ($1 == "ok")
		passed++
	else {
		bad++
		failure((program ? program ": " : "") $0)
	}
	said = 0
}
/^# end / {
	if (planned >= 0 && ran < planned)
		failure($3 ": " ran " of " planned " cases ran")
	else if (ran == 0 && $4 == 4)
		skipped++
	else if (planned == 0 && $4 == 0)
		failure($3 ": no case ran")
	else if (ran == 0 && $4 == 0)
		passed++
	else if ($4 != 0 && bad == 0)
		failure($3 ": exit status " $4)
	open = 0
	program = ""
}
END {
	if (open || status)
		while ((getline line < vm) > 0)
			why[said++] = line
	if (open)
		failure(program ": it did not end")
	else if (status != 0 && !failed)
		failure("the suite ended with status " status)
	else if (status != 0)
		# What failed may be a case that the VM never came to.
		tell()
	if (passed + failed + skipped == 0)
		failure("nothing ran")
	print passed + 0, failed + 0, skipped + 0
}
