// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 2 tables for units with S2FWB: memory is Write-Back whatever a guest's stage 1
 * says (Arm ARM DDI 0487, D8.6.6; IHI 0070, 5.2, STE.S2FWB). The memory attributes
 * of such a table are encoded in a way that io-pgtable does not know of.
 *
 * It looks to the rest like one of io-pgtable's. Map and unmap of ranges that do not
 * overlap may run at once, so a table is installed by compare and exchange; nobody
 * else is in the range of a leaf or table that is taken out. There is no lock.
 *
 * The walk is coherent, the granule is PAGE_SIZE, and addresses have 48 bits at most.
 */
#include <linux/bitfield.h>
#include <linux/io-pgtable.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../../iommu-pages.h"
#include "domain.h"

/* Descriptors (DDI 0487, D8.3) */
#define DESC_VALID		BIT_ULL(0)
/* Of a table, and of a page at the last level; not of a block */
#define DESC_TYPE		BIT_ULL(1)
#define DESC_READ		BIT_ULL(6)
#define DESC_WRITE		BIT_ULL(7)
#define DESC_INNER_SHAREABLE	GENMASK_ULL(9, 8)
#define DESC_AF			BIT_ULL(10)
#define DESC_XN			BIT_ULL(54)
#define DESC_ADDR		GENMASK_ULL(47, PAGE_SHIFT)
/* MemAttr with S2FWB: force Write-Back; Device-nGnRE */
#define DESC_MEMATTR		GENMASK_ULL(5, 2)
#define MEMATTR_FORCE_WB	6
#define MEMATTR_DEVICE		1

#define LEVEL_BITS		(PAGE_SHIFT - 3)
#define LAST_LEVEL		3
#define ADDR_BITS_MAX		48
/* Tables of the first level that may stand side by side (D8.2.2) */
#define CONCAT_BITS_MAX		4

static const size_t granule = PAGE_SIZE;

/**
 * struct stage2 - a table
 * @ops: for the rest
 * @domain: whose it is
 * @ias: bits of an input address
 * @start: first level
 * @root_bits: address bits that the root takes
 * @root: the root
 */
struct stage2 {
	struct io_pgtable_ops ops;
	struct smmuv3_domain *domain;
	unsigned int ias;
	unsigned int start;
	unsigned int root_bits;
	u64 *root;
};

static struct stage2 *to_stage2(struct io_pgtable_ops *ops)
{
	return container_of(ops, struct stage2, ops);
}

static unsigned int level_shift(unsigned int level)
{
	return PAGE_SHIFT + (LAST_LEVEL - level) * LEVEL_BITS;
}

static u64 level_size(unsigned int level)
{
	return BIT_ULL(level_shift(level));
}

static unsigned int num_entries(const struct stage2 *s2, unsigned int level)
{
	return BIT(level == s2->start ? s2->root_bits : LEVEL_BITS);
}

static unsigned int entry_index(const struct stage2 *s2, u64 iova,
				unsigned int level)
{
	return (iova >> level_shift(level)) & (num_entries(s2, level) - 1);
}

static bool is_leaf(u64 desc, unsigned int level)
{
	return (desc & DESC_VALID) &&
	       (level == LAST_LEVEL || !(desc & DESC_TYPE));
}

static u64 *table_of(u64 desc)
{
	return phys_to_virt(desc & DESC_ADDR);
}

/* The level whose leaves have this size, or 0 if there is none. */
static unsigned int leaf_level(const struct stage2 *s2, size_t size)
{
	unsigned int level;

	if (!(size & s2->domain->pgtbl_cfg.pgsize_bitmap))
		return 0;
	for (level = LAST_LEVEL; level > 0; level--)
		if (level_size(level) == size)
			return level;
	return 0;
}

