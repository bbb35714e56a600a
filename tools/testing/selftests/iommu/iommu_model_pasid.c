// SPDX-License-Identifier: GPL-2.0
/*
 * PASIDs on the models' functions, as the trace tells it. Who cannot have any, and why: a
 * function whose requests with PASID may not get to the IOMMU, or that cannot send any,
 * what shares a group (on the mock), and what is excluded by what others have. That a
 * PASID is drained before it can be another's, or have another table, though nobody
 * listens to its faults; and what comes to its next owner.
 */
#include "iommu_test.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include "../../../iommu/lib/model_dev.h"

#define TRACING	"/sys/kernel/tracing/instances/iommufd-pasid"
#define EVENTS	TRACING "/events/"
#define NO_ACS	"a bridge on the path has no ACS"
#define OFF	"PASIDs could not be turned on"
#define OTHERS	"its group has other devices"
#define TOO_MANY	"more than the device can have"
#define BEYOND	"what it is on the wire is more than the device can have"
#define TAKEN	"others have what it is on the wire"
#define GUESTS	"a guest's table on the device has all PASIDs"
#define BESIDE	\
	"not beside what the device itself is attached to, or not yet after what was"

/* How often a refusal with all of this is in the trace */
static int traced(const char *name, __u32 pasid, const char *reason, int rc)
{
	char line[512], what[256];
	FILE *f = fopen(TRACING "/trace", "re");
	int n = 0;

	if (!f)
		return -errno;
	snprintf(what, sizeof(what), " pasid=%u reason=\"%s\" ret=%d", pasid,
		 reason, rc);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, what) && strstr(line, name);
	fclose(f);
	return n;
}

static const char *const events[] = {
	EVENTS "iommufd/pasid_refused/enable",
	EVENTS "iommufd/pasid_grant/enable",
	EVENTS "iommufd_vtd/vtd_prq_drain/enable",
	EVENTS "iommufd_smmuv3/smmuv3_faults_drain/enable",
};

/* On arm64 there is no VT-d driver: what is not there has no events either */
static bool trace_events(const char *on)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_LEN(events); i++)
		n += write_text(events[i], on);
	return n >= 3;
}

/* The line, from 1, of the first that has all of this; 0: none. */
static int traced_at(const char *event, const char *what)
{
	FILE *f = fopen(TRACING "/trace", "re");
	int n = 0, found = 0;
	char line[512];

	if (!f)
		return -errno;
	while (!found && fgets(line, sizeof(line), f)) {
		n++;
		if (strstr(line, event) && strstr(line, what))
			found = n;
	}
	fclose(f);
	return found;
}

FIXTURE(model_pasid) {
	int fd;
	__u32 ioas;
	struct model model;
	struct model_dev f[2];
};

FIXTURE_VARIANT(model_pasid) {
	bool smmuv3;
};

FIXTURE_VARIANT_ADD(model_pasid, vtd) {
	.smmuv3 = false,
};

FIXTURE_VARIANT_ADD(model_pasid, smmuv3) {
	.smmuv3 = true,
};

FIXTURE_SETUP(model_pasid)
{
	const struct model_smmuv3 unit = {};
	char *mem;
	int i, rc;

	for (i = 0; i < 2; i++)
		self->f[i].v.fd = -1;
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	rc = variant->smmuv3 ? model_smmuv3_add(&self->model, &unit) :
			       model_vtd_add(&self->model, 0, 0);
	if (rc == -ENOENT)
		SKIP(return, "this kernel has no such model");
	ASSERT_EQ(0, rc)
		TH_LOG("%s", model_error());
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	mem = mem_get(PAGE);
	ASSERT_NE(NULL, mem);
	memset(mem, 'A', PAGE);
	ASSERT_EQ(0, iommu_map(self->fd, self->ioas, mem, PAGE, IOVA_BASE));
	/* Alike, but for what is between them and the IOMMU */
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, model_plug_with(&self->model, (__u32)(i + 1) << 3,
					     MODEL_CAPS_ALL |
					     (i ? IOMMUFD_MODEL_CAP_NO_ACS : 0),
					     16, 64, 0, &self->f[i]));
	rmdir(TRACING);
	ASSERT_EQ(0, mkdir(TRACING, 0700));
	ASSERT_TRUE(trace_events("1"));
}

