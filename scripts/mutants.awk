# SPDX-License-Identifier: GPL-2.0
# Reads sets of seeded mutants, then
#   mode=list    prints a line for each: number, name, file, function, test
#   mode=check   looks whether all fit the sources in FROM
#   mode=apply   and writes those sources to INTO, with every mutant compiled in that
#                there is: it is on where the kernel's parameter iommufd_seed has its
#                number
# An entry that does not fit the source is an error that names it. The format is
# described in scripts/mutants.sh.
#
#   awk -v mode=apply -v from=FROM -v into=INTO -f mutants.awk SET...

function fail(what) {
	printf "%s: %s\n", name[n] != "" && where == "" ? name[n] : where, what >"/dev/stderr"
	bad = 1
}

function squeeze(s) {
	gsub(/[ \t\n]+/, " ", s)
	sub(/^ /, "", s)
	sub(/ $/, "", s)
	return s
}

/^mutant / {
	if (NF != 5) {
		where = FILENAME ":" FNR
		fail("a mutant is a name, a file, a function and a test")
		where = ""
		next
	}
	n++
	name[n] = $2; file[n] = $3; func_of[n] = $4; test[n] = $5
	if (seen[$2]++)
		fail("there are two of this name")
	if ($3 !~ /\.c$/)
		fail("a header is not replaced in a build")
	if (!($3 in in_file))
		files[++num_files] = $3
	in_file[$3] = in_file[$3] " " n
	next
}
/^- / { was[n] = was[n] substr($0, 3) "\n"; next }
/^\+ / { becomes[n] = becomes[n] substr($0, 3) "\n"; next }
/^# / || /^$/ { next }
{
	where = FILENAME ":" FNR
	fail("not a line of a mutant: " $0)
	where = ""
}

# Where the body of a function begins and ends, in begin and end
function find_function(what,    i, j) {
	for (i = 1; i <= num_lines; i++) {
		if (line[i] !~ /^[a-z]/ || line[i] !~ ("(^|[^a-zA-Z0-9_])" what "\\("))
			continue
		for (j = i; j <= num_lines && line[j] !~ /;$/; j++)
			if (line[j] == "{")
				break
		if (line[j] != "{")
			continue
		begin = j + 1
		while (line[j] != "}")
			if (++j > num_lines)
				return 0
		end = j - 1
		return 1
	}
	return 0
}

# Where the text was[m] stands in the function, whatever the white space: offsets into
# the file's text, in at and len.
function find_text(m,    i, c, wanted, flat, pos, num, from_pos, again) {
	wanted = squeeze(was[m])
	flat = " "; num = 1; pos[1] = offset[begin]
	for (i = offset[begin]; i < offset[end + 1]; i++) {
		c = substr(text, i, 1)
		if (c == "\t" || c == "\n")
			c = " "
		if (c == " " && substr(flat, num, 1) == " ")
			continue
		flat = flat c
		pos[++num] = i
	}
	from_pos = index(flat, wanted)
	if (!from_pos)
		return 0
	again = index(substr(flat, from_pos + 1), wanted)
	if (again)
		return 2
	at = pos[from_pos]
	len = pos[from_pos + length(wanted) - 1] - at + 1
	return 1
}

# A statement becomes one of two, what is none is taken for an expression.
function mutated(m, old,    new) {
	new = squeeze(becomes[m])
	if (old ~ /[;}]$/)
		return "{ if (READ_ONCE(iommufd_seed) == " m ") { " new " } else { " old " } }"
	return "(READ_ONCE(iommufd_seed) == " m " ? (" new ") : (" old "))"
}

function directory(path) {
	return match(path, /.*\//) ? substr(path, 1, RLENGTH) : ""
}

function apply(path,    i, j, m, k, list, num, found, starts, lens, order, out, done) {
	text = ""; num_lines = 0
	while ((getline i <(from "/" path)) > 0) {
		line[++num_lines] = i
		offset[num_lines] = length(text) + 1
		text = text i "\n"
	}
	close(from "/" path)
	offset[num_lines + 1] = length(text) + 1
	num = split(in_file[path], list, " ")
	found = 0
	for (i = 1; i <= num; i++) {
		m = list[i]
		where = name[m] ": " path ": " func_of[m]
		if (!find_function(func_of[m])) {
			fail("there is no such function")
			continue
		}
		j = find_text(m)
		if (j != 1) {
			fail(j ? "the text is there more than once" : "the text is not there")
			continue
		}
		# By where they are, the first first
		for (k = found; k > 0 && starts[order[k]] > at; k--)
			order[k + 1] = order[k]
		order[k + 1] = m
		found++
		starts[m] = at
		lens[m] = len
		if (k > 0 && starts[order[k]] + lens[order[k]] > at)
			fail("it overlaps " name[order[k]])
		if (k + 2 <= found && at + len > starts[order[k + 2]])
			fail("it overlaps " name[order[k + 2]])
	}
	where = ""
	if (bad || mode != "apply")
		return
	out = "extern unsigned int iommufd_seed; "
	done = 1
	for (k = 1; k <= found; k++) {
		m = order[k]
		out = out substr(text, done, starts[m] - done) \
			mutated(m, substr(text, starts[m], lens[m]))
		done = starts[m] + lens[m]
	}
	out = out substr(text, done)
	# A header is found from where the source was.
	gsub(/\n#include "/, "&" from "/" directory(path), out)
	if (!switch_is_there++)
		out = out "#include <linux/moduleparam.h>\n" \
			"unsigned int iommufd_seed;\n" \
			"core_param(iommufd_seed, iommufd_seed, uint, 0644);\n"
	printf "%s", out >(into "/" path)
	close(into "/" path)
}

END {
	where = ""
	if (mode == "list") {
		for (i = 1; i <= n; i++)
			print i, name[i], file[i], func_of[i], test[i]
		exit bad
	}
	for (i = 1; i <= n; i++)
		if (squeeze(was[i]) == "") {
			where = name[i]
			fail("it changes nothing")
		}
	for (i = 1; i <= num_files; i++)
		apply(files[i])
	if (!bad && mode == "check")
		print n " mutants"
	exit bad
}