static void free_table(const struct stage2 *s2, u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; level < LAST_LEVEL && i < num_entries(s2, level); i++)
		if (table[i] && !is_leaf(table[i], level))
			free_table(s2, table_of(table[i]), level + 1);
	smmuv3_domain_free_table(s2->domain, table,
				 get_order(num_entries(s2, level) *
					   sizeof(*table)));
}

static bool is_empty(const struct stage2 *s2, const u64 *table,
		     unsigned int level)
{
	unsigned int i;

	for (i = 0; i < num_entries(s2, level); i++)
		if (table[i] && (is_leaf(table[i], level) ||
				 !is_empty(s2, table_of(table[i]), level + 1)))
			return false;
	return true;
}

/* Take a table out, which was for one entry from @iova on. */
static void drop_table(const struct stage2 *s2, u64 *entry, u64 iova,
		       unsigned int level)
{
	u64 desc = *entry;

	WRITE_ONCE(*entry, 0);
	smmuv3_domain_flush_walks(s2->domain, iova,
				  iova + level_size(level) - 1, PAGE_SIZE);
	free_table(s2, table_of(desc), level + 1);
}

/* The table below @entry, made if there is none. */
static u64 *enter_make(u64 *entry, gfp_t gfp)
{
	u64 desc = READ_ONCE(*entry);
	u64 *table;

	if (desc)
		return desc & DESC_TYPE ? table_of(desc) : ERR_PTR(-EEXIST);
	table = iommu_alloc_page(gfp);
	if (!table)
		return ERR_PTR(-ENOMEM);
	/* Zeroes before the pointer to them; the exchange is a full barrier */
	if (try_cmpxchg64(entry, &desc,
			  virt_to_phys(table) | DESC_TYPE | DESC_VALID))
		return table;
	iommu_free_page(table);
	return desc & DESC_TYPE ? table_of(desc) : ERR_PTR(-EEXIST);
}

/* The entry of @level for @iova, with all above it made. */
static u64 *walk_make(struct stage2 *s2, u64 iova, unsigned int level,
		      gfp_t gfp)
{
	u64 *table = s2->root;
	unsigned int at;

	for (at = s2->start; at < level; at++) {
		table = enter_make(&table[entry_index(s2, iova, at)], gfp);
		if (IS_ERR(table))
			return table;
	}
	return &table[entry_index(s2, iova, level)];
}

static u64 leaf_bits(unsigned int level, int prot)
{
	u64 desc = DESC_VALID | DESC_AF | DESC_INNER_SHAREABLE;

	if (level == LAST_LEVEL)
		desc |= DESC_TYPE;
	if (prot & IOMMU_READ)
		desc |= DESC_READ;
	if (prot & IOMMU_WRITE)
		desc |= DESC_WRITE;
	if (prot & IOMMU_NOEXEC)
		desc |= DESC_XN;
	return desc | FIELD_PREP(DESC_MEMATTR, prot & IOMMU_MMIO ?
						       MEMATTR_DEVICE :
						       MEMATTR_FORCE_WB);
}

/* Bounds are the caller's. Leaves what is in *@mapped in place on failure. */
static int stage2_map(struct io_pgtable_ops *ops, unsigned long iova,
		      phys_addr_t paddr, size_t pgsize, size_t pgcount,
		      int prot, gfp_t gfp, size_t *mapped)
{
	struct stage2 *s2 = to_stage2(ops);
	unsigned int level = leaf_level(s2, pgsize);
	u64 *entry, bits;

	if (!level || !IS_ALIGNED(iova | paddr, pgsize) ||
	    !(prot & (IOMMU_READ | IOMMU_WRITE)))
		return -EINVAL;
	bits = leaf_bits(level, prot);
	while (pgcount--) {
		entry = walk_make(s2, iova, level, gfp);
		if (IS_ERR(entry))
			return PTR_ERR(entry);
		if (*entry) {
			if (is_leaf(*entry, level) ||
			    !is_empty(s2, table_of(*entry), level + 1))
				return -EEXIST;
			drop_table(s2, entry, iova, level);
		}
		WRITE_ONCE(*entry, bits | paddr);
		*mapped += pgsize;
		iova += pgsize;
		paddr += pgsize;
	}
	/* Before anybody is told to use it */
	dma_wmb();
	return 0;
}

