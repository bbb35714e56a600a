// SPDX-License-Identifier: GPL-2.0
/* PASIDs of one device (mock): the 10,000th, and finding one among as many. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/mock.h"
#include "bench.h"

/* Attaches in a stretch: as many nodes of tables begin in each */
#define WINDOW		64U
#define FIRST		1000U
#define LAST		60000U

struct pasids {
	int fd;
	__u32 ioas;
	__u32 vm;
	__u32 dev;
	__u32 have;
};

/* The next one */
static void attach(struct pasids *p)
{
	__u32 pt = p->ioas, wire;

	must(iommu_vpasid_attach(p->fd, p->dev, ++p->have, &pt, &wire),
	     "PASID_ATTACH");
}

static double attach_window(struct pasids *p)
{
	struct batch b;
	__u32 i;

	batch_begin(&b);
	for (i = 0; i < WINDOW; i++)
		attach(p);
	return (double)batch_end(&b) / WINDOW;
}

static double detach_window(struct pasids *p)
{
	struct batch b;
	__u32 i;

	batch_begin(&b);
	for (i = 0; i < WINDOW; i++)
		must(iommu_pasid_detach(p->fd, p->dev, p->have--),
		     "PASID_DETACH");
	return (double)batch_end(&b) / WINDOW;
}

static void look_up(void *arg)
{
	struct pasids *p = arg;
	__u32 wire;

	must(mock_vm_lookup(p->fd, p->vm, p->dev, p->have / 2 + 1, &wire),
	     "a look-up");
}

static void named_row(const char *kind, const char *what, __u32 at, double v)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%s.%u", kind, what, at);
	row(name, v);
}

/* A fifth more is what cache lines and the levels of a table may make of it. */
static void must_not_grow(const char *kind, const char *what, double small,
			  double large)
{
	check(large <= 1.2 * small, "%s.%s grows from %.0f to %.0f", kind, what,
	      small, large);
}

static void grow(struct pasids *p, const char *kind)
{
	static const __u32 from[] = { 128, 9984 };
	static const __u32 at[] = { 100, 10000 };
	unsigned int steps = bench.quick ? 1 : 2, i;
	unsigned int loops = bench.quick ? 100 : 1000;
	double in[2] = {}, out[2] = {}, found[2] = {};

	p->have = 0;
	while (p->have < 10)
		attach(p);
	/* What the first one makes is made */
	look_up(p);
	found[0] = count(look_up, p, loops);
	named_row(kind, "lookup", 10, found[0]);
	for (i = 0; i < steps; i++) {
		while (p->have < from[i])
			attach(p);
		in[i] = attach_window(p);
		named_row(kind, "attach", at[i], in[i]);
	}
	if (steps == 2) {
		look_up(p);
		found[1] = count(look_up, p, loops);
		named_row(kind, "lookup", 10000, found[1]);
	}
	while (i--) {
		while (p->have > from[i] + WINDOW)
			must(iommu_pasid_detach(p->fd, p->dev, p->have--),
			     "PASID_DETACH");
		out[i] = detach_window(p);
		named_row(kind, "detach", at[i], out[i]);
	}
	while (p->have)
		must(iommu_pasid_detach(p->fd, p->dev, p->have--),
		     "PASID_DETACH");
	if (steps < 2)
		return;
	must_not_grow(kind, "attach", in[0], in[1]);
	must_not_grow(kind, "detach", out[0], out[1]);
	must_not_grow(kind, "lookup", found[0], found[1]);
}

void rows_pasids(void)
{
	struct mock_pool pool = {
		.dev_flags = MOCK_FLAGS_DEVICE_PASID,
		.first = FIRST,
		.last = LAST,
		.quota = LAST - FIRST + 1,
	};
	struct pasids p = { .fd = iommu_open() };
	struct mock_device whole, part;
	__u64 features;
	__u32 revision;

	must(p.fd, "/dev/iommu");
	if (iommu_features(p.fd, &revision, &features)) {
		row_none("pasid.attach.100", "there is no such call");
		close(p.fd);
		return;
	}
	must(iommu_ioas_alloc(p.fd, &p.ioas), "IOAS_ALLOC");
	must(mock_vm(p.fd, &p.vm), "a stand-in for a hypervisor");
	must(mock_device(p.fd, p.ioas, MOCK_FLAGS_DEVICE_PASID, &whole),
	     "mock device");
	p.dev = whole.dev;
	grow(&p, "pasid");

	must(mock_parent(p.fd, &pool), "a parent");
	must(mock_mediated(p.fd, pool.id, 0, &part), "a mediated device");
	p.dev = part.dev;
	grow(&p, "vpasid");
	close(p.fd);
}
