// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile guest on the SMMUv3 model: hostile_cases.h with stage 1 tables and context
 * descriptors, stream table entries, and commands of a guest.
 */
#include "smmuv3_model_test.h"
#include "hostile.h"

#define ASID		0x1234

static struct smmu_guest smmu_guest;
static __u32 hostile_pasid;

static __u32 smmu_ssid(const struct hostile *h)
{
	return h->pasid == MODEL_NO_PASID ? 0 : h->pasid;
}

static int smmu_hostile_start(struct hostile *h)
{
	h->g = &smmu_guest.g;
	h->pasid = hostile_pasid;
	return smmu_start(&smmu_guest, NULL, false);
}

static void smmu_order(struct hostile *h)
{
	const struct s1 t = { .g = h->g, .root = h->table[0] };
	unsigned int i;

	for (i = 4; i < 8; i++)
		cd_at(&smmu_guest, smmu_ssid(h))[i] = 0;
	cd_set(&smmu_guest, smmu_ssid(h), &t, ASID, 0);
}

static int smmu_hwpt(struct hostile *h, __u32 *hwpt)
{
	smmu_order(h);
	return smmu_nested(&smmu_guest, smmu_guest.viommu, true, hwpt);
}

static void smmu_hostile_stop(struct hostile *h)
{
	(void)h;
	smmu_stop(&smmu_guest);
}

static __u64 smmu_table(__u64 gpa)
{
	return gpa | S1_TABLE;
}

static __u64 smmu_leaf(__u64 gpa)
{
	return gpa | S1_RW | S1_PAGE;
}

/* A page and a table differ by their level alone: each is taken for the other. */
static __u64 smmu_entry(__u64 *rng, __u64 gpa)
{
	switch (hostile_random(rng, 30)) {
	case 0:
		return 0;
	case 1:
		return gpa | S1_RW | S1_PAGE | 1ULL << hostile_random(rng, 64);
	case 2:
		return gpa | S1_RW | S1_BLOCK;
	case 3:
		return (gpa & -(SIZE_2M << 9 * hostile_random(rng, 2))) | S1_RW | S1_BLOCK;
	case 4:
		/* Read only, not for it, never accessed; and others */
		return gpa | S1_PAGE | (hostile_bits(rng) & (S1_RO | S1_DBM));
	case 5:
		return hostile_bits(rng);
	}
	return gpa | S1_RW | S1_PAGE;
}

/* One word of the context descriptor (5.4), and now and then CFGI_CD */
static void smmu_mutate(struct hostile *h, __u64 *rng)
{
	static const __u64 command[] = { CMD_CFGI_CD, CMD_CFGI_CD_ALL };
	__u64 *cd = cd_at(&smmu_guest, smmu_ssid(h));
	unsigned int word = hostile_random(rng, 8);
	__u64 val = cd[word];
	int rc;

	switch (hostile_random(rng, 12)) {
	case 0:
		val ^= 1ULL << hostile_random(rng, 64);
		break;
	case 1:
		/* T0SZ, TG0 and EPD0: 5.4, bits 5:0, 7:6 and 14 */
		word = 0;
		val = (cd[0] & ~0x40ffULL) | hostile_random(rng, 256);
		break;
	case 2:
		word = 1 + hostile_random(rng, 2);
		val = hostile_address(h, rng);
		break;
	case 3:
		/* IPS, bits 34:32 */
		word = 0;
		val = (cd[0] & ~(7ULL << 32)) | (hostile_bits(rng) & 7ULL << 32);
		break;
	case 4:
		/* How it faults, and what the unit writes */
		word = 0;
		val = cd[0] ^ (hostile_bits(rng) &
			       (CD_STALL | CD_RECORD | CD_ABORT | CD_HA | CD_HD));
		break;
	case 5:
		val = hostile_bits(rng);
		break;
	default:
		smmu_order(h);
		val = cd[word];
	}
	__atomic_store_n(&cd[word], val, __ATOMIC_RELEASE);
	if (one_in(rng, 3))
		return;
	val = command[hostile_random(rng, ARRAY_LEN(command))] | CMD_SID(VSID);
	if ((val & 0xff) == CMD_CFGI_CD)
		val |= (__u64)smmu_ssid(h) << 12;
	rc = smmu_command(&smmu_guest, val, CMD_LEAF);
	/* CMD_CFGI_CD_ALL has no leaf. */
	if ((val & 0xff) == CMD_CFGI_CD_ALL && rc == -EIO)
		rc = smmu_command(&smmu_guest, val, 0);
	if (rc)
		atomic_fetch_add(&h->odd, 1);
}

/* IOMMU_HWPT_ALLOC in commands.rst */
static const int alloc_errnos[] = { -EIO, -EINVAL, -EOPNOTSUPP, 0 };
/* IOMMU_HWPT_INVALIDATE */
static const int invalidate_errnos[] = {
	-EIO, -EINVAL, -EOPNOTSUPP, -EFAULT, 0
};

