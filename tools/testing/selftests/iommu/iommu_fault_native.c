// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults between hardware's records and the message of a fault fd
 * (tools/iommu/lib/fault_native.c): records written out, and many random ones
 * there and back. Needs no kernel. What the kernel makes of records is tested in
 * the KUnit suites of its drivers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../iommu/lib/fault_native.h"

#include <kselftest_harness.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(arr)	(sizeof(arr) / sizeof((arr)[0]))
#endif

#define ROUNDS		200000
#define STREAMS		5

#define R	IOMMU_PGFAULT_PERM_READ
#define W	IOMMU_PGFAULT_PERM_WRITE
#define X	IOMMU_PGFAULT_PERM_EXEC
#define P	IOMMU_PGFAULT_PERM_PRIV
#define PASID	IOMMU_PGFAULT_FLAGS_PASID_VALID
#define LAST	IOMMU_PGFAULT_FLAGS_LAST_PAGE

/* One seed, so that a failure comes again. */
static __u64 random_state;

static __u64 random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static void seed(__u64 val)
{
	random_state = val * 0x9e3779b97f4a7c15ULL + 1;
}

static const char * const format_names[] = { "VT-d", "SMMUv3 PRI",
					     "SMMUv3 stall" };

/*
 * A bijection of 20-bit PASIDs, as a VMM's table is one; those that end in 0xfff
 * have no name.
 */
static __s64 other_pasid(void *priv, __u32 pasid, bool back)
{
	__u32 key = *(__u32 *)priv & 0xff000;

	if ((pasid & 0xfff) == 0xfff)
		return -ENOENT;
	return (back ? pasid - key : pasid + key) & 0xfffff;
}

/* --- records written out --- */

struct literal {
	enum fault_format format;
	__u64 qw[4];
	struct iommu_hwpt_pgfault msg;
	/* What of @qw does not come back; it comes back as @made */
	__u64 lost[4];
	__u64 made[4];
};

static const __u32 literal_streams[] = { 0x0108, 0x0200, 0xfffffff0 };

static const struct literal literals[] = {
	/* 7.4.1: type 1, RID 0108, read, last, group 0 */
	{ .format = FAULT_VTD_PRQ,
	  .qw = { 0x0000000001080001, 0x0000000000001005 },
	  .msg = { .flags = LAST, .perm = R, .addr = 0x1000 } },
	/* PASID 0xabcde, execute, privileged, write, not last, group 511 */
	{ .format = FAULT_VTD_PRQ,
	  .qw = { 0x003abcde01080101, 0xfffffffffffffffa },
	  .msg = { .flags = PASID, .pasid = 0xabcde, .perm = W | X | P, .grpid = 511,
	    .addr = 0xfffffffffffff000 } },
	/* Execute and privilege mean nothing without a PASID, and do not stay */
	{ .format = FAULT_VTD_PRQ,
	  .qw = { 0x003abcde01080001, 0x0000000000002027 },
	  .msg = { .flags = LAST, .perm = R | W, .grpid = 4, .addr = 0x2000 },
	  .lost = { 0x003fffff00000000 } },
	/* 8.1: StreamID 0x108, read, last, group 0 */
	{ .format = FAULT_SMMUV3_PRI,
	  .qw = { 0x5000000000000108, 0x0000000000001000 },
	  .msg = { .flags = LAST, .perm = R, .addr = 0x1000 } },
	/* PASID 0xabcde, execute, privileged, write, not last, group 511 */
	{ .format = FAULT_SMMUV3_PRI,
	  .qw = { 0xac0abcde00000108, 0xfffffffffffff1ff },
	  .msg = { .flags = PASID, .pasid = 0xabcde, .perm = W | X | P, .grpid = 511,
	    .addr = 0xfffffffffffff000 } },
	/* What is reserved does not stay */
	{ .format = FAULT_SMMUV3_PRI,
	  .qw = { 0x53f0000000000108, 0x0000000000003e05 },
	  .msg = { .flags = LAST, .perm = R, .grpid = 5, .addr = 0x3000 },
	  .lost = { 0x03f0000000000000, 0xe00 } },
	/* 7.3: F_TRANSLATION, StreamID 0x108, stalled read, tag 7, class IN */
	{ .format = FAULT_SMMUV3_STALL,
	  .qw = { 0x0000010800000010, 0x0000020880000007, 0x1234 },
	  .msg = { .flags = LAST, .perm = R, .grpid = 7, .addr = 0x1234 } },
	/* F_PERMISSION, third stream, PASID 0xabcde, privileged write */
	{ .format = FAULT_SMMUV3_STALL,
	  .qw = { 0xfffffff0abcde813, 0x000002028000ffff, 0xfffffffffffffff8 },
	  .msg = { .flags = LAST | PASID, .pasid = 0xabcde, .perm = W | P,
	    .grpid = 0x2ffff, .addr = 0xfffffffffffffff8 },
	  .lost = { 0xff }, .made = { 0x10 } },
	/* F_ACCESS, second stream, instruction fetch; the fault was of a table */
	{ .format = FAULT_SMMUV3_STALL,
	  .qw = { 0x0000020000000012, 0xffff010c80000001, 0x5000, 0x777000 },
	  .msg = { .flags = LAST, .perm = R | X, .grpid = 0x10001, .addr = 0x5000 },
	  .lost = { 0xff, 0xffff030000000000, 0, ~0ULL },
	  .made = { 0x10, 0x0000020000000000 } },
};

