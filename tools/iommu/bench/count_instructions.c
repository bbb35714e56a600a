// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU that counts each instruction a guest executes: where, and in which
 * stretch. A stretch begins when a program of the guest reads the time stamp counter,
 * and ends when one does so again; so a program that times its own system calls, as
 * iommu_bench does, needs not know of this. What the kernel does on behalf of somebody
 * else meanwhile is counted too.
 *
 *	cc -O2 -shared -fPIC -o count.so count_instructions.c
 *	qemu-system-x86_64 -plugin count.so,out=FILE ...
 *
 * One CPU, x86-64. FILE: "stretch INDEX ADDRESS TIMES" for each place where the counter
 * is read, in the order in which they were met; "at ADDRESS INDEX COUNT" for each
 * instruction of it. scripts/bench/profile.awk makes functions of the addresses.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

#define PUBLIC	__attribute__((visibility("default")))

PUBLIC int qemu_plugin_version = 4;

#define STRETCHES_MAX	4096
#define PLACES		0x200000U

/**
 * struct place - an instruction in a stretch
 * @address: of the instruction; 0: not used
 * @count: how often it was executed
 * @stretch: index
 */
struct place {
	uint64_t address;
	uint64_t count;
	unsigned int stretch;
};

/**
 * struct stretch - what begins with one reading of the counter
 * @address: of the instruction that reads it
 * @times: how often
 */
struct stretch {
	uint64_t address;
	uint64_t times;
};

/**
 * struct block - instructions that QEMU executes in one go
 * @num: how many
 * @addresses: of each
 */
struct block {
	size_t num;
	uint64_t addresses[];
};

static struct place *places;
static unsigned int num_places;
static struct stretch stretches[STRETCHES_MAX];
static unsigned int num_stretches;
static struct stretch *current;
static const char *out = "count.out";

static void give_up(const char *why)
{
	fprintf(stderr, "count_instructions: %s\n", why);
	exit(1);
}

static void count_one(unsigned int stretch, uint64_t address)
{
	uint64_t hash = (address ^ (uint64_t)stretch << 40) *
			0x9e3779b97f4a7c15ULL >> 32;

	for (;; hash++) {
		struct place *p = &places[hash % PLACES];

		if (!p->address) {
			if (++num_places > PLACES / 2)
				give_up("too many instructions");
			p->address = address;
			p->stretch = stretch;
		}
		if (p->address == address && p->stretch == stretch) {
			p->count++;
			return;
		}
	}
}

static void block_runs(unsigned int cpu, void *data)
{
	const struct block *b = data;
	size_t i;

	(void)cpu;
	if (!current)
		return;
	for (i = 0; i < b->num; i++)
		count_one((unsigned int)(current - stretches), b->addresses[i]);
}

static void counter_is_read(unsigned int cpu, void *data)
{
	(void)cpu;
	current = data;
	current->times++;
}

static struct stretch *stretch_at(uint64_t address)
{
	unsigned int i;

	for (i = 0; i < num_stretches; i++)
		if (stretches[i].address == address)
			return &stretches[i];
	if (i == STRETCHES_MAX)
		give_up("too many readings of the counter");
	stretches[i].address = address;
	num_stretches++;
	return &stretches[i];
}

/* rdtsc, in the lower half of the address space */
static bool begins_stretch(const struct qemu_plugin_insn *insn)
{
	unsigned char code[2] = {};

	qemu_plugin_insn_data(insn, code, sizeof(code));
	return code[0] == 0x0f && code[1] == 0x31 &&
	       !(qemu_plugin_insn_vaddr(insn) >> 47);
}

/* What is translated again is counted at the same places: the block is not kept. */
static void block_is_made(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t num = qemu_plugin_tb_n_insns(tb), i;
	struct block *b = malloc(sizeof(*b) + num * sizeof(b->addresses[0]));

	(void)id;
	if (!b)
		give_up("no memory");
	b->num = num;
	for (i = 0; i < num; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t at = qemu_plugin_insn_vaddr(insn);

		b->addresses[i] = at;
		if (begins_stretch(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(insn,
							       counter_is_read,
							       0,
							       stretch_at(at));
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_runs, 0, b);
}

static void write_out(plugin_id id, void *data)
{
	FILE *f = fopen(out, "w");
	unsigned int i;

	(void)id;
	(void)data;
	if (!f)
		give_up("the result cannot be written");
	for (i = 0; i < num_stretches; i++)
		fprintf(f, "stretch %u %016llx %llu\n", i,
			(unsigned long long)stretches[i].address,
			(unsigned long long)stretches[i].times);
	for (i = 0; i < PLACES; i++)
		if (places[i].address)
			fprintf(f, "at %016llx %u %llu\n",
				(unsigned long long)places[i].address,
				places[i].stretch,
				(unsigned long long)places[i].count);
	if (fclose(f))
		give_up("the result cannot be written");
}

PUBLIC int qemu_plugin_install(plugin_id id, const void *info, int argc,
			       char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
	places = calloc(PLACES, sizeof(*places));
	if (!places)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_is_made);
	qemu_plugin_register_atexit_cb(id, write_out, NULL);
	return 0;
}
