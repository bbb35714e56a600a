/* SPDX-License-Identifier: GPL-2.0-only */
/* vIOMMUs: a guest's share of a unit. */
#ifndef __IOMMUFD_SMMUV3_VIOMMU_H
#define __IOMMUFD_SMMUV3_VIOMMU_H

#include "../viommu.h"
#include "cmdq.h"
#include "domain.h"
#include "faults.h"

/* A command that nested.c makes by itself (4.4.1.4) */
#define SMMUV3_CMD_TLBI_NH_VAA	0x13ULL
#define SMMUV3_CMD_VMID(_vmid)	((u64)(_vmid) << 32)

/**
 * struct smmuv3_viommu - a vIOMMU
 * @core: what the core knows
 * @unit: the unit; holds it. Constant
 * @parent: the nest parent; constant
 * @tag: the VMID of all that is nested through it: its guest's ASIDs are no other
 *	vIOMMU's. Constant
 */
struct smmuv3_viommu {
	struct iommufd_viommu core;
	struct smmuv3_unit *unit;
	struct smmuv3_domain *parent;
	struct smmuv3_tag *tag;
};

/**
 * struct smmuv3_guest_cmd - a guest's command on its way to the unit
 * @cmd: the command: as the guest wrote it, then as the unit gets it, but for the
 *	StreamID
 * @sid: the guest's StreamID, valid if @has_sid
 * @has_sid: it is about a device
 * @atc: it is an ATC_INV
 */
struct smmuv3_guest_cmd {
	struct smmuv3_cmd cmd;
	u32 sid;
	bool has_sid;
	bool atc;
};

/* Check and rewrite @guest->cmd for VMID @vmid; fills in the rest. 0 or -EIO. */
int smmuv3_guest_cmd_convert(const struct smmuv3_caps *caps, u16 vmid,
			     struct smmuv3_guest_cmd *guest);

/* Has @device anything cached that the ATC_INV @guest is about? Any context. */
bool smmuv3_guest_atc_reaches(const struct smmuv3_guest_cmd *guest,
			      const struct smmuv3_device *device);

struct iommu_vevent_arm_smmuv3;

/* The record that the guest sees of @event. Any context. */
void smmuv3_guest_event(const struct smmuv3_event *event, u32 virt_id,
			struct iommu_vevent_arm_smmuv3 *out);

/* Tell the guest, if it knows @device. Any context, under RCU. */
void smmuv3_viommu_event(struct smmuv3_viommu *viommu,
			 const struct smmuv3_device *device,
			 const struct smmuv3_event *event);

/* Make vIOMMUs known for devices of @ops. Once. */
void smmuv3_viommu_register(const struct iommu_ops *ops);

#endif
