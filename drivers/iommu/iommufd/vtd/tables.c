// SPDX-License-Identifier: GPL-2.0-only
/*
 * Root and context tables of a unit, PASID directories of its devices (VT-d
 * specification 9.2, 9.4, 9.5). The entries of PASID tables are pasid_table.c's.
 */
#include <linux/bitfield.h>
#include <linux/mm.h>

#include "../../iommu-pages.h"
#include "device.h"
#include "invalidate.h"
#include "owed.h"
#include "tables.h"
#include "tables_internal.h"

/* Root entry (9.2): a pointer to the context table of each half of a bus. */
#define ROOT_PRESENT		BIT_ULL(0)
#define ROOT_TABLE		GENMASK_ULL(51, 12)

/* Context entry (9.4), bits 63:0. RID_PASID and RID_PRIV, above, are 0. */
#define CONTEXT_PRESENT		BIT_ULL(0)
#define CONTEXT_DTE		BIT_ULL(2)
#define CONTEXT_PASID_ENABLE	BIT_ULL(3)
#define CONTEXT_PRE		BIT_ULL(4)
#define CONTEXT_PDTS		GENMASK_ULL(11, 9)

/* PASID directory entry (9.5). */
#define DIR_PRESENT		BIT_ULL(0)
#define DIR_TABLE		GENMASK_ULL(51, 12)

/* A PASID table has 2^6 entries, the smallest directory 2^7 tables. */
#define PASID_TABLE_BITS	6
#define DIR_MIN_BITS		7
#define PASID_BITS_MAX		20

/**
 * struct vtd_root - the root table
 * @half: by bus and half of it: devices 0 to 15, devices 16 to 31. Written under
 *	vtd_unit::lock
 */
struct vtd_root {
	u64 half[256][2];
};

static_assert(sizeof(struct vtd_root) == SZ_4K);
static_assert(SZ_4K / sizeof(struct vtd_context_entry) == 128);
static_assert(SZ_4K / sizeof(struct vtd_pasid_entry) == BIT(PASID_TABLE_BITS));
static_assert(PAGE_SIZE == SZ_4K);

/* The unit may look at what was written from here on (6.8). */
static void publish(struct vtd_unit *unit, void *addr, size_t size)
{
	vtd_clean(unit, addr, size);
	if (unit->caps.write_buffer)
		unit->door->command(unit, DMA_GCMD_WBF, true);
}

/**
 * vtd_store128() - change one half of an entry, or a quarter of a PASID entry
 * @unit: whose tables it is in; its lock is held
 * @at: aligned to 16 bytes; nobody else writes it
 * @low: new bits 63:0
 * @high: new bits 127:64
 *
 * The unit sees either all of the old or all of the new bits.
 */
void vtd_store128(struct vtd_unit *unit, u64 *at, u64 low, u64 high)
{
	u128 old = (u128)at[1] << 64 | at[0];
	u128 new = (u128)high << 64 | low;

	while (!try_cmpxchg128((u128 *)at, &old, new))
		;
	publish(unit, at, sizeof(new));
}

/* A table comes into being, or another one's place: first it, then the pointer. */
static void link_table(struct vtd_unit *unit, u64 *at, void *table, u64 bits)
{
	vtd_clean(unit, table, SZ_4K);
	dma_wmb();
	WRITE_ONCE(*at, virt_to_phys(table) | bits);
	publish(unit, at, sizeof(*at));
}

/**
 * vtd_root_alloc() - make a root table in which nothing is present
 * @unit: decoded, not started
 *
 * May sleep.
 *
 * Return: 0; -ENOMEM; -EOPNOTSUPP: the CPU has no 128-bit atomic store, without
 * which no entry can be changed while the unit looks at it.
 */
int vtd_root_alloc(struct vtd_unit *unit)
{
	struct vtd_root *root;

	if (!system_has_cmpxchg128())
		return -EOPNOTSUPP;
	root = iommu_alloc_page(GFP_KERNEL);
	if (!root)
		return -ENOMEM;
	vtd_clean(unit, root, sizeof(*root));
	unit->root = root;
	return 0;
}

/**
 * vtd_root_free() - free the root table and all context tables
 * @unit: stopped or never started; no device has an entry
 *
 * Nothing happens without a root table. May sleep.
 */
void vtd_root_free(struct vtd_unit *unit)
{
	struct vtd_root *root = unit->root;
	unsigned int i;

	if (!root)
		return;
	for (i = 0; i < ARRAY_SIZE(root->half) * 2; i++) {
		u64 entry = root->half[i / 2][i % 2];

		if (entry & ROOT_PRESENT)
			iommu_free_page(phys_to_virt(entry & ROOT_TABLE));
	}
	iommu_free_page(root);
	unit->root = NULL;
}

