/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of an SMMUv3 (IHI 0070 6.2, 6.3) and their fields, as far as more than
 * one file here needs them. Offsets are from the start of page 0; those of page 1
 * are at 64 KiB and above.
 */
#ifndef __IOMMUFD_SMMUV3_REGS_H
#define __IOMMUFD_SMMUV3_REGS_H

#include <linux/bitfield.h>
#include <linux/bits.h>

/* What of each page is the architecture's; behind it may be somebody else's */
#define SMMU_PAGE_SIZE			0x10000
#define SMMU_PAGE_USED			0xe00

/* 6.3.1 to 6.3.6: what the unit can do */
#define SMMU_IDR(n)			(0x00 + 4 * (n))
#define SMMU_IDR0			SMMU_IDR(0)
#define SMMU_IDR0_S2P			BIT(0)
#define SMMU_IDR0_S1P			BIT(1)
#define SMMU_IDR0_TTF			GENMASK(3, 2)
#define SMMU_IDR0_TTF_AARCH32		BIT(2)
#define SMMU_IDR0_TTF_AARCH64		BIT(3)
#define SMMU_IDR0_COHACC		BIT(4)
#define SMMU_IDR0_BTM			BIT(5)
#define SMMU_IDR0_HTTU			GENMASK(7, 6)
#define SMMU_IDR0_HYP			BIT(9)
#define SMMU_IDR0_ATS			BIT(10)
#define SMMU_IDR0_ASID16		BIT(12)
#define SMMU_IDR0_MSI			BIT(13)
#define SMMU_IDR0_SEV			BIT(14)
#define SMMU_IDR0_PRI			BIT(16)
#define SMMU_IDR0_VMID16		BIT(18)
#define SMMU_IDR0_CD2L			BIT(19)
#define SMMU_IDR0_TTENDIAN		GENMASK(22, 21)
#define SMMU_IDR0_TTENDIAN_MIXED	0
#define SMMU_IDR0_TTENDIAN_LITTLE	2
#define SMMU_IDR0_TTENDIAN_BIG		3
#define SMMU_IDR0_STALL_MODEL		GENMASK(25, 24)
#define SMMU_IDR0_STALL_BOTH		0
#define SMMU_IDR0_STALL_NEVER		1
#define SMMU_IDR0_STALL_ALWAYS		2
#define SMMU_IDR0_TERM_MODEL		BIT(26)
#define SMMU_IDR0_ST_LEVEL		GENMASK(28, 27)
#define SMMU_IDR0_ST_LEVEL_TWO		1

#define SMMU_IDR1			SMMU_IDR(1)
#define SMMU_IDR1_SIDSIZE		GENMASK(5, 0)
#define SMMU_IDR1_SSIDSIZE		GENMASK(10, 6)
#define SMMU_IDR1_PRIQS			GENMASK(15, 11)
#define SMMU_IDR1_EVENTQS		GENMASK(20, 16)
#define SMMU_IDR1_CMDQS			GENMASK(25, 21)
#define SMMU_IDR1_ATTR_TYPES_OVR	BIT(27)
#define SMMU_IDR1_REL			BIT(28)
#define SMMU_IDR1_QUEUES_PRESET		BIT(29)
#define SMMU_IDR1_TABLES_PRESET		BIT(30)

#define SMMU_IDR3			SMMU_IDR(3)
#define SMMU_IDR3_FWB			BIT(8)
#define SMMU_IDR3_RIL			BIT(10)

#define SMMU_IDR5			SMMU_IDR(5)
#define SMMU_IDR5_OAS			GENMASK(2, 0)
#define SMMU_IDR5_GRAN4K		BIT(4)
#define SMMU_IDR5_GRAN16K		BIT(5)
#define SMMU_IDR5_GRAN64K		BIT(6)
#define SMMU_IDR5_VAX			GENMASK(11, 10)
#define SMMU_IDR5_VAX_52		1
#define SMMU_IDR5_STALL_MAX		GENMASK(31, 16)

/* 6.3.7, 6.3.8: which implementation, which architecture revision */
#define SMMU_IIDR			0x18
#define SMMU_IIDR_IMPLEMENTER		GENMASK(11, 0)
#define SMMU_IIDR_VARIANT		GENMASK(19, 16)
#define SMMU_IIDR_PRODUCT		GENMASK(31, 20)
#define SMMU_AIDR			0x1c

/* 6.3.9, 6.3.10: what is on; the other says what of it the unit has taken */
#define SMMU_CR0			0x20
#define SMMU_CR0ACK			0x24
#define SMMU_CR0_SMMUEN			BIT(0)
#define SMMU_CR0_PRIQEN			BIT(1)
#define SMMU_CR0_EVENTQEN		BIT(2)
#define SMMU_CR0_CMDQEN			BIT(3)
#define SMMU_CR0_ATSCHK			BIT(4)

/* 6.3.11: attributes of the unit's own accesses to queues and tables */
#define SMMU_CR1			0x28
#define SMMU_CR1_QUEUE_IC		GENMASK(1, 0)
#define SMMU_CR1_QUEUE_OC		GENMASK(3, 2)
#define SMMU_CR1_QUEUE_SH		GENMASK(5, 4)
#define SMMU_CR1_TABLE_IC		GENMASK(7, 6)
#define SMMU_CR1_TABLE_OC		GENMASK(9, 8)
#define SMMU_CR1_TABLE_SH		GENMASK(11, 10)
#define SMMU_CR1_NON_CACHEABLE		0
#define SMMU_CR1_WRITE_BACK		1
#define SMMU_CR1_NON_SHAREABLE		0
#define SMMU_CR1_OUTER_SHAREABLE	2
#define SMMU_CR1_INNER_SHAREABLE	3