TEST(literal)
{
	static const struct fault_names names = {
		.streams = literal_streams,
		.num_streams = 3,
		.pasid_bits = 20,
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(literals); i++) {
		const struct literal *l = &literals[i];
		struct fault_native in = {}, out;
		struct iommu_hwpt_pgfault msg;

		memcpy(in.qw, l->qw, sizeof(in.qw));
		ASSERT_EQ(0, fault_from_native(l->format, &in, &names, &msg));
		ASSERT_EQ(0, memcmp(&msg, &l->msg, sizeof(msg))) {
			TH_LOG("literal %u", i);
		}
		ASSERT_EQ(0, fault_to_native(l->format, &msg, &names, &out));
		for (j = 0; j < 4; j++) {
			EXPECT_EQ((in.qw[j] & ~l->lost[j]) | l->made[j],
				  out.qw[j]) {
				TH_LOG("literal %u word %u", i, j);
			}
		}
	}
}

/* What is no request, and for whom there is none. */
TEST(literal_refused)
{
	static const struct {
		enum fault_format format;
		__u64 qw[4];
		int rc;
	} cases[] = {
		/* Stop markers */
		{ FAULT_VTD_PRQ, { 0x0000000501080101, 0x4 }, -ENOMSG },
		{ FAULT_SMMUV3_PRI, { 0xc000000500000108, 0 }, -ENOMSG },
		/* Nothing at all */
		{ FAULT_VTD_PRQ, { 0x0000000001080001, 0 }, -EINVAL },
		{ FAULT_SMMUV3_PRI, { 0x0000000000000108, 0 }, -EINVAL },
		/* Another type, and something reserved in each word */
		{ FAULT_VTD_PRQ, { 0x0000000001080002, 0x1005 }, -EINVAL },
		{ FAULT_VTD_PRQ, { 0x0000000001080081, 0x1005 }, -EINVAL },
		{ FAULT_VTD_PRQ, { 0x0000000001080201, 0x1005 }, -EINVAL },
		{ FAULT_VTD_PRQ, { 0x0040000001080001, 0x1005 }, -EINVAL },
		{ FAULT_VTD_PRQ, { 0x0000000001080001, 0x1005, 1 }, -EINVAL },
		{ FAULT_VTD_PRQ, { 0x0000000001080001, 0x1005, 0, 1 },
		  -EINVAL },
		/* Another device's; a page request of a further stream */
		{ FAULT_VTD_PRQ, { 0x0000000001090001, 0x1005 }, -ENODEV },
		{ FAULT_VTD_PRQ, { 0x0000000002000001, 0x1005 }, -ENODEV },
		{ FAULT_SMMUV3_PRI, { 0x5000000000000109, 0 }, -ENODEV },
		{ FAULT_SMMUV3_PRI, { 0x5000000000000200, 0 }, -ENODEV },
		{ FAULT_SMMUV3_STALL, { 0x0000010900000010, 0x80000007 },
		  -ENODEV },
		/* Not stalled; not one that can be; of stage 2 */
		{ FAULT_SMMUV3_STALL, { 0x0000010800000010, 0x7 }, -ENOMSG },
		{ FAULT_SMMUV3_STALL, { 0x000001080000000f, 0x80000007 },
		  -ENOMSG },
		{ FAULT_SMMUV3_STALL, { 0x0000010800000014, 0x80000007 },
		  -ENOMSG },
		{ FAULT_SMMUV3_STALL, { 0x0000010800000090, 0x80000007 },
		  -ENOMSG },
		{ FAULT_SMMUV3_STALL, { 0x0000010800000010, 0x8080000007 },
		  -ENOMSG },
	};
	static const struct fault_names names = {
		.streams = literal_streams,
		.num_streams = 3,
		.pasid_bits = 20,
	};
	struct iommu_hwpt_pgfault msg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault_native in;

		memcpy(in.qw, cases[i].qw, sizeof(in.qw));
		EXPECT_EQ(cases[i].rc, fault_from_native(cases[i].format, &in,
							 &names, &msg)) {
			TH_LOG("case %u", i);
		}
	}
}

