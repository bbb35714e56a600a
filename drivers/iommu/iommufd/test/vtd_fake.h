/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VT-d unit for KUnit, whose door records what the driver does to it. It knows
 * nothing of what a unit does: tests put that in by hooks. (The model under
 * model/ is the opposite: it knows the specification and no driver.)
 */
#ifndef __IOMMUFD_VTD_FAKE_H
#define __IOMMUFD_VTD_FAKE_H

#include <kunit/test.h>

#include "../vtd/device.h"
#include "../vtd/unit.h"

#define VTD_FAKE_LOG_MAX	4096

/**
 * struct vtd_fake_entry - one descriptor that was submitted
 * @desc: the descriptor
 * @submit: number of its submission, from 0
 * @drain: the submission's drain
 */
struct vtd_fake_entry {
	struct qi_desc desc;
	unsigned int submit;
	bool drain;
};

/**
 * struct vtd_fake - the unit
 * @unit: for the driver; decoded from cap and ecap, no tables
 * @test: for failures
 * @lock: guards @log
 * @regs: 4 KiB of registers; a write stores, a read loads, but see @on_write
 * @log: descriptors in the order of submission
 * @num_log: how many
 * @num_submits: submissions so far
 * @cleans: calls of clean so far
 * @on_submit: returns what submit returns; before it is logged. Optional
 * @on_clean: called for each clean. Optional
 * @on_read: called before each read of 32 bits. Optional
 * @on_write: true: the write was dealt with, @regs is not changed. Optional
 * @hard: interrupt handlers, and
 * @thread: their threads
 * @irq_data: and their argument
 * @priv: the test's
 */
struct vtd_fake {
	struct vtd_unit unit;
	struct kunit *test;
	spinlock_t lock;
	u8 regs[4096];
	struct vtd_fake_entry *log;
	unsigned int num_log;
	unsigned int num_submits;
	unsigned int cleans;
	int (*on_submit)(struct vtd_fake *fake, const struct qi_desc *descs,
			 unsigned int num, bool drain);
	void (*on_clean)(struct vtd_fake *fake, void *addr, size_t size);
	void (*on_read)(struct vtd_fake *fake, unsigned int reg);
	bool (*on_write)(struct vtd_fake *fake, unsigned int reg,
			 unsigned int size, u64 val);
	irq_handler_t hard[2];
	irq_handler_t thread[2];
	void *irq_data[2];
	void *priv;
};

/*
 * Ecap without SMPWC and C makes the driver call clean after each store to a
 * table: a recorder of stores. Freed with the test.
 */
struct vtd_fake *vtd_fake_new(struct kunit *test, u64 cap, u64 ecap);
/* A device without struct device behind it; freed with the test. */
struct vtd_device *vtd_fake_device(struct vtd_fake *fake, u16 rid,
				   u32 max_pasids);
u32 vtd_fake_reg32(struct vtd_fake *fake, unsigned int reg);
u64 vtd_fake_reg64(struct vtd_fake *fake, unsigned int reg);
void vtd_fake_set64(struct vtd_fake *fake, unsigned int reg, u64 val);
void vtd_fake_set32(struct vtd_fake *fake, unsigned int reg, u32 val);
/* Run the handlers as the interrupt would. */
void vtd_fake_interrupt(struct vtd_fake *fake, enum vtd_irq which);
void vtd_fake_forget(struct vtd_fake *fake);

#endif