FIXTURE_TEARDOWN(model_pasid)
{
	int i;

	if (self->fd < 0)
		return;
	trace_events("0");
	rmdir(TRACING);
	for (i = 0; i < 2; i++)
		model_dev_close(&self->f[i]);
	close(self->fd);
	if (self->f[0].name[0])
		EXPECT_EQ(0, model_remove(&self->model));
}

TEST_F_TIMEOUT(model_pasid, path_without_acs, 120)
{
	struct model_dev *open = &self->f[1];
	__u32 pt = self->ioas, wire;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, model_dev_open(&self->f[i]));
		ASSERT_EQ(0, model_dev_bind(&self->f[i], self->fd));
	}
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, self->f[0].v.id, 7, &pt));
	EXPECT_EQ(0, traced(self->f[0].name, 7, NO_ACS, -EOPNOTSUPP));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, self->f[0].v.id, 7));

	pt = self->ioas;
	EXPECT_EQ(-EOPNOTSUPP, iommu_pasid_attach(self->fd, open->v.id, 7, &pt));
	EXPECT_EQ(self->ioas, pt);
	EXPECT_EQ(1, traced(open->name, 7, NO_ACS, -EOPNOTSUPP));
	EXPECT_EQ(-EOPNOTSUPP, iommu_vpasid_replace(self->fd, open->v.id, 7,
						    &pt, &wire));
	EXPECT_EQ(2, traced(open->name, 7, NO_ACS, -EOPNOTSUPP));
	/* What it does without PASID is not affected */
	ASSERT_EQ(0, vfio_dev_attach(&open->v, &pt));
	EXPECT_EQ(-EOPNOTSUPP, iommu_pasid_attach(self->fd, open->v.id, 7, &pt));
	ASSERT_EQ(0, vfio_dev_detach(&open->v));
}

/* The path is as it should be, but the function cannot put a PASID before a request. */
TEST_F_TIMEOUT(model_pasid, path_without_prefixes, 120)
{
	struct iommu_hw_info info = { .size = sizeof(info) };
	__u32 pt = self->ioas;
	struct model_dev d;

	ASSERT_EQ(0, model_plug_with(&self->model, 3 << 3,
				     MODEL_CAPS_ALL | IOMMUFD_MODEL_CAP_NO_PREFIX,
				     16, 64, 0, &d));
	ASSERT_EQ(0, model_dev_open(&d));
	ASSERT_EQ(0, model_dev_bind(&d, self->fd));
	info.dev_id = d.v.id;
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &info));
	EXPECT_EQ(0, info.out_max_pasid_log2);
	EXPECT_EQ(-EOPNOTSUPP, iommu_pasid_attach(self->fd, d.v.id, 7, &pt));
	EXPECT_EQ(self->ioas, pt);
	EXPECT_EQ(1, traced(d.name, 7, OFF, -EOPNOTSUPP));
	EXPECT_EQ(0, traced(d.name, 7, NO_ACS, -EOPNOTSUPP));
	EXPECT_EQ(-EOPNOTSUPP, iommu_pasid_detach(self->fd, d.v.id, 7));
	model_dev_close(&d);
}

/* --- how many --- */

/* As modern units are, but for the width of their PASIDs */
#define UNIT_BITS	9
#define VTD_CAP		(6ULL | 0xeULL << 8 | 56ULL << 16 | 0x40ULL << 24 | \
			 3ULL << 34 | 1ULL << 39 | 7ULL << 40 | 18ULL << 48 | \
			 7ULL << 54 | 1ULL << 60)