/* A stream table entry with a few bits that are not as they should be */
static int smmu_give_entry(struct hostile *h)
{
	struct smmu_guest *s = &smmu_guest;
	__u64 ste0 = smmu_ste0(s);
	__u64 ste1 = STE_DSS_CD0 | STE_CD_CACHED | STE_EATS;
	__u64 *rng = &h->rng;
	unsigned int i;
	__u32 hwpt;
	int rc;

	for (i = hostile_random(rng, 3); i; i--) {
		if (one_in(rng, 2))
			ste0 ^= 1ULL << hostile_random(rng, 64);
		else
			ste1 ^= 1ULL << hostile_random(rng, 64);
	}
	if (one_in(rng, 4))
		/* S1ContextPtr: 5.2, bits 51:6 */
		ste0 = (ste0 & ~0x000fffffffffffc0ULL) | hostile_address(h, rng);
	if (one_in(rng, 4))
		/* Config, bits 3:1 */
		ste0 = (ste0 & ~0xeULL) | (hostile_bits(rng) & 0xe);
	if (one_in(rng, 8))
		/* S1CDMax, bits 63:59 */
		ste0 = (ste0 & ~(31ULL << 59)) | (hostile_bits(rng) & 31ULL << 59);
	if (one_in(rng, 16))
		ste0 = hostile_bits(rng) | STE_VALID;
	rc = smmu_nested_words(s, one_in(rng, 4) ? s->g.parent : s->viommu, ste0,
			       ste1, true, &hwpt);
	if (hostile_said(h, "a stream table entry", rc, alloc_errnos))
		return -1;
	return rc ? 0 : hostile_try(h, hwpt);
}

/* An opcode that a guest may have, mostly, and anything around it */
static void smmu_any_command(struct hostile *h, __u64 *rng, __u64 cmd[2])
{
	static const __u64 ops[] = {
		CMD_CFGI_CD, CMD_CFGI_CD_ALL, CMD_TLBI_NH_ALL, CMD_TLBI_NH_ASID,
		CMD_TLBI_NH_VA, CMD_TLBI_NH_VAA, CMD_ATC_INV, CMD_ATC_INV,
	};
	__u64 op = one_in(rng, 8) ? hostile_random(rng, 256) :
				    ops[hostile_random(rng, ARRAY_LEN(ops))];

	cmd[0] = op;
	cmd[1] = 0;
	switch (op) {
	case CMD_CFGI_CD:
	case CMD_CFGI_CD_ALL:
		if (op == CMD_CFGI_CD) {
			cmd[0] |= (__u64)smmu_ssid(h) << 12;
			cmd[1] = CMD_LEAF;
		}
		cmd[0] |= CMD_SID(one_in(rng, 8) ? hostile_random(rng, ~0U) : VSID);
		break;
	case CMD_TLBI_NH_VA:
	case CMD_TLBI_NH_ASID:
	case CMD_TLBI_NH_VAA:
		if (op != CMD_TLBI_NH_VAA)
			cmd[0] |= CMD_ASID(one_in(rng, 2) ? ASID : hostile_random(rng, 65536));
		if (op != CMD_TLBI_NH_ASID)
			cmd[1] = hostile_va(h, rng) & -PAGE;
		break;
	case CMD_ATC_INV:
		cmd[0] |= CMD_SID(one_in(rng, 8) ? hostile_random(rng, ~0U) : VSID);
		if (h->pasid != MODEL_NO_PASID)
			cmd[0] |= CMD_SSID(h->pasid);
		/* Size, 4.5.1: 2^n pages, 52 is all */
		cmd[1] = (hostile_va(h, rng) & -PAGE) | hostile_random(rng, 64);
		break;
	}
	if (one_in(rng, 4))
		cmd[hostile_random(rng, 2)] ^= 1ULL << hostile_random(rng, 64);
	if (one_in(rng, 16))
		cmd[hostile_random(rng, 2)] = hostile_bits(rng);
}

static int smmu_give_commands(struct hostile *h)
{
	struct iommu_viommu_arm_smmuv3_invalidate cmds[8];
	__u32 i, num, all, len = sizeof(cmds[0]), type;
	const void *data = cmds;
	__u64 *rng = &h->rng;
	__u64 cmd[2];
	int rc;

	all = 1 + hostile_random(rng, ARRAY_LEN(cmds));
	for (i = 0; i < all; i++) {
		smmu_any_command(h, rng, cmd);
		memcpy(cmds[i].cmd, cmd, sizeof(cmd));
	}
	type = one_in(rng, 16) ? hostile_random(rng, 80) :
				 IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3;
	if (one_in(rng, 16))
		len = one_in(rng, 2) ? len - 1 : 0;
	if (one_in(rng, 16))
		data = no_memory();
	num = all;
	rc = iommu_hwpt_invalidate(h->g->fd, smmu_guest.viommu, type, data, len,
				   &num);
	if (hostile_said(h, "commands", rc, invalidate_errnos))
		return -1;
	if (num > all || (!rc && num != all))
		return hostile_fail(h, "%u of %u commands done: %d", num, all, rc);
	return 0;
}

static int smmu_given(struct hostile *h)
{
	return one_in(&h->rng, 2) ? smmu_give_entry(h) : smmu_give_commands(h);
}

static const struct hostile_kind smmuv3_hostile = {
	.start = smmu_hostile_start,
	.hwpt = smmu_hwpt,
	.stop = smmu_hostile_stop,
	.table = smmu_table,
	.leaf = smmu_leaf,
	.entry = smmu_entry,
	.mutate = smmu_mutate,
	.given = smmu_given,
	.whole = true,
};

#define HOSTILE_KIND	smmuv3_hostile
#include "hostile_cases.h"

TEST_HARNESS_MAIN
