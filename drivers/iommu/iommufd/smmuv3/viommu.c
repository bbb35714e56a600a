// SPDX-License-Identifier: GPL-2.0-only
/*
 * vIOMMUs: what one guest has of a unit. A VMID, so that its ASIDs are its own;
 * the commands of its queue, which are rewritten and carried out; and the events
 * that its own event queue should show.
 *
 * A guest's command is taken when every bit of it is one that we know: what the unit
 * would refuse would stop the queue that all share (7.1).
 */
#include <linux/bitfield.h>
#include <linux/iommu.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "viommu.h"

/* Opcodes (4.1.2), word 0 */
#define CMD_OP			GENMASK_ULL(7, 0)
#define OP_CFGI_CD		0x05
#define OP_CFGI_CD_ALL		0x06
#define OP_TLBI_NH_ALL		0x10
#define OP_TLBI_NH_ASID		0x11
#define OP_TLBI_NH_VA		0x12
#define OP_TLBI_NH_VAA		SMMUV3_CMD_TLBI_NH_VAA
#define OP_TLBI_NSNH_ALL	0x30
#define OP_ATC_INV		0x40

#define CMD0_SID		GENMASK_ULL(63, 32)
#define CMD0_SSID		GENMASK_ULL(31, 12)
/* CFGI_CD (4.3.3) */
#define CFGI1_LEAF		BIT_ULL(0)
/* TLBI (4.4) */
#define TLBI0_NUM		GENMASK_ULL(16, 12)
#define TLBI0_SCALE		GENMASK_ULL(24, 20)
#define TLBI0_VMID		GENMASK_ULL(47, 32)
#define TLBI0_ASID		GENMASK_ULL(63, 48)
#define TLBI1_LEAF		BIT_ULL(0)
#define TLBI1_TTL		GENMASK_ULL(9, 8)
#define TLBI1_TG		GENMASK_ULL(11, 10)
#define TLBI_TG_4K		1
#define TLBI_TG_16K		2
#define TLBI_TG_64K		3
#define TLBI1_ADDR		GENMASK_ULL(63, 12)
/* ATC_INV (4.5.1) */
#define ATC0_GLOBAL		BIT_ULL(9)
#define ATC0_SSV		BIT_ULL(11)
#define ATC1_SIZE		GENMASK_ULL(5, 0)
#define ATC1_SIZE_MAX		52
#define ATC1_ADDR		GENMASK_ULL(63, 12)

/* Entries of a user's array that are looked at together. */
#define CHUNK_ENTRIES		SMMUV3_SUBMIT_MAX

/**
 * struct guest_op - a command that a guest may send
 * @op: opcode
 * @known: the bits that may be set beside it
 */
struct guest_op {
	u8 op;
	u64 known[2];
};

static const struct guest_op guest_ops[] = {
	{ OP_CFGI_CD, { CMD0_SID | CMD0_SSID, CFGI1_LEAF } },
	{ OP_CFGI_CD_ALL, { CMD0_SID, 0 } },
	{ OP_TLBI_NH_ALL, { TLBI0_VMID, 0 } },
	{ OP_TLBI_NH_ASID, { TLBI0_VMID | TLBI0_ASID, 0 } },
	{ OP_TLBI_NH_VA,
	  { TLBI0_NUM | TLBI0_SCALE | TLBI0_VMID | TLBI0_ASID,
	    TLBI1_LEAF | TLBI1_TTL | TLBI1_TG | TLBI1_ADDR } },
	{ OP_TLBI_NH_VAA,
	  { TLBI0_NUM | TLBI0_SCALE | TLBI0_VMID,
	    TLBI1_LEAF | TLBI1_TTL | TLBI1_TG | TLBI1_ADDR } },
	{ OP_TLBI_NSNH_ALL, { 0, 0 } },
	{ OP_ATC_INV,
	  { ATC0_GLOBAL | ATC0_SSV | CMD0_SID | CMD0_SSID,
	    ATC1_SIZE | ATC1_ADDR } },
};

static int check_known(const struct smmuv3_cmd *cmd)
{
	const struct guest_op *op;

	for (op = guest_ops; op < guest_ops + ARRAY_SIZE(guest_ops); op++) {
		if (op->op != FIELD_GET(CMD_OP, cmd->qw[0]))
			continue;
		return (cmd->qw[0] & ~(CMD_OP | op->known[0])) ||
		       (cmd->qw[1] & ~op->known[1]) ? -EIO : 0;
	}
	return -EIO;
}

static int check_ssid(const struct smmuv3_caps *caps,
		      const struct smmuv3_cmd *cmd)
{
	return FIELD_GET(CMD0_SSID, cmd->qw[0]) >> caps->ssid_bits ? -EIO : 0;
}