/* The entry of @level for @iova, or NULL if the walk ends above. */
static u64 *walk(struct stage2 *s2, u64 iova, unsigned int level)
{
	u64 desc, *table = s2->root;
	unsigned int at;

	for (at = s2->start; at < level; at++) {
		desc = READ_ONCE(table[entry_index(s2, iova, at)]);
		if (!desc || is_leaf(desc, at))
			return NULL;
		table = table_of(desc);
	}
	return &table[entry_index(s2, iova, level)];
}

/*
 * Stops at the first address without a leaf, and at a leaf that reaches beyond: that
 * would have to be broken before smaller ones take its place, under DMA. Whoever
 * wants to cut what is mapped maps small pages (IOMMU_OPTION_HUGE_PAGES).
 */
static size_t stage2_unmap(struct io_pgtable_ops *ops, unsigned long iova,
			   size_t pgsize, size_t pgcount,
			   struct iommu_iotlb_gather *gather)
{
	struct stage2 *s2 = to_stage2(ops);
	unsigned int level = leaf_level(s2, pgsize);
	size_t done = 0;
	u64 *entry;

	if (!level || !IS_ALIGNED(iova, pgsize))
		return 0;
	for (; pgcount--; done += pgsize) {
		entry = walk(s2, iova + done, level);
		if (!entry || !*entry)
			break;
		if (is_leaf(*entry, level))
			WRITE_ONCE(*entry, 0);
		else
			drop_table(s2, entry, iova + done, level);
		if (!iommu_iotlb_gather_queued(gather))
			iommu_iotlb_gather_add_page(&s2->domain->domain, gather,
						    iova + done, pgsize);
	}
	return done;
}

static phys_addr_t stage2_iova_to_phys(struct io_pgtable_ops *ops,
				       unsigned long iova)
{
	struct stage2 *s2 = to_stage2(ops);
	const u64 *table = s2->root;
	unsigned int level;

	for (level = s2->start; level <= LAST_LEVEL; level++) {
		u64 desc = READ_ONCE(table[entry_index(s2, iova, level)]);

		if (!desc)
			return 0;
		if (is_leaf(desc, level))
			return (desc & DESC_ADDR & ~(level_size(level) - 1)) |
			       (iova & (level_size(level) - 1));
		table = table_of(desc);
	}
	return 0;
}

