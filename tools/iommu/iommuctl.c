// SPDX-License-Identifier: GPL-2.0
/*
 * iommuctl - what a process has open at /dev/iommu
 *
 *	iommuctl [--json] status PID	its address spaces, page tables, devices
 *	iommuctl [--json] faults PID	its fault queues
 *	iommuctl [--json] features	what this kernel's /dev/iommu can do
 *	iommuctl [--json] device NAME	what a device and its IOMMU can do
 *
 * PID "self" is iommuctl's own, which is of little use; "all" is every process
 * that can be looked at. Reads /proc/PID/fdinfo only and changes nothing; but
 * "device" opens the device (ctl_device.c), which resets it.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_device.h"
#include "lib/fdinfo.h"
#include "lib/iommu.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

static bool json;
/* The JSON list or object that is open has a member already. */
static bool json_more;
/* So has the list of open files. */
static bool listed;

static void json_sep(void)
{
	if (json_more)
		putchar(',');
	json_more = true;
}

static void json_string(const char *s, size_t length)
{
	putchar('"');
	for (; length; s++, length--) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

/* A number stays one; anything else becomes a string. */
static void json_value(const char *s, size_t length)
{
	size_t i = 0;

	while (i < length && isdigit((unsigned char)s[i]))
		i++;
	if (length && i == length && (length == 1 || s[0] != '0'))
		printf("%.*s", (int)length, s);
	else
		json_string(s, length);
}

/*
 * "key=value key=value word": a word alone is true. Of a device's PASIDs each is a
 * "pasid=", one after the other: one array, as most readers of JSON keep but the last of
 * several members with one name.
 */
static void json_pairs(const char *s, const char *end)
{
	bool array = false;

	while (s < end) {
		const char *word, *equals;

		s += strspn(s, " ");
		if (s >= end)
			break;
		word = s;
		while (s < end && *s != ' ')
			s++;
		equals = memchr(word, '=', (size_t)(s - word));
		if (equals && !strncmp(word, "pasid=", 6)) {
			json_sep();
			if (!array)
				printf("\"pasid\":[");
			array = true;
			json_string(equals + 1, (size_t)(s - equals - 1));
			continue;
		}
		if (array)
			putchar(']');
		array = false;
		json_sep();
		json_string(word, (size_t)((equals ? equals : s) - word));
		putchar(':');
		if (equals)
			json_value(equals + 1, (size_t)(s - equals - 1));
		else
			printf("true");
	}
	if (array)
		putchar(']');
}

/* The next line, as key and value; false at the end, also of a line that is not whole */
static bool next_line(const char **at, const char **key, size_t *key_length,
		      const char **value, const char **end)
{
	const char *colon;

	*key = *at;
	*end = strchr(*at, '\n');
	if (!*end)
		return false;
	*at = *end + 1;
	colon = memchr(*key, ':', (size_t)(*end - *key));
	if (!colon)
		colon = *end;
	*key_length = (size_t)(colon - *key);
	*value = colon < *end ? colon + 1 : colon;
	while (*value < *end && isspace((unsigned char)**value))
		(*value)++;
	return true;
}

static bool is_key(const char *key, size_t length, const char *name)
{
	return length == strlen(name) && !memcmp(key, name, length);
}

/* --- one open /dev/iommu --- */

static void show_context(int fd, const struct fdinfo *info)
{
	const char *at = info->text, *key, *value, *end, *charge;
	__u64 shown = 0, total;
	size_t length;
	bool all;

	if (!json)
		printf("  fd %d: /dev/iommu\n", fd);
	else
		printf("\"fd\":%d,\"objects\":[", fd);
	json_more = false;
	while (next_line(&at, &key, &length, &value, &end)) {
		char *rest;
		unsigned long id;

		if (!is_key(key, length, "iommu-object"))
			continue;
		shown++;
		if (!json) {
			printf("    %.*s\n", (int)(end - value), value);
			continue;
		}
		id = strtoul(value, &rest, 10);
		rest += strspn(rest, " ");
		json_sep();
		printf("{\"id\":%lu,\"type\":", id);
		json_string(rest, strcspn(rest, "\n "));
		json_more = true;
		json_pairs(rest + strcspn(rest, "\n "), end);
		putchar('}');
		json_more = true;
	}
	/* How many there are is the last line. */
	all = fdinfo_number(info, "iommu-objects", &total) && total == shown;
	charge = fdinfo_find(info, "iommu-charge");
	if (json)
		printf("],\"complete\":%s", all ? "true" : "false");
	else if (charge && !all)
		printf("    and more objects, for which there is no room here\n");
	if (!json && charge)
		printf("    pinned memory is charged to the %.*s\n",
		       (int)strcspn(charge, "\n"), charge);
}

/* --- one open fault queue --- */

static const struct figure {
	const char *key;
	unsigned int nth;
	const char *name;
	const char *text;
} figures[] = {
	{ "depth", 0, "depth", "page requests it holds" },
	{ "reported", 0, "reported", "page requests that came" },
	{ "delivered", 0, "read", "of them read" },
	{ "pending", 0, "pending", "without an answer" },
	{ "pending", 1, "pending_groups", "groups without an answer" },
	{ "oldest-ms", 0, "oldest_ms", "ms that the oldest has waited" },
	{ "answered-user", 1, "answered_success", "groups answered success" },
	{ "answered-user", 2, "answered_invalid", "groups answered invalid" },
	{ "answered-user", 3, "answered_failure", "groups answered failure" },
	{ "answered-drain", 1, "answered_drain",
	  "groups answered by detach or close" },
	{ "lost", 0, "lost", "page requests that found no room" },
	{ "lost", 1, "lost_groups", "groups told to try again for that" },
	{ "discarded", 0, "discarded", "of groups that never became whole" },
};

static void show_queue(int fd, const struct fdinfo *info)
{
	const char *at = info->text, *key, *value, *end;
	const char *policy = fdinfo_find(info, "policy");
	__u64 id = 0, n = 0;
	size_t length, i;

	fdinfo_number(info, "fault-id", &id);
	if (!policy)
		policy = "?";
	if (json) {
		printf("\"fd\":%d,\"id\":%llu,\"policy\":", fd, id);
		json_string(policy, strcspn(policy, "\n"));
	} else {
		printf("  fd %d: fault queue %llu, policy %.*s\n", fd, id,
		       (int)strcspn(policy, "\n"), policy);
	}
	for (i = 0; i < ARRAY_LEN(figures); i++) {
		if (!fdinfo_nth(info, figures[i].key, figures[i].nth, &n))
			continue;
		if (json)
			printf(",\"%s\":%llu", figures[i].name, n);
		else
			printf("    %12llu  %s\n", n, figures[i].text);
	}
	if (json)
		printf(",\"sources\":[");
	json_more = false;
	while (next_line(&at, &key, &length, &value, &end)) {
		if (!is_key(key, length, "source"))
			continue;
		if (json) {
			json_sep();
			json_string(value, (size_t)(end - value));
		} else {
			printf("    device %.*s\n", (int)(end - value), value);
		}
	}
	if (json)
		putchar(']');
}

/* --- processes --- */

enum what {
	STATUS,
	FAULTS,
};

static bool wanted(const char *target, enum what what)
{
	if (what == STATUS)
		return !strcmp(target, "/dev/iommu") ||
		       !strcmp(target, "/dev/vfio/vfio");
	return !strcmp(target, "anon_inode:[iommufd-pgfault]");
}

/* Returns how many open files it showed, or a negative errno. */
static int show_process(int pid, enum what what)
{
	static struct fdinfo info;
	char path[300], target[256];
	struct dirent *e;
	int shown = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		int fd = atoi(e->d_name);
		ssize_t n;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		if (!wanted(target, what) || fdinfo_read(pid, fd, &info))
			continue;
		if (json)
			printf("%s{\"pid\":%d,", listed ? "," : "", pid);
		else if (!shown)
			printf("process %d\n", pid);
		if (what == STATUS)
			show_context(fd, &info);
		else
			show_queue(fd, &info);
		if (json)
			putchar('}');
		listed = true;
		shown++;
	}
	closedir(dir);
	return shown;
}