/* What a guest's record has no room for, or no way to say. */
TEST(no_room)
{
	static const __u32 streams[] = { 0x10000, 0x108 };
	struct fault_names names = {
		.streams = streams + 1,
		.num_streams = 1,
		.pasid_bits = 10,
	};
	struct iommu_hwpt_pgfault msg = { .flags = LAST, .perm = R };
	struct fault_native out;
	__u32 key = 0;

	msg.grpid = 511;
	EXPECT_EQ(0, fault_to_native(FAULT_VTD_PRQ, &msg, &names, &out));
	EXPECT_EQ(0, fault_to_native(FAULT_SMMUV3_PRI, &msg, &names, &out));
	msg.grpid = 512;
	EXPECT_EQ(-ERANGE, fault_to_native(FAULT_VTD_PRQ, &msg, &names, &out));
	EXPECT_EQ(-ERANGE, fault_to_native(FAULT_SMMUV3_PRI, &msg, &names,
					   &out));
	msg.grpid = 0xffff;
	EXPECT_EQ(0, fault_to_native(FAULT_SMMUV3_STALL, &msg, &names, &out));
	/* A guest that has one stream, a host that has more */
	msg.grpid = 0x10000;
	EXPECT_EQ(-ERANGE, fault_to_native(FAULT_SMMUV3_STALL, &msg, &names,
					   &out));
	msg.grpid = 0;

	/* A requester id has 16 bits */
	names.streams = streams;
	EXPECT_EQ(-ERANGE, fault_to_native(FAULT_VTD_PRQ, &msg, &names, &out));
	EXPECT_EQ(0, fault_to_native(FAULT_SMMUV3_PRI, &msg, &names, &out));
	names.streams = streams + 1;

	msg.flags |= PASID;
	msg.pasid = 1023;
	EXPECT_EQ(0, fault_to_native(FAULT_VTD_PRQ, &msg, &names, &out));
	msg.pasid = 1024;
	EXPECT_EQ(-ERANGE, fault_to_native(FAULT_VTD_PRQ, &msg, &names, &out));
	EXPECT_EQ(-ERANGE, fault_to_native(FAULT_SMMUV3_PRI, &msg, &names,
					   &out));
	EXPECT_EQ(-ERANGE, fault_to_native(FAULT_SMMUV3_STALL, &msg, &names,
					   &out));
	names.pasid_bits = 20;
	names.pasid = other_pasid;
	names.priv = &key;
	msg.pasid = 0x1fff;
	EXPECT_EQ(-ENOENT, fault_to_native(FAULT_VTD_PRQ, &msg, &names, &out));
	msg.flags = LAST;

	msg.perm = 0;
	EXPECT_EQ(-EINVAL, fault_to_native(FAULT_VTD_PRQ, &msg, &names, &out));
	EXPECT_EQ(-EINVAL, fault_to_native(FAULT_SMMUV3_PRI, &msg, &names,
					   &out));
	EXPECT_EQ(-EINVAL, fault_to_native(FAULT_SMMUV3_STALL, &msg, &names,
					   &out));
	/* A page request without PASID is neither of these; a stall may be */
	msg.perm = R | X;
	EXPECT_EQ(-EINVAL, fault_to_native(FAULT_VTD_PRQ, &msg, &names, &out));
	EXPECT_EQ(-EINVAL, fault_to_native(FAULT_SMMUV3_PRI, &msg, &names,
					   &out));
	EXPECT_EQ(0, fault_to_native(FAULT_SMMUV3_STALL, &msg, &names, &out));
	/* A transaction does one thing; a page request may ask for both */
	msg.perm = R | W;
	EXPECT_EQ(0, fault_to_native(FAULT_VTD_PRQ, &msg, &names, &out));
	EXPECT_EQ(-EINVAL, fault_to_native(FAULT_SMMUV3_STALL, &msg, &names,
					   &out));
	msg.perm = W;
	msg.flags = 0;
	EXPECT_EQ(-EINVAL, fault_to_native(FAULT_SMMUV3_STALL, &msg, &names,
					   &out));
	EXPECT_EQ(0, fault_to_native(FAULT_VTD_PRQ, &msg, &names, &out));
}