static int check_asid(const struct smmuv3_caps *caps,
		      const struct smmuv3_cmd *cmd)
{
	return FIELD_GET(TLBI0_ASID, cmd->qw[0]) >> caps->asid_bits ? -EIO : 0;
}

/* Which ranges and levels there are goes by the granule (4.4.1.1). */
static int check_range(const struct smmuv3_caps *caps,
		       const struct smmuv3_cmd *cmd)
{
	static const unsigned long granules[] = {
		[TLBI_TG_4K] = SZ_4K,
		[TLBI_TG_16K] = SZ_16K,
		[TLBI_TG_64K] = SZ_64K,
	};
	u64 range = cmd->qw[0] & (TLBI0_NUM | TLBI0_SCALE);
	unsigned int ttl = FIELD_GET(TLBI1_TTL, cmd->qw[1]);
	unsigned int tg = FIELD_GET(TLBI1_TG, cmd->qw[1]);

	if (!tg)
		return range || ttl ? -EIO : 0;
	if (!caps->range_inval || !(caps->granules & granules[tg]))
		return -EIO;
	/* One page of no level in particular, and a level without blocks */
	if ((!range && !ttl) || (tg == TLBI_TG_16K && ttl == 1))
		return -EIO;
	return 0;
}

static int check_atc(const struct smmuv3_caps *caps,
		     const struct smmuv3_cmd *cmd)
{
	if (FIELD_GET(ATC1_SIZE, cmd->qw[1]) > ATC1_SIZE_MAX)
		return -EIO;
	if (!(cmd->qw[0] & ATC0_SSV))
		return cmd->qw[0] & (ATC0_GLOBAL | CMD0_SSID) ? -EIO : 0;
	return caps->ssid_bits ? check_ssid(caps, cmd) : -EIO;
}

static void set_vmid(struct smmuv3_cmd *cmd, u16 vmid)
{
	cmd->qw[0] &= ~TLBI0_VMID;
	cmd->qw[0] |= FIELD_PREP(TLBI0_VMID, vmid);
}

/**
 * smmuv3_guest_cmd_convert() - check a guest's command, and make it fit for the unit
 * @caps: of the unit
 * @vmid: whose entries it may reach
 * @guest: with the command; has the rest filled in
 *
 * TLBI_NSNH_ALL, which is everybody's, becomes TLBI_NH_ALL of the VMID: the guest has
 * nothing else.
 *
 * Return: 0; -EIO: an opcode that is not for guests, a bit that nobody may set, or
 * values that the unit would refuse.
 */
int smmuv3_guest_cmd_convert(const struct smmuv3_caps *caps, u16 vmid,
			     struct smmuv3_guest_cmd *guest)
{
	struct smmuv3_cmd *cmd = &guest->cmd;
	int rc;

	rc = check_known(cmd);
	if (rc)
		return rc;
	guest->has_sid = false;
	guest->atc = false;
	switch (FIELD_GET(CMD_OP, cmd->qw[0])) {
	case OP_TLBI_NSNH_ALL:
		cmd->qw[0] = OP_TLBI_NH_ALL;
		break;
	case OP_TLBI_NH_ALL:
		break;
	case OP_TLBI_NH_VA:
	case OP_TLBI_NH_VAA:
		rc = check_range(caps, cmd) ?: check_asid(caps, cmd);
		break;
	case OP_TLBI_NH_ASID:
		rc = check_asid(caps, cmd);
		break;
	case OP_ATC_INV:
		guest->atc = true;
		guest->has_sid = true;
		rc = check_atc(caps, cmd);
		break;
	default:
		guest->has_sid = true;
		rc = check_ssid(caps, cmd);
		break;
	}
	if (guest->has_sid)
		guest->sid = FIELD_GET(CMD0_SID, cmd->qw[0]);
	else
		set_vmid(cmd, vmid);
	return rc;
}

/* --- a guest's array of commands --- */

/**
 * struct chunk - working memory of an invalidation call
 * @guest: commands, converted
 * @serial: of each, the serial number of its first command to the unit
 * @cmds: for the batch
 * @unordered: the batch has commands that an ATC_INV must not overtake
 */
struct chunk {
	struct smmuv3_guest_cmd guest[CHUNK_ENTRIES];
	unsigned long serial[CHUNK_ENTRIES];
	struct smmuv3_cmd cmds[SMMUV3_SUBMIT_MAX];
	bool unordered;
};