#define VTD_ECAP	(0xfULL | 1ULL << 6 | 1ULL << 7 | 0x50ULL << 8 | \
			 0xfULL << 20 | 1ULL << 26 | 1ULL << 29 | 1ULL << 31 | \
			 1ULL << 33 | 1ULL << 34 | (UNIT_BITS - 1ULL) << 35 | \
			 0xfULL << 40 | 0x1fULL << 45 | 1ULL << 52)
#define SMMUV3_IDR1	(16U | (__u32)UNIT_BITS << 6 | 19U << 11 | 19U << 16 | \
			 19U << 21 | 3U << 26)

TEST_F_TIMEOUT(model_pasid, bounded_by_the_unit, 120)
{
	const struct model_smmuv3 unit = { .idr1 = SMMUV3_IDR1 };
	struct iommu_hw_info info = { .size = sizeof(info) };
	const __u32 last = (1U << UNIT_BITS) - 1;
	struct model model;
	struct model_dev d;
	__u32 pt;
	char c;

	ASSERT_EQ(0, variant->smmuv3 ?
			     model_smmuv3_add(&model, &unit) :
			     model_vtd_add(&model, VTD_CAP, VTD_ECAP))
		TH_LOG("%s", model_error());
	ASSERT_EQ(0, model_plug_with(&model, 1 << 3, MODEL_CAPS_ALL, 16, 64, 0,
				     &d));
	ASSERT_EQ(0, model_dev_open(&d));
	ASSERT_EQ(0, model_dev_bind(&d, self->fd));
	info.dev_id = d.v.id;
	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &info));
	EXPECT_EQ(UNIT_BITS, info.out_max_pasid_log2);
	pt = self->ioas;
	EXPECT_EQ(-EINVAL, iommu_pasid_attach(self->fd, d.v.id, last + 1, &pt));
	EXPECT_EQ(1, traced(d.name, last + 1, TOO_MANY, -EINVAL));
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, d.v.id, last, &pt));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK,
		  model_dma(&d, 0, last, IOVA_BASE, &c, 1, FOREVER_MS));
	EXPECT_EQ('A', c);
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, d.v.id, last));
	model_dev_close(&d);
	EXPECT_EQ(0, model_remove(&model));
}

#define NARROW_BITS	5
#define SHARED		40U

/* A vPASID of the global pool has one pPASID, which not every device may have. */
TEST_F_TIMEOUT(model_pasid, shared_beyond_the_parent, 120)
{
	struct mock_pool wide = { .parent = self->f[0].name, .global = true };
	struct mock_pool narrow = { .global = true };
	__u32 pt, wire, other, i, refused = 0;
	struct mock_device part[2];
	struct model_dev d;

	ASSERT_EQ(0, mock_parent(self->fd, &wide));
	ASSERT_EQ(0, model_plug_with(&self->model, 3 << 3, MODEL_CAPS_ALL,
				     NARROW_BITS, 64, 0, &d));
	narrow.parent = d.name;
	ASSERT_EQ(0, mock_parent(self->fd, &narrow));
	ASSERT_EQ(0, mock_mediated(self->fd, wide.id, 0, &part[0]));
	ASSERT_EQ(0, mock_mediated(self->fd, narrow.id, 0, &part[1]));
	for (i = 1; i <= SHARED; i++) {
		pt = self->ioas;
		ASSERT_EQ(0, iommu_vpasid_attach(self->fd, part[0].dev, i, &pt,
						 &wire));
		pt = self->ioas;
		if (wire < 1U << NARROW_BITS) {
			ASSERT_EQ(0, iommu_vpasid_attach(self->fd, part[1].dev,
							 i, &pt, &other));
			EXPECT_EQ(wire, other);
			continue;
		}
		EXPECT_EQ(-ERANGE, iommu_vpasid_attach(self->fd, part[1].dev, i,
						       &pt, &other));
		EXPECT_EQ(1, traced(d.name, i, BEYOND, -ERANGE));
		refused++;
	}
	EXPECT_LT(0, refused);
	/* Once nobody has it, it is one that the device can have, or none is free */
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, part[0].dev, 1));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, part[1].dev, 1));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, part[0].dev, SHARED));
	pt = self->ioas;
	ASSERT_EQ(0, iommu_vpasid_attach(self->fd, part[1].dev, SHARED, &pt,
					 &wire));
	EXPECT_GT(1U << NARROW_BITS, wire);
	EXPECT_EQ(0, iommu_destroy(self->fd, part[0].stdev));
	EXPECT_EQ(0, iommu_destroy(self->fd, part[1].stdev));
}