/* --- answers --- */

TEST(answers)
{
	static const struct {
		enum fault_format format;
		__u64 qw[4];
		int rc;
		struct fault_answer want;
	} cases[] = {
		/* 7.7.1: success, group 511, no PASID */
		{ .format = FAULT_VTD_PRQ, .qw = { 0x0000000001080009, 0xff8 },
		  .want = { .grpid = 511, .code = IOMMUFD_PAGE_RESP_SUCCESS } },
		/* Invalid, PASID 0xabcde, group 1 */
		{ .format = FAULT_VTD_PRQ, .qw = { 0x000abcde01081019, 0x8 },
		  .want = { .grpid = 1, .pasid = 0xabcde, .pasid_valid = true,
		    .code = IOMMUFD_PAGE_RESP_INVALID } },
		{ .format = FAULT_VTD_PRQ, .qw = { 0x000000000108f009, 0 },
		  .want = { .code = IOMMUFD_PAGE_RESP_FAILURE } },
		/* A code that is none; another descriptor; another device */
		{ .format = FAULT_VTD_PRQ,
		  .qw = { 0x0000000001082009, 0 }, .rc = -EINVAL },
		{ .format = FAULT_VTD_PRQ,
		  .qw = { 0x0000000001080008, 0 }, .rc = -EINVAL },
		{ .format = FAULT_VTD_PRQ,
		  .qw = { 0x0000000001080209, 0 }, .rc = -EINVAL },
		{ .format = FAULT_VTD_PRQ,
		  .qw = { 0x0000000001090009, 0 }, .rc = -ENODEV },
		/* 4.5.2 */
		{ .format = FAULT_SMMUV3_PRI,
		  .qw = { 0x0000010800000041, 0x21ff },
		  .want = { .grpid = 511, .code = IOMMUFD_PAGE_RESP_SUCCESS } },
		{ .format = FAULT_SMMUV3_PRI,
		  .qw = { 0x00000108abcde841, 0x1001 },
		  .want = { .grpid = 1, .pasid = 0xabcde, .pasid_valid = true,
		    .code = IOMMUFD_PAGE_RESP_INVALID } },
		{ .format = FAULT_SMMUV3_PRI, .qw = { 0x0000010800000041, 0 },
		  .want = { .code = IOMMUFD_PAGE_RESP_FAILURE } },
		{ .format = FAULT_SMMUV3_PRI,
		  .qw = { 0x0000010800000041, 0x3000 }, .rc = -EINVAL },
		{ .format = FAULT_SMMUV3_PRI,
		  .qw = { 0x0000010800000044, 0x2000 }, .rc = -EINVAL },
		{ .format = FAULT_SMMUV3_PRI,
		  .qw = { 0x0000020000000041, 0x2000 }, .rc = -ENODEV },
		/* 4.7.1: retry; abort; terminate without one; third stream */
		{ .format = FAULT_SMMUV3_STALL, .qw = { 0x0000010800001044, 7 },
		  .want = { .grpid = 7, .code = IOMMUFD_PAGE_RESP_SUCCESS } },
		{ .format = FAULT_SMMUV3_STALL, .qw = { 0x0000010800002044, 7 },
		  .want = { .grpid = 7, .code = IOMMUFD_PAGE_RESP_INVALID } },
		{ .format = FAULT_SMMUV3_STALL, .qw = { 0x0000010800000044, 7 },
		  .want = { .grpid = 7, .code = IOMMUFD_PAGE_RESP_INVALID } },
		{ .format = FAULT_SMMUV3_STALL,
		  .qw = { 0xfffffff000001044, 0xffff },
		  .want = { .grpid = 0x2ffff, .code = IOMMUFD_PAGE_RESP_SUCCESS } },
		{ .format = FAULT_SMMUV3_STALL,
		  .qw = { 0x0000010800001041, 7 }, .rc = -EINVAL },
		{ .format = FAULT_SMMUV3_STALL,
		  .qw = { 0x00000108000010c4, 7 }, .rc = -EINVAL },
		{ .format = FAULT_SMMUV3_STALL,
		  .qw = { 0x0000010900001044, 7 }, .rc = -ENODEV },
	};
	static const struct fault_names names = {
		.streams = literal_streams,
		.num_streams = 3,
		.pasid_bits = 20,
	};
	struct fault_answer got;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault_native in;

		memcpy(in.qw, cases[i].qw, sizeof(in.qw));
		ASSERT_EQ(cases[i].rc,
			  fault_answer_from_native(cases[i].format, &in, &names,
						   &got)) {
			TH_LOG("case %u", i);
		}
		if (cases[i].rc)
			continue;
		EXPECT_EQ(cases[i].want.grpid, got.grpid);
		EXPECT_EQ(cases[i].want.pasid, got.pasid);
		EXPECT_EQ(cases[i].want.pasid_valid, got.pasid_valid);
		EXPECT_EQ(cases[i].want.code, got.code) {
			TH_LOG("case %u", i);
		}
	}
}