/* 6.3.12 */
#define SMMU_CR2			0x2c
#define SMMU_CR2_E2H			BIT(0)
#define SMMU_CR2_RECINVSID		BIT(1)
#define SMMU_CR2_PTM			BIT(2)

/* 6.3.14: what becomes of DMA while SMMUEN is off */
#define SMMU_GBPA			0x44
#define SMMU_GBPA_ABORT			BIT(20)
#define SMMU_GBPA_UPDATE		BIT(31)

/* 6.3.16, 6.3.17: interrupts */
#define SMMU_IRQ_CTRL			0x50
#define SMMU_IRQ_CTRLACK		0x54
#define SMMU_IRQ_CTRL_GERROR		BIT(0)
#define SMMU_IRQ_CTRL_PRIQ		BIT(1)
#define SMMU_IRQ_CTRL_EVENTQ		BIT(2)

/* 6.3.18, 6.3.19: an error is active where the two differ */
#define SMMU_GERROR			0x60
#define SMMU_GERRORN			0x64
#define SMMU_GERROR_CMDQ		BIT(0)
#define SMMU_GERROR_EVENTQ_ABORT	BIT(2)
#define SMMU_GERROR_PRIQ_ABORT		BIT(3)
#define SMMU_GERROR_MSI_CMDQ_ABORT	BIT(4)
#define SMMU_GERROR_MSI_EVENTQ_ABORT	BIT(5)
#define SMMU_GERROR_MSI_PRIQ_ABORT	BIT(6)
#define SMMU_GERROR_MSI_GERROR_ABORT	BIT(7)
#define SMMU_GERROR_SFM			BIT(8)

/* 6.3.20 to 6.3.22, 6.3.31 to 6.3.33, 6.3.37 to 6.3.39: where MSIs go */
#define SMMU_GERROR_IRQ_CFG0		0x68
#define SMMU_GERROR_IRQ_CFG1		0x70
#define SMMU_GERROR_IRQ_CFG2		0x74
#define SMMU_EVENTQ_IRQ_CFG0		0xb0
#define SMMU_EVENTQ_IRQ_CFG1		0xb8
#define SMMU_EVENTQ_IRQ_CFG2		0xbc
#define SMMU_PRIQ_IRQ_CFG0		0xd0
#define SMMU_PRIQ_IRQ_CFG1		0xd8
#define SMMU_PRIQ_IRQ_CFG2		0xdc
#define SMMU_IRQ_CFG0_ADDR		GENMASK_ULL(51, 2)
/* Device-nGnRE, as an MSI is a write to a device */
#define SMMU_IRQ_CFG2_MEMATTR		GENMASK(3, 0)
#define SMMU_IRQ_CFG2_DEVICE		1

/* 6.3.23, 6.3.24: stream table */
#define SMMU_STRTAB_BASE		0x80
#define SMMU_STRTAB_BASE_ADDR		GENMASK_ULL(51, 6)
#define SMMU_STRTAB_BASE_RA		BIT_ULL(62)
#define SMMU_STRTAB_BASE_CFG		0x88
#define SMMU_STRTAB_CFG_LOG2SIZE	GENMASK(5, 0)
#define SMMU_STRTAB_CFG_SPLIT		GENMASK(10, 6)
#define SMMU_STRTAB_CFG_FMT		GENMASK(17, 16)
#define SMMU_STRTAB_CFG_FMT_LINEAR	0
#define SMMU_STRTAB_CFG_FMT_TWO_LEVEL	1

/*
 * 3.5, 6.3.25 to 6.3.30, 6.3.34 to 6.3.36: queues. Who writes a queue keeps PROD,
 * who reads it CONS. Both count modulo twice the number of entries: the bit above
 * the index is the wrap bit.
 */
#define SMMU_CMDQ_BASE			0x90
#define SMMU_CMDQ_PROD			0x98
#define SMMU_CMDQ_CONS			0x9c
#define SMMU_EVENTQ_BASE		0xa0
#define SMMU_EVENTQ_PROD		0x100a8
#define SMMU_EVENTQ_CONS		0x100ac
#define SMMU_PRIQ_BASE			0xc0
#define SMMU_PRIQ_PROD			0x100c8
#define SMMU_PRIQ_CONS			0x100cc
#define SMMU_QUEUE_BASE_LOG2SIZE	GENMASK_ULL(4, 0)
#define SMMU_QUEUE_BASE_ADDR		GENMASK_ULL(51, 5)
/* Hints: read allocate (command queue), write allocate (the others) */
#define SMMU_QUEUE_BASE_RA		BIT_ULL(62)
#define SMMU_QUEUE_BASE_WA		BIT_ULL(62)
/* PROD and CONS: index and wrap bit */
#define SMMU_QUEUE_POS			GENMASK(19, 0)
/* PROD: toggled when records were lost; CONS: what of that was seen (7.4) */
#define SMMU_QUEUE_OVERFLOW		BIT(31)
/* CMDQ_CONS: why the unit stopped (7.1), valid while GERROR.CMDQ_ERR is active */
#define SMMU_CMDQ_CONS_ERR		GENMASK(30, 24)
#define SMMU_CERROR_NONE		0
#define SMMU_CERROR_ILL			1
#define SMMU_CERROR_ABT			2
#define SMMU_CERROR_ATC_INV_SYNC	3

#endif