/* --- excluded by what others have --- */

TEST_F_TIMEOUT(model_pasid, two_parts_with_one_name, 120)
{
	struct mock_pool pool = { .parent = self->f[0].name, .global = true };
	struct mock_device part[2];
	__u32 pt, wire;
	int i;

	ASSERT_EQ(0, mock_parent(self->fd, &pool));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mock_mediated(self->fd, pool.id, 0, &part[i]));
		pt = self->ioas;
		EXPECT_EQ(i ? -EBUSY : 0,
			  iommu_vpasid_attach(self->fd, part[i].dev, 7, &pt,
					      &wire));
		/* Of each table of the IOAS that was tried */
		EXPECT_EQ(!!i, !!traced(self->f[0].name, 7, TAKEN, -EBUSY));
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, iommu_destroy(self->fd, part[i].stdev));
}

/* Not the wire's fault, and nobody else's */
TEST_F_TIMEOUT(model_pasid, beside_the_device_itself, 120)
{
	struct iommu_hwpt_selftest data = { .iotlb = 1 };
	struct model_dev *f = &self->f[0];
	__u32 parent, nested, pt;
	struct mock_device d;

	ASSERT_EQ(0, model_dev_open(f));
	ASSERT_EQ(0, model_dev_bind(f, self->fd));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, f->v.id, self->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &parent));
	ASSERT_EQ(0, vfio_dev_attach(&f->v, &parent));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, f->v.id, self->ioas, 0, 0,
				       &pt));
	EXPECT_EQ(variant->smmuv3 ? -EBUSY : 0,
		  iommu_pasid_attach(self->fd, f->v.id, 7, &pt));
	EXPECT_EQ(variant->smmuv3, traced(f->name, 7, BESIDE, -EBUSY));
	EXPECT_EQ(0, traced(f->name, 7, TAKEN, -EBUSY));
	/* The other way round as well */
	ASSERT_EQ(0, vfio_dev_detach(&f->v));
	if (variant->smmuv3)
		ASSERT_EQ(0, iommu_pasid_attach(self->fd, f->v.id, 7, &pt));
	EXPECT_EQ(variant->smmuv3 ? -EBUSY : 0,
		  vfio_dev_attach(&f->v, &parent));

	ASSERT_EQ(0, mock_device(self->fd, self->ioas, MOCK_FLAGS_DEVICE_PASID, &d));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, d.dev, self->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &parent));
	ASSERT_EQ(0, iommu_hwpt_nested(self->fd, d.dev, parent, 0, 0,
				       IOMMU_HWPT_DATA_SELFTEST, &data,
				       sizeof(data), &nested));
	ASSERT_EQ(0, mock_replace(self->fd, d.stdev, nested));
	EXPECT_EQ(-EBUSY, iommu_pasid_attach(self->fd, d.dev, 7, &parent));
	EXPECT_EQ(1, traced("iommufd_mock", 7, GUESTS, -EBUSY));
	EXPECT_EQ(0, traced("iommufd_mock", 7, TAKEN, -EBUSY));
}

/* --- the end of a PASID --- */