/* --- many at random --- */

FIXTURE(random)
{
	__u32 host[STREAMS];
	__u32 guest[STREAMS];
	__u32 key;
	struct fault_names host_names;
	struct fault_names guest_names;
};

FIXTURE_VARIANT(random)
{
	enum fault_format format;
	/* Bits of the record that come through as they are, but for the names */
	__u64 kept[4];
	/* Those that are made up, and with which value */
	__u64 made[4];
};

FIXTURE_VARIANT_ADD(random, vtd)
{
	.format = FAULT_VTD_PRQ,
	.kept = { 0x00000000ffff01ff, ~0ULL },
};

FIXTURE_VARIANT_ADD(random, smmuv3_pri)
{
	.format = FAULT_SMMUV3_PRI,
	.kept = { 0xf0000000ffffffff, 0xfffffffffffff1ff },
};

FIXTURE_VARIANT_ADD(random, smmuv3_stall)
{
	.format = FAULT_SMMUV3_STALL,
	.kept = { 0xffffffff00000800, 0x0000000e8000ffff, ~0ULL },
	.made = { 0x10, 0x0000020000000000 },
};

FIXTURE_SETUP(random)
{
	unsigned int i;

	seed(variant->format + 1);
	for (i = 0; i < STREAMS; i++) {
		/* Up to the highest bit there is */
		__u32 top = variant->format == FAULT_VTD_PRQ ? 0x8000 :
							       0x80008000;

		self->host[i] = top + 0x1000 * i + (random64() & 0xfff);
		self->guest[i] = top + 0x1800 * i + (random64() & 0x17ff);
	}
	self->key = random64();
	self->host_names = (struct fault_names){
		.streams = self->host,
		.num_streams = STREAMS,
		.pasid_bits = 20,
	};
	self->guest_names = (struct fault_names){
		.streams = self->guest,
		.num_streams = STREAMS,
		.pasid_bits = 20,
		.pasid = other_pasid,
		.priv = &self->key,
	};
}

FIXTURE_TEARDOWN(random)
{
}

