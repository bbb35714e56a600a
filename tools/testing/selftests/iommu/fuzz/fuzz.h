/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of iommu_fuzz. A call is data: which command, and for each member a number
 * or what an earlier call has returned. So a sequence of calls can be made from a seed
 * (gen.c), run (run.c), or printed as a program (print.c); what there is to call is in
 * abi.c and test_abi.c, what of the kernel was reached in cover.c.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <linux/types.h>

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

#define MEMBERS		16
#define ELEMENTS	6
#define ELEMENT_MEMBERS	6
#define CALLS_MAX	128
#define LINEAGE_MAX	16

/* What a member is, and so what values are worth trying. @arg says more. */
enum member_kind {
	M_END,
	M_SIZE,			/* of the structure */
	M_ZERO,
	M_CONST,		/* @arg */
	M_BITS,			/* any of @arg */
	M_UPTO,			/* 0 to @arg */
	M_ONE_OF,		/* @set, which begins with how many it has */
	M_ID,			/* of one of the kinds in @arg, 8 bits each */
	M_OUT,			/* returned: of kind @arg, or nothing to remember */
	M_VA,
	M_LENGTH,
	M_IOVA,
	M_OFFSET,
	M_PASID,
	M_DATA,			/* address of elements: @set, indices of layouts */
	M_DATA2,
	M_TYPE,			/* those of M_DATA: their type, how many, bytes of one, of all */
	M_COUNT,
	M_COUNT2,
	M_ELEMENT,
	M_BYTES,
	M_ANY,
};

struct member {
	const char *name;
	unsigned short at;
	unsigned char bytes;
	unsigned char kind;
	__u64 arg;
	const __u64 *set;
};

/* What an argument of a command may point to */
struct layout {
	const char *name;	/* struct NAME, or NULL: __u64 or __u32 */
	unsigned int size;
	__u64 type;
	struct member m[ELEMENT_MEMBERS + 1];
};

#define OP_CALL		(1U << 0)	/* not an ioctl: fz_NAME(members) */
#define OP_TEST		(1U << 1)	/* of the mock */
#define OP_KEEPS	(1U << 2)	/* changes nothing if it fails */
#define OP_BUSY		(1U << 3)	/* starts what goes on by itself */
#define OP_RARE		(1U << 4)	/* its number comes out seldom */
#define OP_VFIO		(1U << 5)
#define OP_CHILD	(1U << 6)

struct op {
	const char *name;
	const char *type;	/* of the structure; what is behind "struct" */
	unsigned long nr;
	unsigned int size;
	unsigned int weight;
	unsigned int flags;
	unsigned int out;	/* OP_CALL: kind of what it returns */
	const int *errnos;	/* beside those that every command has; ends with 0 */
	struct member m[MEMBERS + 1];
};

extern const struct layout layouts[];
extern const struct op abi_ops[], test_ops[], other_ops[];
extern const unsigned int abi_ops_num, test_ops_num, other_ops_num;

/* All of them behind each other, and how many */
const struct op *op_at(unsigned int index);
unsigned int op_count(void);

/**
 * struct value - what a member gets
 * @v: a number; or which of the ids of kind @kind
 * @kind: R_NONE: a number
 */
struct value {
	__u64 v;
	unsigned char kind;
};

/**
 * struct call - a call
 * @op: index for op_at()
 * @fd: the open /dev/iommu, a number of R_CTX
 * @out: number that what it returns gets among the ids of its kind
 * @how: enum fz_how
 * @nth: which step of it is to fail, 0: none
 * @layout: of what it points to; -1: the address is a number as others
 * @num: elements there
 * @m: of its structure
 * @e: of the elements
 */
struct call {
	unsigned short op;
	unsigned char fd;
	unsigned char out;
	unsigned char how;
	unsigned char nth;
	signed char layout[2];
	unsigned char num[2];
	struct value m[MEMBERS];
	struct value e[2][ELEMENTS][ELEMENT_MEMBERS];
};

/**
 * struct sequence - calls, and how they came to be
 * @seed: the first made it from nothing, each other changed it
 * @seeds: how many
 * @begun: calls that other threads wait for: they make what most calls need
 */
struct sequence {
	__u64 seed[LINEAGE_MAX];
	unsigned int seeds;
	unsigned int begun;
	unsigned int num;
	struct call call[CALLS_MAX];
};

/* gen.c */
__u64 mix(__u64 a, __u64 b);
/* From @s->seed alone; @thread: each makes another one of it. */
void sequence_make(struct sequence *s, unsigned int thread);
int sequence_name(const struct sequence *s, char *text, size_t room);
bool sequence_from_name(struct sequence *s, const char *text);

/* run.c */
struct run_stats {
	unsigned long calls;
	unsigned long ok;
	unsigned long failed;
	unsigned long injected;
	unsigned long faults;
	unsigned long bad;
	unsigned long per_op[128];
	unsigned long ok_op[128];
	unsigned long errno_op[128][136];
	unsigned long us_op[128];
};

/**
 * struct runner - a thread with a sequence
 * @thread: number
 * @alone: nobody else uses the same ids
 * @busy: a device does something by itself
 * @ready: the first thread has begun
 * @verbose: print each call before it is made
 * @label: shown by ps and by the kernel in whatever it reports
 */
struct runner {
	const struct sequence *s;
	unsigned int thread;
	bool alone;
	bool busy;
	bool *ready;
	bool verbose;
	char label[16];
	struct run_stats *stats;
};

/* In a new process: memory, and ids of nothing */
int run_setup(unsigned int threads);
void run_sequence(struct runner *r);
/* All that a call needs, in memory of the current thread. */
void call_fill(const struct call *c, void *cmd);

/* For what is no command: is a step inside to fail? */
bool call_fails(const struct call *c);

/* print.c */
void print_call(FILE *f, const struct call *c);
void print_program(FILE *f, const struct sequence *s);

/* cover.c */
bool cover_open(void);
void cover_start(void);
/* Of what ran since cover_start(), in this process or a child: anything new? */
unsigned int cover_collect(void);
unsigned int cover_distinct(void);
/* All of the buffer is there, or who calls is sent a SIGBUS. */
void cover_touch(void);

#endif