/* A HWPT with a queue of its own: once a PASID is on it, page requests are on. */
static int listening(int fd, __u32 dev, __u32 ioas, int *queue, __u32 *hwpt)
{
	__u32 id;

	*queue = iommu_fault_queue(fd, 64, IOMMU_FAULT_POLICY_BLOCKING, 0, &id);
	if (*queue < 0)
		return *queue;
	if (fcntl(*queue, F_SETFL, O_NONBLOCK))
		return -errno;
	return iommu_hwpt_paging(fd, dev, ioas,
				 IOMMU_HWPT_FAULT_ID_VALID |
				 IOMMU_HWPT_ALLOC_PASID, id, hwpt);
}

/* The next @num records; fewer when nothing more comes. */
static int read_records(int queue, struct iommu_hwpt_pgfault *r, int num)
{
	struct pollfd p = { .fd = queue, .events = POLLIN };
	int have = 0, rc;

	while (have < num && poll(&p, 1, FOREVER_MS) == 1) {
		rc = iommu_fault_read(queue, r + have,
				      (unsigned int)(num - have));
		if (rc < 0 && rc != -EAGAIN)
			return rc;
		have += rc > 0 ? rc : 0;
	}
	return have;
}

/*
 * A PASID of a whole device on a table without a queue: what it has asked, for another
 * one has page requests on, is not the next table's. With page requests off there is
 * nothing to wait for.
 */
TEST_F_TIMEOUT(model_pasid, drained_of_a_whole_device, 120)
{
	const char *drain = variant->smmuv3 ? " smmuv3_faults_drain: " :
					      " vtd_prq_drain: ";
	struct model_dev *f = &self->f[0];
	struct iommu_hwpt_pgfault r[2];
	__u32 grpid = 3, hwpt, pt;
	int queue;

	ASSERT_EQ(0, model_dev_open(f));
	ASSERT_EQ(0, model_dev_bind(f, self->fd));
	ASSERT_EQ(0, listening(self->fd, f->v.id, self->ioas, &queue, &hwpt));
	pt = self->ioas;
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, f->v.id, 6, &pt));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, f->v.id, 6));
	EXPECT_EQ(0, traced_at(drain, " pasid=6 rounds="));

	pt = hwpt;
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, f->v.id, 9, &pt));
	pt = self->ioas;
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, f->v.id, 7, &pt));
	/* Half a group, refused; the device is reset before the rest of it */
	ASSERT_EQ(1, model_request(f, 0, 7, IOMMUFD_MODEL_READ, IOVA_BASE, 1,
				   &grpid))
		TH_LOG("%s", model_error());
	EXPECT_EQ(0, traced_at(drain, " pasid=7 rounds="));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, f->v.id, 7));
	EXPECT_LT(0, traced_at(drain, " pasid=7 rounds="));
	pt = hwpt;
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, f->v.id, 7, &pt));
	ASSERT_EQ(1, model_request(f, IOMMUFD_MODEL_REQUEST_LAST, 7,
				   IOMMUFD_MODEL_READ, IOVA_BASE + PAGE, 1,
				   &grpid))
		TH_LOG("%s", model_error());
	ASSERT_EQ(1, read_records(queue, r, 1));
	EXPECT_EQ(IOVA_BASE + PAGE, r[0].addr);
	EXPECT_EQ(7, r[0].pasid);
	ASSERT_EQ(0, iommu_fault_answer(queue, r[0].cookie,
					IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, f->v.id, 7));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, f->v.id, 9));

	/* Off again */
	pt = self->ioas;
	ASSERT_EQ(0, iommu_pasid_attach(self->fd, f->v.id, 8, &pt));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, f->v.id, 8));
	EXPECT_EQ(0, traced_at(drain, " pasid=8 rounds="));
	close(queue);
}

