// SPDX-License-Identifier: GPL-2.0
/*
 * dma_traffic - bytes whose place can be told from their value, for tests of
 * disks and network cards behind an IOMMU
 *
 *	dma_traffic write SEED BYTES		the pattern, on standard output
 *	dma_traffic check SEED BYTES		compares standard input with it
 *	dma_traffic netns INTERFACE PID		moves a network interface into
 *						the network namespace of PID
 *
 * Each 8 bytes are a mix of SEED and their offset: a page that went to the wrong
 * place, or was there before, does not fit, and the message says at which offset
 * and, if it is a page of the same pattern, whose place it has.
 *
 * Exit status: 0; 1 if the bytes differ or end early; 2 if it could not be done.
 */
#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define CHUNK		(256 * 1024)
#define WORDS		(CHUNK / sizeof(uint64_t))

/* One to one, so that a word says where it belongs: see place_of() */
#define ODD		0x9e3779b97f4a7c15ULL

static uint64_t word_at(uint64_t seed, uint64_t offset)
{
	uint64_t x = (offset / 8 + seed) * ODD;

	return x ^ (x >> 32);
}

/* The offset of a word of the pattern; anything for other words */
static uint64_t place_of(uint64_t seed, uint64_t word)
{
	uint64_t x = word ^ (word >> 32);
	uint64_t inverse = ODD;
	int i;

	/* Newton: each step doubles the number of right bits, from 3 */
	for (i = 0; i < 5; i++)
		inverse *= 2 - ODD * inverse;
	return (x * inverse - seed) * 8;
}

static int write_pattern(uint64_t seed, uint64_t bytes)
{
	static uint64_t buffer[WORDS];
	uint64_t at = 0;

	while (at < bytes) {
		size_t want = bytes - at < CHUNK ? bytes - at : CHUNK;
		size_t done = 0, i;

		for (i = 0; i < (want + 7) / 8; i++)
			buffer[i] = word_at(seed, at + i * 8);
		while (done < want) {
			ssize_t n = write(STDOUT_FILENO,
					  (char *)buffer + done, want - done);

			if (n < 0) {
				fprintf(stderr, "write at %llu: %s\n",
					(unsigned long long)(at + done),
					strerror(errno));
				return 2;
			}
			done += n;
		}
		at += want;
	}
	return 0;
}

static int differs(uint64_t seed, uint64_t bytes, uint64_t offset,
		   uint64_t word)
{
	uint64_t place = place_of(seed, word);

	fprintf(stderr, "at %llu: %#llx instead of %#llx",
		(unsigned long long)offset, (unsigned long long)word,
		(unsigned long long)word_at(seed, offset));
	if (place < bytes)
		fprintf(stderr, ", which belongs to %llu",
			(unsigned long long)place);
	fprintf(stderr, "\n");
	return 1;
}

static int check_pattern(uint64_t seed, uint64_t bytes)
{
	static uint64_t buffer[WORDS];
	uint64_t at = 0;

	while (at < bytes) {
		size_t want = bytes - at < CHUNK ? bytes - at : CHUNK;
		size_t done = 0, i;

		while (done < want) {
			ssize_t n = read(STDIN_FILENO, (char *)buffer + done,
					 want - done);

			if (n <= 0) {
				fprintf(stderr, "read at %llu: %s\n",
					(unsigned long long)(at + done),
					n ? strerror(errno) : "end");
				return n ? 2 : 1;
			}
			done += n;
		}
		for (i = 0; i < want / 8; i++) {
			if (buffer[i] != word_at(seed, at + i * 8))
				return differs(seed, bytes, at + i * 8,
					       buffer[i]);
		}
		at += want;
	}
	return 0;
}

static int move_interface(const char *name, pid_t pid)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
		struct rtattr attr;
		uint32_t pid;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_NEWLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.link = {
			.ifi_family = AF_UNSPEC,
			.ifi_index = if_nametoindex(name),
		},
		.attr = {
			.rta_len = RTA_LENGTH(sizeof(uint32_t)),
			.rta_type = IFLA_NET_NS_PID,
		},
		.pid = pid,
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer;
	int fd, rc;

	if (!request.link.ifi_index) {
		fprintf(stderr, "there is no interface %s\n", name);
		return 2;
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0) {
		fprintf(stderr, "netlink: %s\n", strerror(errno));
		return 2;
	}
	close(fd);
	rc = answer.header.nlmsg_type == NLMSG_ERROR ? answer.error.error :
						       -EPROTO;
	if (rc) {
		fprintf(stderr, "%s: %s\n", name, strerror(-rc));
		return 2;
	}
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: dma_traffic write|check SEED BYTES\n"
		"       dma_traffic netns INTERFACE PID\n");
	return 2;
}

/* A decimal or hexadecimal number and nothing else */
static int number(const char *text, uint64_t *to)
{
	char *end;

	errno = 0;
	*to = strtoull(text, &end, 0);
	return errno || end == text || *end ? -1 : 0;
}

int main(int argc, char **argv)
{
	uint64_t a, b;

	if (argc != 4 || number(argv[3], &b))
		return usage();
	if (!strcmp(argv[1], "netns"))
		return b && b <= INT32_MAX ? move_interface(argv[2], b) : usage();
	/* Whole words only */
	if (number(argv[2], &a) || b % 8)
		return usage();
	if (!strcmp(argv[1], "write"))
		return write_pattern(a, b);
	if (!strcmp(argv[1], "check"))
		return check_pattern(a, b);
	return usage();
}