/**
 * vtd_root_address() - contents of the root table address register (11.4.5)
 * @unit: with a root table
 *
 * Return: its address, in scalable mode (TTM 01b).
 */
u64 vtd_root_address(struct vtd_unit *unit)
{
	return virt_to_phys(unit->root) | DMA_RTADDR_SMT;
}

/* The entry of @rid, or NULL if there is no table for it. */
static struct vtd_context_entry *context_entry(struct vtd_unit *unit, u16 rid)
{
	u64 half = unit->root->half[rid >> 8][!!(rid & BIT(7))];
	struct vtd_context_entry *table;

	if (!(half & ROOT_PRESENT))
		return NULL;
	table = phys_to_virt(half & ROOT_TABLE);
	return &table[rid & 0x7f];
}

static int context_table_alloc(struct vtd_device *device, u16 rid)
{
	struct vtd_unit *unit = device->unit;
	void *table;

	if (context_entry(unit, rid))
		return 0;
	table = iommu_alloc_page_node(vtd_device_node(device), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	link_table(unit, &unit->root->half[rid >> 8][!!(rid & BIT(7))], table,
		   ROOT_PRESENT);
	return 0;
}

/* Bits of a PASID that the directory takes. */
static unsigned int dir_bits(const struct vtd_device *device)
{
	unsigned int bits = order_base_2(device->max_pasids);

	return max(bits, DIR_MIN_BITS + PASID_TABLE_BITS) - PASID_TABLE_BITS;
}

/* Bits 63:0 of the device's context entries, as it is now. */
static u64 context_bits(const struct vtd_device *device)
{
	u64 bits = virt_to_phys(device->pasid_dir) | CONTEXT_PRESENT;

	bits |= FIELD_PREP(CONTEXT_PDTS, dir_bits(device) - DIR_MIN_BITS);
	if (device->pasid_enabled)
		bits |= CONTEXT_PASID_ENABLE;
	if (device->ats && !READ_ONCE(device->suspect))
		bits |= CONTEXT_DTE;
	if (device->pri || device->pri_kin)
		bits |= CONTEXT_PRE;
	return bits;
}

/**
 * vtd_pasid_dir_alloc() - make a PASID directory in which nothing is present
 * @device: without one; max_pasids is 1 to 2^20
 *
 * May sleep.
 *
 * Return: 0; -EINVAL: max_pasids is out of range; -ENOMEM.
 */
int vtd_pasid_dir_alloc(struct vtd_device *device)
{
	size_t size;

	if (!device->max_pasids || device->max_pasids > BIT(PASID_BITS_MAX))
		return -EINVAL;
	size = sizeof(u64) << dir_bits(device);
	device->pasid_dir_order = get_order(size);
	device->pasid_dir = iommu_alloc_pages_node(vtd_device_node(device),
						   GFP_KERNEL,
						   device->pasid_dir_order);
	if (!device->pasid_dir)
		return -ENOMEM;
	vtd_clean(device->unit, device->pasid_dir, size);
	return 0;
}

/**
 * vtd_pasid_dir_free() - free the directory and all PASID tables
 * @device: without context entries
 *
 * Nothing happens without a directory. May sleep.
 */
void vtd_pasid_dir_free(struct vtd_device *device)
{
	unsigned int i;

	if (!device->pasid_dir)
		return;
	for (i = 0; i < BIT(dir_bits(device)); i++)
		if (device->pasid_dir[i] & DIR_PRESENT)
			vtd_free_table(phys_to_virt(device->pasid_dir[i] &
						    DIR_TABLE), 0);
	if (device->pasid_spare)
		vtd_free_table(device->pasid_spare, 0);
	device->pasid_spare = NULL;
	vtd_free_table(device->pasid_dir, device->pasid_dir_order);
	device->pasid_dir = NULL;
}

/**
 * vtd_pasid_entry() - the entry of a PASID
 * @device: with a directory
 * @pasid: any
 *
 * Return: the entry, or NULL: @pasid is not below max_pasids, or there is no
 * table for it yet. It stays where it is until vtd_pasid_table_turn().
 */
struct vtd_pasid_entry *vtd_pasid_entry(struct vtd_device *device, u32 pasid)
{
	struct vtd_pasid_entry *table;
	u64 dir;

	if (pasid >= device->max_pasids)
		return NULL;
	dir = device->pasid_dir[pasid >> PASID_TABLE_BITS];
	if (!(dir & DIR_PRESENT))
		return NULL;
	table = phys_to_virt(dir & DIR_TABLE);
	return &table[pasid & (BIT(PASID_TABLE_BITS) - 1)];
}

/**
 * vtd_pasid_next() - which PASIDs may ever have gone somewhere
 * @device: with a directory; its unit's lock is held
 * @pasid: any
 *
 * Tables stay as long as the device does: so do PASIDs that were detached.
 *
 * Return: the first one from @pasid on that has an entry; max_pasids if there is none.
 */
u32 vtd_pasid_next(struct vtd_device *device, u32 pasid)
{
	lockdep_assert_held(&device->unit->lock);
	while (pasid < device->max_pasids && !vtd_pasid_entry(device, pasid))
		pasid = (pasid | (BIT(PASID_TABLE_BITS) - 1)) + 1;
	return min(pasid, device->max_pasids);
}

/**
 * vtd_pasid_prepare() - have what it takes to set the entry of a PASID
 * @device: with a directory; its unit's lock is held
 * @pasid: below max_pasids; 0 for requests without PASID
 *
 * That is the table that holds it; and, if the PASID goes somewhere already, another
 * one to copy that to. May sleep.
 *
 * Return: 0; -EINVAL: @pasid is out of range; -ENOMEM.
 */
int vtd_pasid_prepare(struct vtd_device *device, u32 pasid)
{
	struct vtd_pasid_entry *entry;
	void *table;

	lockdep_assert_held(&device->unit->lock);
	if (pasid >= device->max_pasids)
		return -EINVAL;
	entry = vtd_pasid_entry(device, pasid);
	if (entry && (!(entry->val[0] & VTD_PASID_PRESENT) ||
		      device->pasid_spare))
		return 0;
	table = iommu_alloc_page_node(vtd_device_node(device),
				      GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	if (entry)
		device->pasid_spare = table;
	else
		link_table(device->unit,
			   &device->pasid_dir[pasid >> PASID_TABLE_BITS],
			   table, DIR_PRESENT);
	return 0;
}

/**
 * vtd_pasid_table_turn() - let the unit find another entry by one store
 * @device: with a spare table; its unit's lock is held
 * @pasid: has an entry
 * @next: what it is to be
 *
 * The spare table becomes a copy of that of @pasid, but for the one entry, and takes
 * its place. The unit may be reading what was there before until it has been told
 * to forget it; vtd_pasid_table_turned() is next.
 */
void vtd_pasid_table_turn(struct vtd_device *device, u32 pasid,
			  const struct vtd_pasid_entry *next)
{
	u64 *dir = &device->pasid_dir[pasid >> PASID_TABLE_BITS];
	struct vtd_pasid_entry *table = phys_to_virt(*dir & DIR_TABLE);
	struct vtd_pasid_entry *spare = device->pasid_spare;

	memcpy(spare, table, SZ_4K);
	spare[pasid & (BIT(PASID_TABLE_BITS) - 1)] = *next;
	link_table(device->unit, dir, spare, DIR_PRESENT);
	device->pasid_spare = table;
}

/**
 * vtd_pasid_table_turned() - the unit has been told to forget what was turned away
 * @device: after vtd_pasid_table_turn(); its unit's lock is held
 *
 * If it may be reading that nevertheless, nothing more is to be written to it.
 */
void vtd_pasid_table_turned(struct vtd_device *device)
{
	if (!vtd_units_owing())
		return;
	vtd_free_table(device->pasid_spare, 0);
	device->pasid_spare = NULL;
}

/**
 * vtd_context_install() - make the context entries of a device present
 * @device: with a directory in which all is blocked; its unit's lock is held
 *
 * May sleep.
 *
 * Return: 0; -EBUSY: a requester id of @device has an entry already; -ENOMEM;
 * -EIO: the unit refused an invalidation. Nothing is present then.
 */
int vtd_context_install(struct vtd_device *device)
{
	struct vtd_unit *unit = device->unit;
	DEFINE_VTD_BATCH(batch, unit);
	unsigned long flags;
	unsigned int i;
	int rc;

	lockdep_assert_held(&unit->lock);
	for (i = 0; i < device->num_rids; i++) {
		rc = context_table_alloc(device, device->rids[i]);
		if (rc)
			return rc;
		if (context_entry(unit, device->rids[i])->val[0])
			return -EBUSY;
	}
	spin_lock_irqsave(&unit->context_lock, flags);
	for (i = 0; i < device->num_rids; i++)
		vtd_store128(unit, context_entry(unit, device->rids[i])->val,
			     context_bits(device), 0);
	/* What is owed may be of who had the requester ids before */
	WRITE_ONCE(device->late, map_owing(&unit->owed));
	spin_unlock_irqrestore(&unit->context_lock, flags);

	/* What is not present can be cached in caching mode alone (6.1). */
	if (!unit->caps.caching_mode)
		return 0;
	for (i = 0; i < device->num_rids; i++)
		vtd_batch_context(&batch, 0, device->rids[i]);
	rc = vtd_batch_submit(&batch);
	if (rc)
		vtd_context_remove(device);
	return rc;
}

/**
 * vtd_context_remove() - make the context entries of a device not present
 * @device: every PASID is blocked, so that nothing but the entries themselves
 *	(6.5.3.3) and, in caching mode, blocked PASIDs can be cached; its unit's
 *	lock is held
 *
 * On return the unit does not use the device's directory. May sleep.
 */
void vtd_context_remove(struct vtd_device *device)
{
	struct vtd_unit *unit = device->unit;
	DEFINE_VTD_BATCH(batch, unit);
	unsigned long flags;
	unsigned int i;

	lockdep_assert_held(&unit->lock);
	spin_lock_irqsave(&unit->context_lock, flags);
	for (i = 0; i < device->num_rids; i++) {
		vtd_store128(unit, context_entry(unit, device->rids[i])->val,
			     0, 0);
		vtd_batch_context(&batch, 0, device->rids[i]);
	}
	spin_unlock_irqrestore(&unit->context_lock, flags);
	if (unit->caps.caching_mode) {
		vtd_batch_barrier(&batch);
		vtd_batch_pasid_all(&batch);
	}
	vtd_batch_submit(&batch);
}

/**
 * vtd_context_update() - let the context entries follow the device
 * @device: installed; ats, pri or pri_kin may have changed. When ATS goes off, what the
 *	device has cached is the caller's to invalidate before. Its unit's lock is
 *	held
 *
 * Hitless: the entries differ in bits of one 128-bit store. Nothing that the bits
 * govern is cached elsewhere than in the context cache. May sleep.
 *
 * Return: 0; -EIO: the unit refused the invalidation.
 */
int vtd_context_update(struct vtd_device *device)
{
	struct vtd_unit *unit = device->unit;
	DEFINE_VTD_BATCH(batch, unit);
	struct vtd_context_entry *entry;
	unsigned long flags;
	unsigned int i;
	u64 bits;

	lockdep_assert_held(&unit->lock);
	spin_lock_irqsave(&unit->context_lock, flags);
	bits = context_bits(device);
	for (i = 0; i < device->num_rids; i++) {
		entry = context_entry(unit, device->rids[i]);
		if (entry->val[0] == bits)
			continue;
		vtd_store128(unit, entry->val, bits, 0);
		vtd_batch_context(&batch, 0, device->rids[i]);
	}
	spin_unlock_irqrestore(&unit->context_lock, flags);
	return vtd_batch_submit(&batch);
}

/**
 * vtd_context_stop_ats() - block what a device has translated itself
 * @device: suspect: it did not answer an invalidation of its device TLB
 *
 * On return its translation requests and translated requests are blocked, so that
 * what it has cached is of no use to it; or it is late. Any context.
 */
void vtd_context_stop_ats(struct vtd_device *device)
{
	struct vtd_unit *unit = device->unit;
	DEFINE_VTD_BATCH(batch, unit);
	struct vtd_context_entry *entry;
	unsigned long flags;
	unsigned int i;
	int rc;

	WARN_ON_ONCE(!READ_ONCE(device->suspect));
	spin_lock_irqsave(&unit->context_lock, flags);
	for (i = 0; i < device->num_rids; i++) {
		entry = context_entry(unit, device->rids[i]);
		/* Not present: it is being removed */
		if (!(entry->val[0] & CONTEXT_PRESENT))
			continue;
		vtd_store128(unit, entry->val, entry->val[0] & ~CONTEXT_DTE, 0);
		vtd_batch_context(&batch, 0, device->rids[i]);
	}
	spin_unlock_irqrestore(&unit->context_lock, flags);
	rc = vtd_batch_submit(&batch);
	vtd_device_told(device, rc);
	/* Only now: who still looks at its device TLB does so in vain, not wrongly */
	WRITE_ONCE(device->ats, false);
}