TEST_F_TIMEOUT(model_pasid, drained_without_a_queue, 120)
{
	struct mock_pool pool = {
		.parent = self->f[0].name,
		.first = 300,
		.last = 301,
		.quota = 2,
	};
	const char *drain = variant->smmuv3 ? " smmuv3_faults_drain: " :
					      " vtd_prq_drain: ";
	char what[64], back[64];
	struct mock_device part;
	__u32 pt, wire, hwpt;
	int at, after, queue;

	ASSERT_EQ(0, mock_parent(self->fd, &pool));
	ASSERT_EQ(0, mock_mediated(self->fd, pool.id, 0, &part));
	/* One that turns page requests on */
	ASSERT_EQ(0, listening(self->fd, part.dev, self->ioas, &queue, &hwpt));
	ASSERT_EQ(0, iommu_vpasid_attach(self->fd, part.dev, 8, &hwpt, &wire));
	pt = self->ioas;
	ASSERT_EQ(0, iommu_vpasid_attach(self->fd, part.dev, 7, &pt, &wire));
	snprintf(what, sizeof(what), " pasid=%u rounds=", wire);
	snprintf(back, sizeof(back), " vpasid=7 ppasid=%u live=0 free", wire);
	EXPECT_EQ(0, traced_at(drain, what));
	ASSERT_EQ(0, iommu_pasid_detach(self->fd, part.dev, 7));
	at = traced_at(drain, what);
	after = traced_at(" pasid_grant: ", back);
	EXPECT_LT(0, at);
	EXPECT_LT(at, after);
	EXPECT_EQ(0, iommu_destroy(self->fd, part.stdev));
	close(queue);
}

/* --- two files that have one pPASID in turn --- */

#define TURN_PAGES	16UL
/* What a user's part asks for, and its user never gives: another place for each */
#define TURN_HOLE(user)	(IOVA_BASE + (0x1000000ULL << (user)))

struct turn {
	struct model_dev *f;
	int fd;
	int queue;
	__u32 ioas;
	__u32 hwpt;
	struct mock_device part;
	unsigned int user;
	atomic_bool *stop;
	atomic_uint turns;
	atomic_uint broken;
};

static int turn_begin(struct turn *u, __u32 parent)
{
	char *mem = mem_get(TURN_PAGES * PAGE);
	int rc;

	u->fd = iommu_open();
	if (u->fd < 0 || !mem)
		return -ENOMEM;
	memset(mem, 'a' + (int)u->user, TURN_PAGES * PAGE);
	rc = iommu_ioas_alloc(u->fd, &u->ioas);
	if (!rc)
		rc = iommu_map(u->fd, u->ioas, mem, TURN_PAGES * PAGE,
			       IOVA_BASE);
	if (!rc)
		rc = mock_mediated(u->fd, parent, 0, &u->part);
	if (!rc)
		rc = listening(u->fd, u->part.dev, u->ioas, &u->queue,
			       &u->hwpt);
	return rc;
}

/* The part's own bytes, from its own table, for as long as it has the PASID */
static bool turn_reads(struct turn *u, __u32 wire)
{
	unsigned int i;
	char c;

	for (i = 0; i < 4; i++) {
		c = '?';
		if (model_dma(u->f, 0, wire, IOVA_BASE + i * PAGE, &c, 1,
			      FOREVER_MS) != IOMMUFD_MODEL_DMA_OK ||
		    c != 'a' + (int)u->user)
			return false;
	}
	return true;
}

/* Every fault in a user's queue is its own. */
static bool turn_heard(struct turn *u)
{
	struct iommu_hwpt_pgfault r[8];
	int i, n = iommu_fault_read(u->queue, r, ARRAY_LEN(r));

	for (i = 0; i < n; i++)
		if (r[i].dev_id != u->part.dev || r[i].pasid != 7 ||
		    r[i].addr != TURN_HOLE(u->user))
			return false;
	return n >= 0 || n == -EAGAIN;
}

