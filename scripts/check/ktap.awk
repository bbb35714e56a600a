# SPDX-License-Identifier: GPL-2.0
# The KTAP of a kernel log as flat TAP: a line for each case of each suite, and
# one for a suite that failed as a whole though its cases did not.

{ sub(/^\[ *[0-9.]+\] /, "") }
/^KTAP version/ { on = 1; ran = 0; suites = 0 }
!on { next }
/^1\.\.[0-9]+$/ { planned = substr($1, 4) + 0 }
/^    # Subtest: / { suite = $3; bad = 0; cases = -1; print "# begin " suite }
/^    1\.\.[0-9]+/ { sub(/^ +/, ""); print; next }
/^    (not )?ok / {
	if ($1 == "not")
		bad++
	sub(/^ +/, "")
	sub(/[0-9]+ /, "& " suite ".")
	sub(/  /, " ")
	print
	next
}
/^(not )?ok / {
	print "# end " suite " " ($1 == "not" && !bad ? 1 : 0)
	suites++
}
/^ *# / { print "# " $0; if (/(EXPECTATION|ASSERTION) FAILED/) saying = 4; next }
# What was expected follows, without a mark of its own.
saying && saying-- && /^    +[^ ]/ { print "# " $0 }
END {
	if (on && suites < planned)
		print "not ok 0 " suites " of " planned " KUnit suites ended"
	if (!on || !suites)
		print "not ok 0 no KUnit suite ran"
}