static int show(const char *pid, enum what what)
{
	int shown = 0, rc = 0;

	if (json)
		putchar('[');
	if (!strcmp(pid, "all")) {
		DIR *dir = opendir("/proc");
		struct dirent *e;

		while (dir && (e = readdir(dir))) {
			if (!isdigit((unsigned char)e->d_name[0]))
				continue;
			rc = show_process(atoi(e->d_name), what);
			if (rc > 0)
				shown += rc;
		}
		if (dir)
			closedir(dir);
		rc = 0;
	} else {
		int n = strcmp(pid, "self") ? atoi(pid) : getpid();

		rc = n > 0 ? show_process(n, what) : -EINVAL;
		if (rc > 0)
			shown = rc;
	}
	if (json)
		puts("]");
	if (rc < 0) {
		fprintf(stderr, "iommuctl: process %s: %s\n", pid,
			strerror(-rc));
		return 1;
	}
	if (!shown && !json)
		printf("no %s is open there\n",
		       what == STATUS ? "/dev/iommu" : "fault queue");
	return 0;
}

static const struct {
	__u64 bit;
	const char *name;
	const char *text;
} feature_names[] = {
	{ IOMMU_FEATURE_FAULT_DEPTH, "fault-depth",
	  "fault queues have a depth" },
	{ IOMMU_FEATURE_FAULT_BLOCKING, "fault-blocking",
	  "a read of an empty fault queue can block" },
	{ IOMMU_FEATURE_FAULT_DEVICE, "fault-device",
	  "a fault queue can be made for one device" },
	{ IOMMU_FEATURE_FAULT_LOST, "fault-lost",
	  "a reader is told of lost page requests" },
	{ IOMMU_FEATURE_FAULT_ON_PAGING, "fault-on-paging",
	  "page tables filled by the kernel can have a fault queue" },
	{ IOMMU_FEATURE_FAULT_FAILURE, "fault-failure",
	  "the answer \"failure\" is accepted" },
	{ IOMMU_FEATURE_HW_INFO_INPUT_TYPE, "hw-info-input-type",
	  "GET_HW_INFO can be asked for a type" },
	{ IOMMU_FEATURE_DEVICE_PASID, "device-pasid",
	  "PASIDs of a device have address spaces of their own" },
	{ IOMMU_FEATURE_INVALIDATE_RANGE, "invalidate-range",
	  "HWPT_INVALIDATE of a range or of everything, for any IOMMU" },
	{ IOMMU_FEATURE_DEVICE_PRI, "device-pri",
	  "a device's page request interface can be controlled" },
	{ IOMMU_FEATURE_HWPT_EVENTQ, "hwpt-eventq",
	  "faults that nobody can answer can be listened to" },
	{ IOMMU_FEATURE_VIOMMU, "viommu",
	  "a guest has vIOMMUs, names for its devices, and queues of events" },
	{ IOMMU_FEATURE_DEVICE_PROBE, "device-probe",
	  "a device can be asked what it and its IOMMU can do" },
	{ IOMMU_FEATURE_HWPT_DEVICES, "hwpt-devices",
	  "a page table can be made for a list of devices" },
	{ IOMMU_FEATURE_IOAS_ARRAY, "ioas-array",
	  "many mappings by one call, and page faults answered by it" },
	{ IOMMU_FEATURE_IOAS_MAP_FILE, "ioas-map-file",
	  "memory of a file can be mapped" },
	{ IOMMU_FEATURE_CHANGE_PROCESS, "change-process",
	  "another process can pay for what is pinned" },
	{ IOMMU_FEATURE_MSI_WINDOW, "msi-window",
	  "a VMM can say where MSI doorbells are mapped" },
	{ IOMMU_FEATURE_HWPT_PASID, "hwpt-pasid",
	  "a page table can be asked for that PASIDs can have" },
	{ IOMMU_FEATURE_VPASID, "vpasid",
	  "mediated devices have PASIDs, which are translated" },
};