static void *turn_run(void *arg)
{
	struct turn *u = arg;
	struct pollfd p = { .fd = u->queue, .events = POLLIN };
	struct model_job job;
	__u32 pt, wire;
	unsigned int n;
	char c = 0;
	int rc;

	while (!atomic_load(u->stop)) {
		pt = u->hwpt;
		rc = iommu_vpasid_attach(u->fd, u->part.dev, 7, &pt, &wire);
		if (rc == -ENOSPC)
			continue;
		if (rc || !turn_reads(u, wire)) {
			atomic_fetch_add(&u->broken, 1);
			break;
		}
		/*
		 * Every other time a fault is left to the detach, read or not. A part
		 * does nothing with the PASID after that: it has asked, and waits.
		 */
		n = atomic_load(&u->turns) % 4;
		if (n % 2 && (model_job_start(u->f, 0, wire, TURN_HOLE(u->user),
					      &c, 1, 1, &job) ||
			      poll(&p, 1, FOREVER_MS) != 1)) {
			atomic_fetch_add(&u->broken, 1);
			break;
		}
		if (n == 3 && !turn_heard(u))
			atomic_fetch_add(&u->broken, 1);
		rc = iommu_pasid_detach(u->fd, u->part.dev, 7);
		if (rc || !turn_heard(u) ||
		    (n % 2 && model_job_wait(&job, FOREVER_MS) !=
				      IOMMUFD_MODEL_DMA_FAULTED))
			atomic_fetch_add(&u->broken, 1);
		atomic_fetch_add(&u->turns, 1);
	}
	return NULL;
}

/*
 * There is one PASID for the wire. Whoever has it reads its own memory and hears of its
 * own faults, whatever the IOMMU, the function and the queues had of the other before.
 */
TEST_F_TIMEOUT(model_pasid, two_files_in_turn, 120)
{
	struct mock_pool pool = {
		.parent = self->f[0].name,
		.first = 300,
		.last = 300,
		.quota = 1,
	};
	pthread_t thread[2];
	struct turn u[2];
	atomic_bool stop = false;
	unsigned int i;

	ASSERT_EQ(0, mock_parent(self->fd, &pool));
	memset(u, 0, sizeof(u));
	for (i = 0; i < 2; i++) {
		u[i].f = &self->f[0];
		u[i].user = i;
		u[i].stop = &stop;
		ASSERT_EQ(0, turn_begin(&u[i], pool.id));
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, turn_run, &u[i]));
	for (i = 0; i < 2; i++)
		LET_WORK(500L * (long)test_scale(), &u[i].turns, 20);
	atomic_store(&stop, true);
	for (i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_LT(20, atomic_load(&u[i].turns));
		EXPECT_EQ(0, atomic_load(&u[i].broken));
	}
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, iommu_destroy(u[i].fd, u[i].part.stdev));
		close(u[i].queue);
		close(u[i].fd);
	}
}

/* Nor can it be divided. */
TEST_F_TIMEOUT(model_pasid, parts_of_a_path_without_acs, 120)
{
	struct mock_pool pool = { .parent = self->f[1].name, .global = true };
	struct mock_device part;
	__u32 pt = self->ioas;

	ASSERT_EQ(0, mock_parent(self->fd, &pool));
	ASSERT_EQ(0, mock_mediated(self->fd, pool.id, 0, &part));
	EXPECT_EQ(-EOPNOTSUPP, iommu_pasid_attach(self->fd, part.dev, 7, &pt));
	EXPECT_EQ(1, traced(self->f[1].name, 7, NO_ACS, -EOPNOTSUPP));
	EXPECT_EQ(0, iommu_destroy(self->fd, part.stdev));
}

TEST_F_TIMEOUT(model_pasid, group_of_several, 120)
{
	__u32 flags = MOCK_FLAGS_DEVICE_PASID | MOCK_FLAGS_DEVICE_SHARED;
	struct mock_device d[2];
	__u32 pt = self->ioas;
	int i, before = 0, now;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mock_device(self->fd, self->ioas, flags, &d[i]));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-EINVAL, iommu_pasid_attach(self->fd, d[i].dev, 4,
						      &pt));
		/* Of each table of the IOAS that was tried */
		now = traced("iommufd_mock", 4, OTHERS, -EINVAL);
		EXPECT_LT(before, now);
		before = now;
	}
	ASSERT_EQ(0, iommu_destroy(self->fd, d[0].stdev));
	EXPECT_EQ(0, iommu_pasid_attach(self->fd, d[1].dev, 4, &pt));
	EXPECT_EQ(before, traced("iommufd_mock", 4, OTHERS, -EINVAL));
}