/* Entries [first, first + num) that are good, up to the first that is not. */
static int load_chunk(struct smmuv3_viommu *viommu,
		      struct iommu_user_data_array *array, u32 first, u32 num,
		      struct chunk *chunk, unsigned int *loaded)
{
	struct iommu_viommu_arm_smmuv3_invalidate inv;
	struct smmuv3_guest_cmd *guest;
	int rc;

	for (*loaded = 0; *loaded < num; ++*loaded) {
		rc = iommu_copy_struct_from_user_array(&inv, array,
						       IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
						       first + *loaded, cmd);
		if (rc)
			return rc;
		guest = &chunk->guest[*loaded];
		guest->cmd.qw[0] = le64_to_cpu(inv.cmd[0]);
		guest->cmd.qw[1] = le64_to_cpu(inv.cmd[1]);
		rc = smmuv3_guest_cmd_convert(&viommu->unit->caps,
					      viommu->tag->id, guest);
		if (rc)
			return rc;
	}
	return 0;
}

static void add_device_cmd(struct smmuv3_batch *batch,
			   const struct smmuv3_guest_cmd *guest,
			   const struct smmuv3_device *device)
{
	struct smmuv3_cmd cmd = guest->cmd;
	unsigned int i;

	/* The guest knows one StreamID, and its entry stands for all of them */
	for (i = 0; i < device->num_streams; i++) {
		cmd.qw[0] &= ~CMD0_SID;
		cmd.qw[0] |= FIELD_PREP(CMD0_SID, device->streams[i].sid);
		smmuv3_batch_add(batch, &cmd);
	}
}

/**
 * smmuv3_guest_atc_reaches() - is a guest's ATC_INV for a device to be sent?
 * @guest: the command, converted
 * @device: what the guest's StreamID stands for
 *
 * A device without ATS has nothing cached, and would not answer; one whose PASIDs are
 * off has nothing cached with one, and a message that carries one is an error for it
 * (PCIe 6.0, 7.8.9.3, PASID Enable).
 *
 * Return: false: there is nothing to do.
 */
bool smmuv3_guest_atc_reaches(const struct smmuv3_guest_cmd *guest,
			      const struct smmuv3_device *device)
{
	if (guest->cmd.qw[0] & ATC0_SSV && !device->pasid_enabled)
		return false;
	return smmuv3_device_has_atc(device);
}

static int add_guest_cmd(struct smmuv3_viommu *viommu,
			 struct smmuv3_batch *batch, struct chunk *chunk,
			 const struct smmuv3_guest_cmd *guest)
{
	struct smmuv3_device *device;
	struct device *dev;

	if (!guest->has_sid) {
		chunk->unordered = true;
		smmuv3_batch_add(batch, &guest->cmd);
		return 0;
	}
	dev = iommufd_viommu_find_dev(&viommu->core, guest->sid);
	if (!dev)
		return -EIO;
	device = dev_iommu_priv_get(dev);
	if (!guest->atc) {
		chunk->unordered = true;
		add_device_cmd(batch, guest, device);
		return 0;
	}
	if (smmuv3_device_is_loose(device)) {
		smmuv3_device_distrust(device);
		return -ETIMEDOUT;
	}
	if (!smmuv3_guest_atc_reaches(guest, device))
		return 0;
	/* A device must not fill up again from what is still cached (3.9.1) */
	if (chunk->unordered)
		smmuv3_batch_barrier(batch);
	chunk->unordered = false;
	add_device_cmd(batch, guest, device);
	return 0;
}

/*
 * Returns the first error, and in *@done how many entries were carried out before
 * what failed.
 */
static int run_chunk(struct smmuv3_viommu *viommu, struct chunk *chunk,
		     unsigned int num, unsigned int *done)
{
	struct smmuv3_batch batch = {
		.unit = viommu->unit,
		.cmds = chunk->cmds,
		.max = ARRAY_SIZE(chunk->cmds),
	};
	unsigned int i;
	int rc = 0;

	chunk->unordered = false;
	iommufd_viommu_lock_vdevs(&viommu->core);
	for (i = 0; i < num; i++) {
		chunk->serial[i] = batch.done + batch.num;
		rc = add_guest_cmd(viommu, &batch, chunk, &chunk->guest[i]);
		if (rc)
			break;
	}
	*done = i;
	smmuv3_batch_submit(&batch);
	iommufd_viommu_unlock_vdevs(&viommu->core);
	if (!batch.rc)
		return rc;
	while (i-- > 1)
		if (chunk->serial[i] <= batch.failed)
			break;
	*done = min(*done, i);
	return batch.rc;
}

