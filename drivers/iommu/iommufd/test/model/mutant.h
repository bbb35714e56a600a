/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mistakes that a model can be told to make, one at a time, to see that its tests
 * notice. What is the same for each model; the lists are vtd_mutants.h and
 * smmuv3_mutants.h, and each model's own header has the rest.
 *
 * They sit where the fact is defined that they get wrong: a named constant, or a
 * small function that decides one thing. None makes the unit write to an address
 * that its tables would not: what it writes to by mistake is somebody's memory.
 */
#ifndef __IOMMUFD_MODEL_MUTANT_H
#define __IOMMUFD_MODEL_MUTANT_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/moduleparam.h>
#include <linux/types.h>

/**
 * struct model_mutant - a mistake
 * @name: what it is called
 * @what: what it gets wrong: one line, with the section of the specification
 */
struct model_mutant {
	const char *name;
	const char *what;
};

/**
 * struct model_mutants - those of a model
 * @list: all; the first is none
 * @num: how many
 * @now: which it makes, of every unit
 */
struct model_mutants {
	const struct model_mutant *list;
	unsigned int num;
	unsigned int *now;
};

/* Of a parameter that names one of the &struct model_mutants that is its argument. */
extern const struct kernel_param_ops model_mutant_ops;

/* Bit @bit, or bit @wrong in its place */
#define MUT_BIT(name, bit, wrong)					\
	MUT(name, BIT_ULL(bit), BIT_ULL(wrong))

/* Bits @high to @low, or those from @wrong_high to @wrong_low */
#define MUT_MASK(name, high, low, wrong_high, wrong_low)		\
	MUT(name, GENMASK_ULL(high, low), GENMASK_ULL(wrong_high, wrong_low))

#endif
