# SPDX-License-Identifier: GPL-2.0
# trace.awk - the kernel's trace of its fault path, cut into traces for trace.pml
#
#   awk -v out=PREFIX -f trace.awk TRACE
#
# Sources that report to one queue at the same time belong together; what belongs
# together becomes PREFIX-N.trace, if it is not larger than the model: two devices,
# two queues, 16 of anything else. A PASID is a device of its own here, as it has an
# attach of its own. Prints "traces N too-large N events N".
#
# A line of the result is: kind device queue group index last. Kinds are those of
# state.pml. "index" is a group index that is not in use. The first line has the
# requests that each device, then each queue, holds at most: what is refused in the
# trace is refused for that.

function field(name,	at, text) {
	at = match($0, " " name "=[^ ]*")
	if (!at)
		return ""
	text = substr($0, RSTART, RLENGTH)
	sub(/^[^=]*=/, "", text)
	return text
}

# The component that two belong to is the older of theirs.
function root(c) {
	while (parent[c] != c)
		c = parent[c]
	return c
}

function join(a, b) {
	a = root(a)
	b = root(b)
	if (a < b)
		parent[b] = a
	else
		parent[a] = b
	return root(a)
}

/iopf_(report|lost|publish|read|answer|drain): / {
	match($0, /iopf_[a-z]*: /)
	kind = substr($0, RSTART + 5, RLENGTH - 7)
	n++
	ev_kind[n] = kind
	ev_queue[n] = field("queue")
	ev_id[n] = field("id")
	ev_count[n] = field("requests")
	ev_last[n] = field("last")
	ev_code[n] = field("code")
	pasid = field("pasid")
	dev = field("dev")
	key = dev " " pasid " " field("grpid")
	if (ev_id[n] == "0")
		ev_id[n] = "lost " n
	id = ev_id[n]
	if (kind == "report" || kind == "lost") {
		# Ids are numbered by source; a device that is back is another one.
		serial = id ~ /^lost/ ? serial_of[dev] : substr(id, 1, length(id) - 10)
		serial_of[dev] = serial
		device[id] = dev " " serial " " pasid
		index_key[id] = serial " " key
	}
	ev_dev[n] = device[id]
	ev_key[n] = index_key[id]
	next
}

END {
	# A queue's number is used again by the next open file: it is the same queue
	# while one and the same source is there, or while groups wait in it.
	for (i = 1; i <= n; i++) {
		split(ev_dev[i], word, " ")
		source = word[1] " " word[2]
		q = ev_queue[i]
		if (!(source in comp_of)) {
			comp_of[source] = i
			parent[i] = i
		}
		first[source] = first[source] ? first[source] : i
		last[source] = i
		uses[i] = source
	}
	for (i = 1; i <= n; i++) {
		q = ev_queue[i]
		if (q in holder && holder[q] != uses[i] && last[holder[q]] > i)
			join(comp_of[holder[q]], comp_of[uses[i]])
		if (!(q in holder) || last[holder[q]] < last[uses[i]])
			holder[q] = uses[i]
	}
	for (i = 1; i <= n; i++) {
		c = root(comp_of[uses[i]])
		members[c] = members[c] " " i
		if (!(c in seen)) {
			seen[c] = 1
			order[++comps] = c
		}
	}
	for (i = 1; i <= comps; i++)
		write(order[i])
	print "traces " traces + 0 " too-large " too_large + 0 " events " events + 0
}

# Where nothing was refused, room is what the model has.
function room(most) {
	return losses ? (most ? most : 1) : 16
}

function write(c,	list, m, i, e, lines, num, devs, queues, groups, dev_n, queue_n,
	       inst_n, dev, queue, inst, ix, k, id, used, held_d, held_q, most_d, most_q,
	       size, kinds, file, fits, doomed, key) {
	split("", dev_n); split("", queue_n); split("", inst_n); split("", ix)
	split("", used); split("", held_d); split("", held_q)
	split("", most_d); split("", most_q); split("", doomed); split("", size)
	kinds["report"] = 1; kinds["lost"] = 2; kinds["publish"] = 3
	kinds["read"] = 4; kinds["answer"] = 5
	m = split(members[c], list, " ")
	fits = 1
	losses = devs = queues = groups = num = 0
	for (i = 1; i <= m; i++) {
		e = list[i]
		id = ev_id[e]
		if (!(ev_dev[e] in dev_n))
			dev_n[ev_dev[e]] = devs++
		if (!(ev_queue[e] in queue_n))
			queue_n[ev_queue[e]] = queues++
		dev = dev_n[ev_dev[e]]
		queue = queue_n[ev_queue[e]]
		if (devs > 2 || queues > 2) {
			fits = 0
			break
		}
		if (!(id in inst_n)) {
			# The end of a group that was refused went without a word.
			key = ev_key[e]
			if (key in doomed) {
				lines = lines "9 " dev " " queue " " inst_n[doomed[key]] \
					" " ix[doomed[key]] " 1\n"
				num++
				delete used[dev, ix[doomed[key]]]
				delete doomed[key]
			}
			inst_n[id] = ++groups
			for (k = 0; (dev, k) in used; k++)
				;
			ix[id] = k
			used[dev, k] = 1
			if (k >= 16 || groups > 200)
				fits = 0
		}
		if (ev_kind[e] == "report") {
			size[id]++
			if (++held_d[dev] > most_d[dev])
				most_d[dev] = held_d[dev]
			if (++held_q[queue] > most_q[queue])
				most_q[queue] = held_q[queue]
		} else if (ev_kind[e] == "answer" || ev_kind[e] == "drain" ||
			   ev_kind[e] == "lost") {
			held_d[dev] -= size[id]
			held_q[queue] -= size[id]
			size[id] = 0
			losses += ev_kind[e] == "lost"
			if (ev_kind[e] == "lost" && !ev_last[e])
				doomed[ev_key[e]] = id
			else
				delete used[dev, ix[id]]
		}
		k = kinds[ev_kind[e]]
		if (ev_kind[e] == "drain")
			k = 6 + (ev_code[e] != "success")
		lines = lines k " " dev " " queue " " inst_n[id] " " ix[id] " " \
			(ev_last[e] == "" ? 0 : ev_last[e]) "\n"
		num++
	}
	if (most_d[0] > 16 || most_d[1] > 16 || most_q[0] > 16 || most_q[1] > 16 || num > 250)
		fits = 0
	if (!fits) {
		too_large++
		return
	}
	file = out "-" ++traces ".trace"
	print room(most_d[0]), room(most_d[1]), room(most_q[0]), room(most_q[1]) >file
	printf "%s", lines >file
	close(file)
	events += num
}