/* Whatever bits it has: it is refused, or a message that makes sense. */
TEST_F(random, bits)
{
	unsigned int i, taken = 0;

	for (i = 0; i < ROUNDS; i++) {
		struct fault_native in = { { random64(), random64(), random64(),
					     random64() } };
		struct iommu_hwpt_pgfault msg;
		int rc;

		/* Half of them nearly right */
		if (i % 2 && variant->format == FAULT_VTD_PRQ) {
			in.qw[0] = (in.qw[0] & 0x003fffff00000100) | 1 |
				   self->host[0] << 16;
			in.qw[2] = 0;
			in.qw[3] = 0;
		} else if (i % 2 && variant->format == FAULT_SMMUV3_PRI) {
			in.qw[0] = (in.qw[0] & ~0xffffffffULL) | self->host[0];
		} else if (i % 2) {
			in.qw[0] = (in.qw[0] & 0xfffff803) | 0x10 |
				   (__u64)self->host[i % STREAMS] << 32;
		}
		rc = fault_from_native(variant->format, &in, &self->host_names,
				       &msg);
		if (rc) {
			ASSERT_TRUE(rc == -ENOMSG || rc == -EINVAL ||
				    rc == -ENODEV);
			continue;
		}
		taken++;
		ASSERT_EQ(0, msg.flags & ~(PASID | LAST));
		ASSERT_NE(0, msg.perm & (R | W));
		ASSERT_EQ(0, msg.perm & ~(R | W | X | P));
		ASSERT_EQ(0, msg.pasid >> 20);
		if (!(msg.flags & PASID))
			ASSERT_EQ(0, msg.pasid);
		ASSERT_EQ(0, msg.cookie | msg.dev_id | msg.length |
			     msg.__reserved);
		if (variant->format != FAULT_SMMUV3_STALL) {
			ASSERT_LT(msg.grpid, 512);
			ASSERT_EQ(0, msg.addr & 0xfff);
		} else {
			ASSERT_LT(msg.grpid >> 16, STREAMS);
		}
	}
	/* The others are not stalled, or of stage 2, or ask for nothing */
	ASSERT_GT(taken, ROUNDS / 10);
}

static void random_message(enum fault_format format,
			   struct iommu_hwpt_pgfault *msg)
{
	*msg = (struct iommu_hwpt_pgfault){ .flags = LAST };

	msg->perm = 1 + random64() % 3;
	if (format == FAULT_SMMUV3_STALL) {
		msg->perm = 1 + random64() % 2;
		msg->grpid = random64() % STREAMS << 16 | (random64() & 0xffff);
		msg->addr = random64();
	} else {
		msg->grpid = random64() & 0x1ff;
		msg->addr = random64() & ~0xfffULL;
		msg->flags = random64() & LAST;
	}
	if (random64() & 1) {
		msg->flags |= PASID;
		msg->pasid = random64() & 0xfffff;
		/* Those that have no name in a guest are another test's */
		if ((msg->pasid & 0xfff) == 0xfff)
			msg->pasid--;
	}
	if (msg->flags & PASID || format == FAULT_SMMUV3_STALL)
		msg->perm |= random64() & (X | P);
}

/* Every message has a record, which is that message again. */
TEST_F(random, message_record_message)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		struct fault_names *names = i & 1 ? &self->host_names :
						    &self->guest_names;
		struct iommu_hwpt_pgfault msg, back;
		struct fault_native native;

		random_message(variant->format, &msg);
		ASSERT_EQ(0, fault_to_native(variant->format, &msg, names,
					     &native));
		if (fault_native_words(variant->format) == 2)
			ASSERT_EQ(0, native.qw[2] | native.qw[3]);
		ASSERT_EQ(0, fault_from_native(variant->format, &native, names,
					       &back));
		ASSERT_EQ(0, memcmp(&msg, &back, sizeof(msg))) {
			TH_LOG("%s, round %u",
			       format_names[variant->format], i);
		}
	}
}

/*
 * The host's record, the message, the guest's record, and all the way back: the
 * same. Between the two records nothing differs but the names; no two of the
 * host's become one of the guest's.
 */