static int viommu_invalidate(struct iommufd_viommu *core,
			     struct iommu_user_data_array *array)
{
	struct smmuv3_viommu *viommu =
		container_of(core, struct smmuv3_viommu, core);
	u32 done = 0, num = array->entry_num;
	unsigned int loaded, ran;
	struct chunk *chunk;
	int rc = 0, err;

	array->entry_num = 0;
	if (array->type != IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3)
		return -EINVAL;
	if (!num)
		return 0;
	chunk = kvmalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return -ENOMEM;

	array->entry_num = num;
	while (!rc && done < num) {
		rc = load_chunk(viommu, array, done,
				min(num - done, CHUNK_ENTRIES), chunk, &loaded);
		ran = loaded;
		err = loaded ? run_chunk(viommu, chunk, loaded, &ran) : 0;
		rc = err ?: rc;
		done += ran;
		if (!rc && done < num && fatal_signal_pending(current))
			rc = -EINTR;
		cond_resched();
	}
	kvfree(chunk);
	if (rc)
		smmuv3_devices_settle();
	array->entry_num = done;
	return rc;
}

/* --- the rest of a vIOMMU --- */

/*
 * A context has a sixteenth of a unit's VMIDs at most, so that its vIOMMUs leave some
 * to those of others. Under smmuv3_unit::lock. 0, -ENOSPC or -ENOMEM.
 */
static int context_count(struct smmuv3_unit *unit, const void *context)
{
	unsigned long key = (unsigned long)context;
	void *num = xa_load(&unit->contexts, key);
	unsigned long next = num ? xa_to_value(num) + 1 : 1;

	if (next > BIT(unit->caps.vmid_bits) / 16)
		return -ENOSPC;
	return xa_err(xa_store(&unit->contexts, key, xa_mk_value(next),
			       GFP_KERNEL_ACCOUNT));
}

static void context_uncount(struct smmuv3_unit *unit, const void *context)
{
	unsigned long key = (unsigned long)context;
	unsigned long num = xa_to_value(xa_load(&unit->contexts, key));

	/* In place, or erased: needs no memory */
	if (num > 1)
		xa_store(&unit->contexts, key, xa_mk_value(num - 1), GFP_KERNEL);
	else
		xa_erase(&unit->contexts, key);
}

static int viommu_get_vmid(struct smmuv3_viommu *viommu)
{
	const void *context = viommu->core.obj.ictx;
	int rc;

	rc = context_count(viommu->unit, context);
	if (rc)
		return rc;
	viommu->tag = smmuv3_tag_get(viommu->parent, viommu->unit, viommu,
				     TAG_IDS_VIOMMU);
	if (!IS_ERR(viommu->tag))
		return 0;
	context_uncount(viommu->unit, context);
	return PTR_ERR(viommu->tag);
}

static void viommu_destroy(struct iommufd_viommu *core)
{
	struct smmuv3_viommu *viommu =
		container_of(core, struct smmuv3_viommu, core);

	mutex_lock(&viommu->unit->lock);
	smmuv3_tag_put(viommu->parent, viommu->tag);
	context_uncount(viommu->unit, core->obj.ictx);
	mutex_unlock(&viommu->unit->lock);
	smmuv3_unit_drop(viommu->unit);
}

static struct iommu_domain *
viommu_alloc_nested(struct iommufd_viommu *core, u32 flags,
		    const struct iommu_user_data *data)
{
	struct smmuv3_viommu *viommu =
		container_of(core, struct smmuv3_viommu, core);
	struct smmuv3_domain *domain;

	if (flags)
		return ERR_PTR(-EOPNOTSUPP);
	domain = smmuv3_nested_alloc(viommu->unit, viommu->parent, viommu,
				     data);
	return IS_ERR(domain) ? ERR_CAST(domain) : &domain->domain;
}

static int viommu_vdevice_init(struct iommufd_viommu *core, struct device *dev,
			       u64 virt_id)
{
	return virt_id > U32_MAX ? -EINVAL : 0;
}

static size_t viommu_event_len(struct iommufd_viommu *core, u32 type)
{
	return type == IOMMU_VEVENTQ_TYPE_ARM_SMMUV3 ?
		       sizeof(struct iommu_vevent_arm_smmuv3) : 0;
}

static const struct iommufd_viommu_ops viommu_ops = {
	.destroy = viommu_destroy,
	.alloc_domain_nested = viommu_alloc_nested,
	.cache_invalidate = viommu_invalidate,
	.vdevice_init = viommu_vdevice_init,
	.event_len = viommu_event_len,
};

static size_t viommu_size(struct device *dev, u32 type)
{
	struct smmuv3_device *device = dev_iommu_priv_get(dev);

	if (type != IOMMU_VIOMMU_TYPE_ARM_SMMUV3 ||
	    !smmuv3_can_nest(&device->unit->caps))
		return 0;
	return sizeof(struct smmuv3_viommu);
}

