// SPDX-License-Identifier: GPL-2.0-only
/* What a remapping unit can do. */
#include "unit.h"

/* Bits that drivers/iommu/intel/iommu.h has no name for. */
#define ECAP_SNOOP_CONTROL	BIT_ULL(7)

/**
 * vtd_caps_decode() - read the capability registers
 * @caps: filled in, whole
 * @cap: capability register (11.4.2)
 * @ecap: extended capability register (11.4.3)
 *
 * A unit that has SMPWC snoops scalable-mode tables and page tables. For the
 * tables it has to have C as well: the specification speaks of both, and a cache
 * line too many written back does no harm.
 */
void vtd_caps_decode(struct vtd_caps *caps, u64 cap, u64 ecap)
{
	unsigned int sagaw = cap_sagaw(cap);

	*caps = (struct vtd_caps){
		.mgaw = cap_mgaw(cap),
		.num_dids = min(cap_ndoms(cap), 1UL << 16),
		.max_mask = cap_max_amask_val(cap),
		/* SAGAW: bit 1 is 39 bits, three levels */
		.ss_levels = (sagaw << 2) & (BIT(3) | BIT(4) | BIT(5)),
		.pasid_bits = ecap_smts(ecap) && ecap_pasid(ecap) ?
				      min(ecap_pss(ecap) + 1, 20U) : 0,
		.ss_2m = cap_super_page_val(cap) & BIT(0),
		.ss_1g = cap_super_page_val(cap) & BIT(1),
		.fs_5level = cap_fl5lp_support(cap),
		.fs_1g = cap_fl1gp_support(cap),
		.page_selective = cap_pgsel_inv(cap),
		.read_drain = cap_read_drain(cap),
		.write_drain = cap_write_drain(cap),
		.caching_mode = cap_caching_mode(cap),
		.write_buffer = cap_rwbf(cap),
		.coherent_tables = ecap_coherent(ecap) && ecap_smpwc(ecap),
		.coherent_walks = ecap_smpwc(ecap),
		.snoop_control = ecap & ECAP_SNOOP_CONTROL,
		.second_stage = ecap_slts(ecap),
		.first_stage = ecap_flts(ecap),
		.nested = ecap_nest(ecap) && ecap_slts(ecap) &&
			  ecap_flts(ecap),
		.pass_through = ecap_pass_through(ecap),
		.device_tlb = ecap_dev_iotlb_support(ecap),
		.throttle = ecap_dit(ecap),
		.page_requests = ecap_prs(ecap),
		.drain = ecap_pds(ecap),
		.supervisor = ecap_srs(ecap),
		.execute = ecap_ers(ecap),
		.extended_access = ecap_eafs(ecap),
		.no_write_flag = ecap_nwfs(ecap),
		/* Accessed and dirty bits are written by atomic updates */
		.dirty = ecap_slads(ecap) && ecap_smpwc(ecap),
	};
}