static int show_features(void)
{
	__u32 revision = 0;
	__u64 bits = 0;
	unsigned int i;
	int fd, rc;

	fd = iommu_open();
	if (fd < 0) {
		fprintf(stderr, "iommuctl: /dev/iommu: %s\n", strerror(-fd));
		return 1;
	}
	rc = iommu_features(fd, &revision, &bits);
	close(fd);
	if (rc && rc != -ENOTTY) {
		fprintf(stderr, "iommuctl: /dev/iommu: %s\n", strerror(-rc));
		return 1;
	}
	if (json)
		printf("{\"revision\":%u,\"features\":[", revision);
	else if (rc)
		printf("this kernel's /dev/iommu has nothing beyond Linux 6.12\n");
	else
		printf("ABI revision %u\n", revision);
	for (i = 0; i < ARRAY_LEN(feature_names); i++) {
		if (!(bits & feature_names[i].bit))
			continue;
		if (json) {
			json_sep();
			printf("\"%s\"", feature_names[i].name);
		} else {
			printf("  %-20s %s\n", feature_names[i].name,
			       feature_names[i].text);
		}
		bits &= ~feature_names[i].bit;
	}
	if (json) {
		if (bits) {
			json_sep();
			printf("\"%#llx\"", bits);
		}
		printf("]}\n");
	} else if (bits) {
		printf("  and %#llx, unknown to this program\n", bits);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--json")) {
		json = true;
		argv++;
		argc--;
	}
	if (argc == 2 && !strcmp(argv[1], "features"))
		return show_features();
	if (argc == 3 && !strcmp(argv[1], "status"))
		return show(argv[2], STATUS);
	if (argc == 3 && !strcmp(argv[1], "faults"))
		return show(argv[2], FAULTS);
	if (argc == 3 && !strcmp(argv[1], "device"))
		return ctl_device(argv[2], json);
	fprintf(stderr,
		"usage: iommuctl [--json] status PID | faults PID | features | device NAME\n");
	return 2;
}