static int viommu_init(struct iommufd_viommu *core, struct device *dev,
		       const struct iommu_user_data *data)
{
	struct smmuv3_viommu *viommu =
		container_of(core, struct smmuv3_viommu, core);
	struct smmuv3_device *device = dev_iommu_priv_get(dev);
	struct smmuv3_unit *unit = device->unit;
	int rc;

	if (data)
		return -EOPNOTSUPP;
	viommu->parent = smmuv3_nest_parent(core->parent);
	if (!viommu->parent || !smmuv3_paging_suits(viommu->parent, &unit->caps))
		return -EINVAL;
	rc = smmuv3_nest_allowed(unit, viommu->parent);
	if (rc)
		return rc;
	if (!smmuv3_unit_hold(unit))
		return -ENODEV;
	viommu->unit = unit;
	mutex_lock(&unit->lock);
	rc = viommu_get_vmid(viommu);
	mutex_unlock(&unit->lock);
	if (rc) {
		smmuv3_unit_drop(unit);
		return rc;
	}
	core->ops = &viommu_ops;
	return 0;
}

static struct iommufd_viommu_driver viommu_driver = {
	.size = viommu_size,
	.init = viommu_init,
};

/**
 * smmuv3_viommu_register() - let user space make vIOMMUs
 * @ops: of all SMMUv3s
 *
 * Called once. May sleep.
 */
void smmuv3_viommu_register(const struct iommu_ops *ops)
{
	viommu_driver.iommu_ops = ops;
	iommufd_viommu_driver_register(&viommu_driver);
}

/* --- events --- */

/* Words of a record (7.3) that are not the guest's as they stand */
#define EVENT0_SSV		BIT_ULL(11)
#define EVENT0_SSID		GENMASK_ULL(31, 12)
#define EVENT0_SID		GENMASK_ULL(63, 32)
#define EVENT_C_BAD_SUBSTREAMID	0x08

/* Of a guest's own making (7.3): what its tables and entries say. */
static bool is_guest_event(const struct smmuv3_event *event)
{
	if (event->stage2)
		return false;
	switch (event->type) {
	case 0x04: /* C_BAD_STE */
	case 0x06: /* F_STREAM_DISABLED */
	case EVENT_C_BAD_SUBSTREAMID:
	case 0x0a: /* C_BAD_CD */
	case 0x10: /* F_TRANSLATION */
	case 0x11: /* F_ADDR_SIZE */
	case 0x12: /* F_ACCESS */
	case 0x13: /* F_PERMISSION */
		return true;
	default:
		return false;
	}
}

/**
 * smmuv3_guest_event() - the record of a guest's own event queue
 * @event: a fault
 * @virt_id: the StreamID that the guest knows
 * @out: filled in
 *
 * As hardware wrote it, but for the StreamID. Without SSV what stands in the place of
 * the SubstreamID means nothing, and is 0; but C_BAD_SUBSTREAMID has one and no SSV
 * (7.3.9).
 */
void smmuv3_guest_event(const struct smmuv3_event *event, u32 virt_id,
			struct iommu_vevent_arm_smmuv3 *out)
{
	u64 qw0 = event->qw[0] & ~EVENT0_SID;
	unsigned int i;

	if (!(qw0 & EVENT0_SSV) && event->type != EVENT_C_BAD_SUBSTREAMID)
		qw0 &= ~EVENT0_SSID;
	out->evt[0] = cpu_to_le64(qw0 | FIELD_PREP(EVENT0_SID, virt_id));
	for (i = 1; i < ARRAY_SIZE(out->evt); i++)
		out->evt[i] = cpu_to_le64(event->qw[i]);
}

/**
 * smmuv3_viommu_event() - a fault of a guest's device
 * @viommu: that the device is nested through
 * @device: the device
 * @event: the fault
 *
 * Nothing happens if it is not one for the guest, or the guest does not know the
 * device. Any context, under RCU.
 */
void smmuv3_viommu_event(struct smmuv3_viommu *viommu,
			 const struct smmuv3_device *device,
			 const struct smmuv3_event *event)
{
	struct iommu_vevent_arm_smmuv3 out;
	u64 virt_id;

	if (!is_guest_event(event) ||
	    iommufd_viommu_get_vdev_id(&viommu->core, device->dev, &virt_id))
		return;
	smmuv3_guest_event(event, virt_id, &out);
	iommufd_viommu_report_event(&viommu->core,
				    IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, &out,
				    sizeof(out));
}
