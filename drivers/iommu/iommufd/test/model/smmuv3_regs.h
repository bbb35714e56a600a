/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers of the SMMUv3 model (6.2, 6.3). */
#ifndef __IOMMUFD_MODEL_SMMUV3_REGS_H
#define __IOMMUFD_MODEL_SMMUV3_REGS_H

#include "smmuv3_internal.h"

/* Registers of page 0; those of page 1 are 64 KiB on (6.2) */
#define IDR0			0x00
#define IDR1			0x04
#define IDR2			0x08
#define IDR3			0x0c
#define IDR4			0x10
#define IDR5			0x14
#define IIDR			0x18
#define AIDR			0x1c
#define CR0			0x20
#define CR0ACK			0x24
#define CR1			0x28
#define CR2			0x2c
#define STATUSR			0x40
#define GBPA			0x44
#define IRQ_CTRL		0x50
#define IRQ_CTRLACK		0x54
#define GERROR			0x60
#define GERRORN			0x64
#define GERROR_IRQ		0x68
#define STRTAB_BASE		0x80
#define STRTAB_BASE_CFG		0x88
#define CMDQ_BASE		0x90
#define CMDQ_PROD		0x98
#define CMDQ_CONS		0x9c
#define EVENTQ_BASE		0xa0
#define EVENTQ_PROD		0x100a8
#define EVENTQ_CONS		0x100ac
#define EVENTQ_IRQ		0xb0
#define PRIQ_BASE		0xc0
#define PRIQ_PROD		0x100c8
#define PRIQ_CONS		0x100cc
#define PRIQ_IRQ		0xd0

/* smmuv3_regs.c */
bool smmuv3_reg_access_ok(u32 offset, unsigned int size);

#endif