/* --- who pays --- */

#define CGROUPS		"/sys/fs/cgroup"
#define CGROUP		CGROUPS "/iommu_model_pasid"
#define CHARGED_PASIDS	1000U
/* Apart so far that each needs a node of its own in every array of PASIDs */
#define CHARGED_STEP	64U
/* Of 576 bytes on a 64-bit machine, without debugging */
#define NODE_BYTES	560LL
/*
 * Arrays that have each PASID: the device's, that of the look-up service, the routes of
 * faults, the driver's attachments
 */
#define CHARGED_ARRAYS	4LL

/* Nodes of such arrays are about all that counts as reclaimable slab here. */
static long long charged_nodes(void)
{
	return memory_stat(CGROUP "/memory.stat", "slab_reclaimable");
}

/* The statistics follow within a few seconds. */
static long long wait_for_nodes(long long least, long long most)
{
	long long n;
	int i;

	for (i = 0; i < FOREVER_MS / 100; i++) {
		n = charged_nodes();
		if (n >= least && n <= most)
			break;
		sleep_ms(100);
	}
	return n;
}

/*
 * Not only what is made for a PASID, but also the nodes of arrays that it takes is charged
 * to who attaches, and given back.
 */
TEST_F_TIMEOUT(model_pasid, arrays_are_charged, 120)
{
	const long long each = CHARGED_PASIDS * NODE_BYTES;
	__u32 queue_id, hwpt, pt, i;
	long long before, with;
	int queue;

	write_text(CGROUPS "/cgroup.subtree_control", "+memory");
	if (mkdir(CGROUP, 0755) && errno != EEXIST)
		SKIP(return, "there are no cgroups");
	ASSERT_EQ(0, model_dev_open(&self->f[0]));
	ASSERT_EQ(0, model_dev_bind(&self->f[0], self->fd));
	queue = iommu_fault_queue(self->fd, 16, IOMMU_FAULT_POLICY_BLOCKING, 0,
				  &queue_id);
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->f[0].v.id, self->ioas,
				       IOMMU_HWPT_FAULT_ID_VALID |
				       IOMMU_HWPT_ALLOC_PASID, queue_id, &hwpt));
	if (!write_text(CGROUP "/cgroup.procs", "0"))
		SKIP(return, "the cgroup cannot be entered");
	before = charged_nodes();
	if (before < 0) {
		write_text(CGROUPS "/cgroup.procs", "0");
		SKIP(return, "cgroups have no memory controller");
	}
	for (i = 1; i <= CHARGED_PASIDS; i++) {
		pt = hwpt;
		ASSERT_EQ(0, iommu_pasid_attach(self->fd, self->f[0].v.id,
						i * CHARGED_STEP, &pt));
	}
	with = wait_for_nodes(before + CHARGED_ARRAYS * each, 1LL << 40);
	EXPECT_LE(before + CHARGED_ARRAYS * each, with);
	printf("# %lld bytes of nodes for a PASID\n",
	       (with - before) / CHARGED_PASIDS);
	while (--i)
		ASSERT_EQ(0, iommu_pasid_detach(self->fd, self->f[0].v.id,
						i * CHARGED_STEP));
	EXPECT_GT(before + each, wait_for_nodes(0, before + each - 1));
	write_text(CGROUPS "/cgroup.procs", "0");
	rmdir(CGROUP);
	ASSERT_EQ(0, iommu_destroy(self->fd, hwpt));
	close(queue);
}

TEST_HARNESS_MAIN