TEST_F(random, host_guest_host)
{
	unsigned int i, j;

	for (i = 0; i < ROUNDS; i++) {
		struct fault_native host, guest, back;
		struct iommu_hwpt_pgfault msg, seen, again;
		unsigned int stream;

		random_message(variant->format, &msg);
		ASSERT_EQ(0, fault_to_native(variant->format, &msg,
					     &self->host_names, &host));
		ASSERT_EQ(0, fault_from_native(variant->format, &host,
					       &self->host_names, &seen));
		ASSERT_EQ(0, fault_to_native(variant->format, &seen,
					     &self->guest_names, &guest));
		ASSERT_EQ(0, fault_from_native(variant->format, &guest,
					       &self->guest_names, &again));
		ASSERT_EQ(0, memcmp(&seen, &again, sizeof(seen)));
		ASSERT_EQ(0, fault_to_native(variant->format, &again,
					     &self->host_names, &back));
		ASSERT_EQ(0, memcmp(&host, &back, sizeof(host)));

		stream = variant->format == FAULT_SMMUV3_STALL ?
			 seen.grpid >> 16 : 0;
		for (j = 0; j < 4; j++) {
			__u64 kept = variant->kept[j];
			__u64 made = variant->made[j];

			/* Names are compared below */
			if (j == 0 && variant->format == FAULT_VTD_PRQ)
				kept &= ~0xffff0000ULL;
			if (j == 0 && variant->format == FAULT_SMMUV3_PRI)
				kept &= ~0xffffffffULL;
			if (j == 0 && variant->format == FAULT_SMMUV3_STALL)
				kept &= 0xffffffff;
			ASSERT_EQ(host.qw[j] & kept, guest.qw[j] & kept);
			ASSERT_EQ(made, guest.qw[j] & made);
		}
		switch (variant->format) {
		case FAULT_VTD_PRQ:
			ASSERT_EQ(self->guest[0], guest.qw[0] >> 16 & 0xffff);
			break;
		case FAULT_SMMUV3_PRI:
			ASSERT_EQ(self->guest[0], guest.qw[0] & 0xffffffff);
			break;
		default:
			ASSERT_EQ(self->guest[stream], guest.qw[0] >> 32);
		}
		if (!(seen.flags & PASID))
			continue;
		ASSERT_EQ((seen.pasid + (self->key & 0xff000)) & 0xfffff,
			  variant->format == FAULT_SMMUV3_STALL ?
			  guest.qw[0] >> 12 & 0xfffff :
			  guest.qw[0] >> 32 & 0xfffff);
	}
}

/* The guest's answer to its record is one to the message it was made from. */
TEST_F(random, answer)
{
	static const __u32 codes[] = { IOMMUFD_PAGE_RESP_SUCCESS,
				       IOMMUFD_PAGE_RESP_INVALID,
				       IOMMUFD_PAGE_RESP_FAILURE };
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		unsigned int which = random64() % 3;
		struct fault_native guest, resp = {};
		struct iommu_hwpt_pgfault msg;
		struct fault_answer answer;
		bool pasid;

		random_message(variant->format, &msg);
		ASSERT_EQ(0, fault_to_native(variant->format, &msg,
					     &self->guest_names, &guest));
		/* As a guest's driver puts it together from the record */
		pasid = msg.flags & PASID;
		switch (variant->format) {
		case FAULT_VTD_PRQ:
			resp.qw[0] = 9 | (guest.qw[0] & 0x000fffffffff0000) |
				     (__u64)codes[which] << 12 | pasid << 4;
			resp.qw[1] = guest.qw[1] & 0xff8;
			break;
		case FAULT_SMMUV3_PRI:
			resp.qw[0] = 0x41 | guest.qw[0] << 32 |
				     (guest.qw[0] >> 20 & 0xfffff000) |
				     pasid << 11;
			resp.qw[1] = (guest.qw[1] & 0x1ff) | (2 - which) << 12;
			break;
		default:
			resp.qw[0] = 0x44 |
				     (guest.qw[0] & 0xffffffff00000000) |
				     (which ? 0x2000 : 0x1000);
			resp.qw[1] = guest.qw[1] & 0xffff;
		}
		ASSERT_EQ(0, fault_answer_from_native(variant->format, &resp,
						      &self->guest_names,
						      &answer));
		ASSERT_EQ(msg.grpid, answer.grpid);
		if (variant->format == FAULT_SMMUV3_STALL) {
			ASSERT_EQ(!!which, answer.code ==
					   IOMMUFD_PAGE_RESP_INVALID);
			continue;
		}
		ASSERT_EQ(codes[which], answer.code);
		ASSERT_EQ(pasid, answer.pasid_valid);
		ASSERT_EQ(msg.pasid, answer.pasid);
	}
}

TEST_HARNESS_MAIN