/* S2PS and IPS (5.2, 5.4) */
static int encode_size(unsigned int bits)
{
	static const u8 sizes[] = { 32, 36, 40, 42, 44, 48 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (sizes[i] == bits)
			return i;
	return -EINVAL;
}

/* Write-Back and inner shareable, as the walk is coherent (5.2, S2IR0, S2SH0). */
#define WALK_WRITE_BACK		1
#define WALK_INNER		3

static unsigned int encode_granule(void)
{
	return granule == SZ_4K ? 0 : granule == SZ_64K ? 1 : 2;
}

/* S2SL0 counts up from the lowest level that may be first (5.2). */
static unsigned int encode_start(unsigned int start)
{
	return (granule == SZ_4K ? 2 : 3) - start;
}

static void fill_config(const struct stage2 *s2, struct io_pgtable_cfg *cfg)
{
	cfg->arm_lpae_s2_cfg.vttbr = virt_to_phys(s2->root);
	cfg->arm_lpae_s2_cfg.vtcr.tsz = 64 - s2->ias;
	cfg->arm_lpae_s2_cfg.vtcr.sl = encode_start(s2->start);
	cfg->arm_lpae_s2_cfg.vtcr.irgn = WALK_WRITE_BACK;
	cfg->arm_lpae_s2_cfg.vtcr.orgn = WALK_WRITE_BACK;
	cfg->arm_lpae_s2_cfg.vtcr.sh = WALK_INNER;
	cfg->arm_lpae_s2_cfg.vtcr.tg = encode_granule();
	cfg->arm_lpae_s2_cfg.vtcr.ps = encode_size(cfg->oas);
}

/**
 * smmuv3_stage2_possible() - can a unit have tables with S2FWB?
 * @caps: of the unit
 *
 * Return: whether smmuv3_stage2_alloc() makes one for it.
 */
bool smmuv3_stage2_possible(const struct smmuv3_caps *caps)
{
	return caps->stage2 && caps->s2fwb && caps->coherent &&
	       (caps->granules & PAGE_SIZE) && caps->ias <= ADDR_BITS_MAX &&
	       encode_size(caps->oas) >= 0;
}

/**
 * smmuv3_stage2_shape() - how many levels a table has, and how large its root is
 * @page_shift: log2 of the granule
 * @ias: bits of an input address, 32 to 48; no fewer than the unit puts out
 * @shape: filled in
 *
 * Up to 16 tables of the first level may stand side by side (D8.2.2), which saves a
 * level. With 4 KiB it saves level 0, and with 16 KiB level 1, where they are not for
 * address spaces as small: these must not be first below 44 and 42 bits of physical
 * addresses. With 16 KiB level 0 has to go in any case.
 */
void smmuv3_stage2_shape(unsigned int page_shift, unsigned int ias,
			 struct smmuv3_stage2_shape *shape)
{
	unsigned int level_bits = page_shift - 3, bits = ias - page_shift;
	unsigned int levels = DIV_ROUND_UP(bits, level_bits);

	shape->start = LAST_LEVEL + 1 - levels;
	shape->root_bits = bits - (levels - 1) * level_bits;
	if (shape->root_bits <= CONCAT_BITS_MAX &&
	    (!shape->start || (shape->start == 1 && page_shift == 14))) {
		shape->start++;
		shape->root_bits += level_bits;
	}
}

/**
 * smmuv3_stage2_alloc() - an empty table for a domain with S2FWB
 * @domain: with its unit, for which smmuv3_stage2_possible()
 * @cfg: the domain's; ias, oas and pgsize_bitmap are filled in, and come back as the
 *	table has them, with what an STE has to say of it
 *
 * May sleep.
 *
 * Return: the table, for smmuv3_stage2_free(); NULL without memory.
 */
struct io_pgtable_ops *smmuv3_stage2_alloc(struct smmuv3_domain *domain,
					   struct io_pgtable_cfg *cfg)
{
	struct stage2 *s2 = kzalloc(sizeof(*s2), GFP_KERNEL_ACCOUNT);
	struct smmuv3_stage2_shape shape;

	if (!s2)
		return NULL;
	smmuv3_stage2_shape(PAGE_SHIFT, cfg->ias, &shape);
	s2->domain = domain;
	s2->ias = cfg->ias;
	s2->start = shape.start;
	s2->root_bits = shape.root_bits;
	s2->root = iommu_alloc_pages(GFP_KERNEL_ACCOUNT,
				     get_order(sizeof(u64) << s2->root_bits));
	if (!s2->root) {
		kfree(s2);
		return NULL;
	}
	s2->ops.map_pages = stage2_map;
	s2->ops.unmap_pages = stage2_unmap;
	s2->ops.iova_to_phys = stage2_iova_to_phys;
	cfg->pgsize_bitmap &= PAGE_SIZE | level_size(2) |
			      (granule == SZ_4K ? level_size(1) : 0);
	fill_config(s2, cfg);
	return &s2->ops;
}

/**
 * smmuv3_stage2_free() - free a table
 * @ops: from smmuv3_stage2_alloc(); no unit refers to it
 */
void smmuv3_stage2_free(struct io_pgtable_ops *ops)
{
	struct stage2 *s2 = to_stage2(ops);

	free_table(s2, s2->root, s2->start);
	kfree(s2);
}
