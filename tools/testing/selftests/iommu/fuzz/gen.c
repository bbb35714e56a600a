// SPDX-License-Identifier: GPL-2.0
/*
 * Sequences from seeds. Nothing else goes into them: the same seed makes the same calls
 * on every machine, and what a call needs of an earlier one is named, not known.
 */
#include "calls.h"
#include "fuzz.h"
#include "members.h"

#define IOVA	0x1000000UL

struct range {
	__u64 iova;
	__u64 length;
};

/**
 * struct gen - what makes a sequence
 * @state: of the generator of numbers
 * @made: ids of each kind that calls so far should have returned, a bit each
 * @mapped: ranges that have been mapped, so that other calls meet them
 * @focus: that which this call is about
 * @failing: some calls are to fail inside
 * @tame: nothing odd for now
 */
struct gen {
	__u64 state;
	unsigned char made[R_KINDS];
	struct range mapped[4];
	struct range focus;
	unsigned int maps;
	bool failing;
	bool tame;
	struct sequence *s;
};

__u64 mix(__u64 a, __u64 b)
{
	__u64 z = a + 0x9e3779b97f4a7c15ULL * (b + 1);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static __u64 rnd64(struct gen *g)
{
	g->state += 0x9e3779b97f4a7c15ULL;
	return mix(g->state, 0);
}

static unsigned int rnd(struct gen *g, unsigned int below)
{
	return (unsigned int)((rnd64(g) >> 32) * below >> 32);
}

static bool one_in(struct gen *g, unsigned int n)
{
	return rnd(g, n) == 0;
}

static __u64 pick(struct gen *g, const __u64 *set)
{
	return set[1 + rnd(g, (unsigned int)set[0])];
}

const struct op *op_at(unsigned int index)
{
	if (index < abi_ops_num)
		return &abi_ops[index];
	index -= abi_ops_num;
	if (index < test_ops_num)
		return &test_ops[index];
	return &other_ops[index - test_ops_num];
}

unsigned int op_count(void)
{
	return abi_ops_num + test_ops_num + other_ops_num;
}

static unsigned int op_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < op_count(); i++)
		if (!strcmp(op_at(i)->name, name))
			return i;
	abort();
}

/* --- values --- */

static __u64 some_iova(struct gen *g)
{
	static const __u64 odd[] = {
		12, 0, FZ_PAGE - 1, IOVA - FZ_PAGE, IOVA + FZ_PAGE / 2, IOVA + 1,
		MOCK_APERTURE_LAST, MOCK_APERTURE_LAST + 1UL, MOCK_RESERVED_START,
		MOCK_MSI_START, ~0ULL, ~0ULL - FZ_PAGE + 1, 1ULL << 48,
	};

	if (!g->tame && one_in(g, 12))
		return pick(g, odd);
	if (g->focus.length && !one_in(g, 6))
		return g->focus.iova;
	return IOVA + (rnd(g, 6) << 16) + (one_in(g, 6) ? rnd(g, 16) * FZ_PAGE : 0);
}

static __u64 some_length(struct gen *g)
{
	static const __u64 usual[] = {
		8, FZ_PAGE, FZ_PAGE, 2 * FZ_PAGE, 4 * FZ_PAGE, 16 * FZ_PAGE,
		16 * FZ_PAGE, 16 * FZ_PAGE, 64 * FZ_PAGE,
	};
	static const __u64 odd[] = {
		10, 0, 1, FZ_PAGE / 2, FZ_PAGE + 8, 512 * FZ_PAGE, 1 << 20, 1ULL << 32,
		1ULL << 63, ~0ULL, ~0ULL - FZ_PAGE + 1,
	};

	if (!g->tame && one_in(g, 10))
		return pick(g, odd);
	if (g->focus.length && !one_in(g, 3))
		return g->focus.length;
	return pick(g, usual);
}

static __u64 some_va(struct gen *g, bool tame)
{
	static const __u64 base[] = {
		10, FZ_ANON, FZ_ANON, FZ_ANON, FZ_ANON, FZ_ANON, FZ_SHARED, FZ_SHARED, FZ_SHARED,
		FZ_HUGE, FZ_READ_ONLY,
	};
	static const __u64 odd[] = {
		7, 0, FZ_HOLE, FZ_HOLE - FZ_PAGE, FZ_ANON + 8, FZ_ANON + FZ_LENGTH - FZ_PAGE,
		~0ULL - FZ_PAGE + 1, 0xffff888000000000ULL,
	};
	__u64 va;

	if (!tame && !g->tame && one_in(g, 14))
		return pick(g, odd);
	va = pick(g, base) + (rnd(g, 4) << 16);
	return va + (one_in(g, 4) ? rnd(g, 16) * FZ_PAGE : 0);
}

static __u64 some_bits(struct gen *g, __u64 mask)
{
	/* Read, write, at a fixed address */
	if ((mask == 7 || mask == 0xf) && !one_in(g, 3))
		return 7;
	if (one_in(g, 4))
		return mask;
	return mask & rnd64(g);
}

static __u64 odd_number(struct gen *g)
{
	static const __u64 odd[] = {
		13, 0, 1, 2, 7, 0x7f, 0xff, 0x100, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
		1ULL << 63, ~0ULL,
	};

	return one_in(g, 4) ? rnd64(g) : pick(g, odd);
}

static struct value some_id(struct gen *g, __u64 kinds)
{
	unsigned char kind[8], n = 0, chosen = 0, i;
	unsigned int r = rnd(g, 100);
	struct value v = {};

	do {
		kind[n++] = (unsigned char)kinds;
		kinds >>= 8;
	} while (kinds);
	/* Rather one that there is */
	for (i = 0; i < 6; i++) {
		chosen = kind[rnd(g, n)];
		if (chosen == R_NONE || g->made[chosen])
			break;
	}
	if (g->tame)
		r = 0;
	if (r >= 98) {
		v.v = one_in(g, 2) ? odd_number(g) : rnd(g, 24);
		return v;
	}
	if (r >= 96)
		chosen = (unsigned char)(R_IOAS + rnd(g, R_COOKIE - R_IOAS + 1));
	if (chosen == R_NONE)
		return v;
	v.kind = chosen;
	v.v = rnd(g, FZ_SLOTS);
	if (g->made[chosen] && r < 92)
		while (!(g->made[chosen] & (1U << v.v)))
			v.v = rnd(g, FZ_SLOTS);
	return v;
}

static struct value some_value(struct gen *g, const struct member *m)
{
	struct value v = {};

	switch (m->kind) {
	case M_CONST:
		v.v = m->arg;
		break;
	case M_BITS:
		v.v = some_bits(g, m->arg);
		break;
	case M_UPTO:
		v.v = rnd(g, (unsigned int)m->arg + 1);
		break;
	case M_ONE_OF:
		v.v = pick(g, m->set);
		break;
	case M_ID:
		return some_id(g, m->arg);
	case M_VA:
		v.v = some_va(g, m->arg);
		break;
	case M_LENGTH:
		v.v = some_length(g);
		break;
	case M_IOVA:
		v.v = some_iova(g) + (m->arg ? some_length(g) - 1 : 0);
		break;
	case M_OFFSET:
		v.v = one_in(g, 12) ? odd_number(g) : (__u64)rnd(g, 5) << 16;
		break;
	case M_PASID:
		v.v = one_in(g, 16) ? odd_number(g) : rnd(g, 5);
		break;
	case M_ANY:
		v.v = odd_number(g);
		break;
	default:
		break;
	}
	return v;
}

/* --- calls --- */

static void make_data(struct gen *g, struct call *c, const struct op *op, unsigned int which)
{
	const struct layout *l;
	const struct member *m;
	unsigned int i, j;

	c->layout[which] = -1;
	for (m = op->m; m != op->m + MEMBERS && m->kind != M_END; m++)
		if (m->kind == (which ? M_DATA2 : M_DATA))
			c->layout[which] = (signed char)pick(g, m->set);
	if (c->layout[which] < 0)
		return;
	l = &layouts[(int)c->layout[which]];
	if (c->layout[which] == L_NONE)
		return;
	c->num[which] = (unsigned char)(1 + (one_in(g, 2) ? rnd(g, ELEMENTS) : 0));
	for (i = 0; i < c->num[which]; i++)
		for (j = 0; l->m[j].kind != M_END; j++) {
			c->e[which][i][j] = some_value(g, &l->m[j]);
			if (!g->tame && one_in(g, 40))
				c->e[which][i][j].v = odd_number(g);
		}
}

static __u64 data_member(const struct call *c, const struct op *op, const struct member *m)
{
	unsigned int which = m->kind == M_COUNT2 || m->kind == M_DATA2;
	const struct layout *l = c->layout[which] < 0 ? &layouts[L_NONE] :
							&layouts[(int)c->layout[which]];

	switch (m->kind) {
	case M_SIZE:
		return op->size;
	case M_TYPE:
		return l->type;
	case M_COUNT:
	case M_COUNT2:
		return c->num[which];
	case M_ELEMENT:
		return l->size;
	case M_BYTES:
		return l->size * c->num[which];
	default:
		return 0;
	}
}

/* A wrong value for one member */
static void spoil(struct gen *g, struct call *c)
{
	const struct op *op = op_at(c->op);
	static const int more[] = { -8, -4, -1, 1, 4, 8, 64 };
	unsigned int n = 0, i;

	while (n < MEMBERS && op->m[n].kind != M_END)
		n++;
	if (!n)
		return;
	i = rnd(g, n);
	/* Nobody would wake it. */
	if (op->m[i].name && strstr(op->m[i].name, "timeout_ms"))
		return;
	if (op->m[i].kind == M_SIZE && !one_in(g, 4)) {
		c->m[i].v = op->size + (__u64)more[rnd(g, ARRAY_LEN(more))];
		if (one_in(g, 2))
			c->how = HOW_TAIL;
	} else if (op->m[i].kind == M_DATA && one_in(g, 2)) {
		c->layout[0] = -1;
		c->m[i].v = some_va(g, false);
	} else if (one_in(g, 3)) {
		c->m[i].v ^= 1ULL << rnd(g, op->m[i].bytes * 8U);
		c->m[i].kind = R_NONE;
	} else {
		c->m[i].kind = R_NONE;
		c->m[i].v = odd_number(g);
	}
	if (c->m[i].kind != R_NONE)
		c->m[i].v %= FZ_SLOTS;
}

static void made(struct gen *g, const struct call *c)
{
	const struct op *op = op_at(c->op);
	const struct member *m;

	if (op->out)
		g->made[op->out] |= (unsigned char)(1U << c->out);
	for (m = op->m; m != op->m + MEMBERS && m->kind != M_END; m++)
		if (m->kind == M_OUT && m->arg)
			g->made[m->arg] |= (unsigned char)(1U << c->out);
}

static void note_range(struct gen *g, const struct call *c)
{
	const struct op *op = op_at(c->op);
	struct range r = {};
	unsigned int i;

	if (strcmp(op->name, "IOMMU_IOAS_MAP") && strcmp(op->name, "IOMMU_IOAS_MAP_FILE"))
		return;
	for (i = 0; i < MEMBERS && op->m[i].kind != M_END; i++) {
		if (op->m[i].kind == M_LENGTH)
			r.length = c->m[i].v;
		if (op->m[i].kind == M_IOVA)
			r.iova = c->m[i].v;
	}
	g->mapped[g->maps++ % 4] = r;
}

static void no_queue(struct call *c, const struct op *op)
{
	unsigned int i;

	for (i = 0; i < MEMBERS && op->m[i].kind != M_END; i++)
		if (!strcmp(op->m[i].name, "fault_id"))
			c->m[i] = (struct value){};
}

static void make_call(struct gen *g, struct call *c, unsigned int index)
{
	const struct op *op = op_at(index);
	unsigned int i;

	/* What maps needs room; others need what is there. */
	memset(&g->focus, 0, sizeof(g->focus));
	if (g->maps && (strstr(op->name, "IOAS_MAP") ? one_in(g, 8) : !one_in(g, 3)))
		g->focus = g->mapped[rnd(g, g->maps < 4 ? g->maps : 4)];
	memset(c, 0, sizeof(*c));
	c->op = (unsigned short)index;
	if (!g->tame && one_in(g, 16))
		c->fd = 1;
	/* Ids of another context have their own place. */
	c->out = (unsigned char)(c->fd || op->out == R_CTX ? 6 + rnd(g, 2) : rnd(g, 6));
	if (g->failing && !g->tame && one_in(g, 3) && !(op->flags & OP_CHILD))
		c->nth = (unsigned char)(1 + rnd(g, one_in(g, 2) ? 6 : 40));
	c->how = one_in(g, 2) ? HOW_CANARY : HOW_EDGE;
	if (!g->tame && one_in(g, 30))
		c->how = (unsigned char)rnd(g, HOWS);
	make_data(g, c, op, 0);
	make_data(g, c, op, 1);
	for (i = 0; i < MEMBERS && op->m[i].kind != M_END; i++) {
		c->m[i] = some_value(g, &op->m[i]);
		switch (op->m[i].kind) {
		case M_SIZE:
		case M_TYPE:
		case M_COUNT:
		case M_COUNT2:
		case M_ELEMENT:
		case M_BYTES:
			c->m[i].v = data_member(c, op, &op->m[i]);
			break;
		default:
			break;
		}
	}
	if (!strcmp(op->name, "IOMMU_HWPT_ALLOC") && !(c->m[1].v & IOMMU_HWPT_FAULT_ID_VALID) &&
	    !one_in(g, 8))
		no_queue(c, op);
	if (!g->tame && one_in(g, 9))
		spoil(g, c);
	made(g, c);
	note_range(g, c);
}

/* Can it be meant to succeed, with what there is? */
static bool possible(const struct gen *g, const struct op *op)
{
	const struct member *m;

	for (m = op->m; m != op->m + MEMBERS && m->kind != M_END; m++) {
		__u64 kinds = m->arg;
		bool some = false;

		if (m->kind != M_ID)
			continue;
		do {
			if (!(kinds & 0xff) || g->made[kinds & 0xff])
				some = true;
			kinds >>= 8;
		} while (kinds);
		if (!some)
			return false;
	}
	return true;
}

static unsigned int some_op(struct gen *g)
{
	static unsigned int total;
	unsigned int i, at, tries;

	if (!total)
		for (i = 0; i < op_count(); i++)
			total += op_at(i)->weight;
	for (tries = 0;; tries++) {
		at = rnd(g, total);
		for (i = 0; at >= op_at(i)->weight; i++)
			at -= op_at(i)->weight;
		if ((op_at(i)->flags & OP_RARE) && !one_in(g, 6))
			continue;
		if (possible(g, op_at(i)) || (tries < 1 && one_in(g, 16)) || tries > 20)
			return i;
	}
}

/* --- what programs begin with --- */

/* The @nth command of this name */
static struct call *append(struct gen *g, const char *name, unsigned int nth, unsigned int out)
{
	struct call *c = &g->s->call[g->s->num++];

	make_call(g, c, op_named(name) + nth);
	c->out = (unsigned char)out;
	made(g, c);
	return c;
}

static struct value *member(struct call *c, const char *name)
{
	const struct op *op = op_at(c->op);
	unsigned int i;

	for (i = 0; i < MEMBERS && op->m[i].kind != M_END; i++)
		if (!strcmp(op->m[i].name, name))
			return &c->m[i];
	abort();
}

static void number(struct call *c, const char *name, __u64 v)
{
	*member(c, name) = (struct value){ v, R_NONE };
}

static void named(struct call *c, const char *name, unsigned int kind, unsigned int slot)
{
	*member(c, name) = (struct value){ slot, (unsigned char)kind };
}

static void device(struct gen *g, unsigned int out)
{
	struct call *c = append(g, "MOCK_DOMAIN_FLAGS", 0, out);

	named(c, "id", R_IOAS, 0);
	if (one_in(g, 2))
		number(c, "mock_domain_flags.dev_flags", MOCK_FLAGS_DEVICE_PASID);
}

/* Page requests, read and answered */
static void begin_faults(struct gen *g)
{
	bool nested = one_in(g, 2);
	struct call *c;

	c = append(g, "IOMMU_FAULT_QUEUE_ALLOC", 0, 0);
	named(c, "dev_id", R_NONE, 0);
	if (nested) {
		c = append(g, "IOMMU_HWPT_ALLOC", 1, 0);
		c = append(g, "IOMMU_HWPT_ALLOC", 3, 0);
		named(c, "pt_id", R_STAGE2, 0);
	} else {
		c = append(g, "IOMMU_HWPT_ALLOC", 0, 0);
		named(c, "pt_id", R_IOAS, 0);
	}
	number(c, "flags", IOMMU_HWPT_FAULT_ID_VALID);
	named(c, "fault_id", R_FAULT, 0);
	named(c, "dev_id", R_DEV, 0);
	if (one_in(g, 2)) {
		c = append(g, "IOMMU_DEVICE_PASID_ATTACH", 0, 0);
		named(c, "dev_id", R_DEV, 0);
		number(c, "pasid", 1);
		named(c, "pt_id", nested ? R_NESTED : R_HWPT, 0);
	}
	c = append(g, "MOCK_DOMAIN_REPLACE", 0, 0);
	named(c, "id", R_STDEV, 0);
	named(c, "mock_domain_replace.pt_id", nested ? R_NESTED : R_HWPT, 0);
	append(g, one_in(g, 2) ? "REPORT" : "DMA", 0, 0);
	c = append(g, "read", 0, 0);
	named(c, "fd", R_FAULT_FD, 0);
	number(c, "bytes", 400);
	append(g, "write", 0, 0);
}

/* A vIOMMU, its devices and its events */
static void begin_viommu(struct gen *g)
{
	struct call *c;

	append(g, "IOMMU_HWPT_ALLOC", 1, 0);
	c = append(g, "IOMMU_VIOMMU_ALLOC", 0, 0);
	number(c, "type", IOMMU_VIOMMU_TYPE_SELFTEST);
	named(c, "hwpt_id", R_STAGE2, 0);
	append(g, "IOMMU_VDEVICE_ALLOC", 0, 0);
	c = append(g, "IOMMU_VEVENTQ_ALLOC", 0, 0);
	number(c, "type", IOMMU_VEVENTQ_TYPE_SELFTEST);
	c = append(g, "IOMMU_HWPT_ALLOC", 3, 1);
	named(c, "pt_id", R_VIOMMU, 0);
	c = append(g, "MOCK_DOMAIN_REPLACE", 0, 0);
	named(c, "id", R_STDEV, 0);
	named(c, "mock_domain_replace.pt_id", R_NESTED, 1);
}

/* PASIDs that are parts of devices */
static void begin_parts(struct gen *g)
{
	struct call *c;

	c = append(g, "PARENT", 0, 4);
	number(c, "parent.dev_flags", MOCK_FLAGS_DEVICE_PASID);
	number(c, "parent.first", 1);
	c = append(g, "MEDIATED", 0, 5);
	named(c, "mediated.parent", R_PARENT, 4);
	append(g, "VM", 0, 0);
	append(g, "IOMMU_DEVICE_PASID_ATTACH", 0, 0);
	append(g, "VM_LOOKUP", 0, 0);
}

static void begin(struct gen *g)
{
	struct call *c;

	g->tame = true;
	c = append(g, "open", 0, 0);
	number(c, "container", one_in(g, 12));
	append(g, "IOMMU_IOAS_ALLOC", 0, 0);
	if (one_in(g, 2))
		append(g, "IOMMU_IOAS_ALLOC", 0, 1);
	if (!one_in(g, 6))
		device(g, 0);
	if (one_in(g, 3))
		device(g, 1);
	if (!one_in(g, 3))
		named(append(g, "IOMMU_IOAS_MAP", 0, 0), "ioas_id", R_IOAS, 0);
	if (!one_in(g, 3))
		begin_faults(g);
	if (one_in(g, 4))
		begin_viommu(g);
	if (one_in(g, 6))
		begin_parts(g);
	g->tame = one_in(g, 4);
}

static void all_made(struct gen *g)
{
	memset(g->made, 0x0f, sizeof(g->made));
}

static void generate(struct sequence *s, __u64 seed, unsigned int thread)
{
	struct gen g = { .state = seed, .s = s };
	unsigned int num = 12 + rnd(&g, 60);

	s->num = 0;
	g.failing = one_in(&g, 3);
	g.made[R_MEM_FD] = 0xff;
	if (thread)
		all_made(&g);
	else
		begin(&g);
	s->begun = s->num;
	while (s->num < num) {
		make_call(&g, &s->call[s->num], some_op(&g));
		s->num++;
	}
}

static void mutate(struct sequence *s, __u64 seed)
{
	struct gen g = { .state = seed, .s = s };
	unsigned int times = 1 + rnd(&g, 5), at;
	struct call c;

	all_made(&g);
	g.failing = one_in(&g, 3);
	while (times--) {
		at = s->num ? rnd(&g, s->num) : 0;
		switch (rnd(&g, 8)) {
		case 0:
			if (s->num > 4) {
				s->num--;
				memmove(&s->call[at], &s->call[at + 1],
					(s->num - at) * sizeof(s->call[0]));
			}
			break;
		case 1:
			if (s->num > at)
				spoil(&g, &s->call[at]);
			break;
		case 2:
			if (s->num > at)
				s->call[at].nth = (unsigned char)rnd(&g, 30);
			break;
		case 3:
			if (s->num > at) {
				make_call(&g, &c, s->call[at].op);
				s->call[at] = c;
			}
			break;
		case 4:
			while (s->num < CALLS_MAX && !one_in(&g, 6)) {
				make_call(&g, &s->call[s->num], some_op(&g));
				s->num++;
			}
			break;
		default:
			if (s->num == CALLS_MAX)
				break;
			if (one_in(&g, 3) && s->num)
				c = s->call[rnd(&g, s->num)];
			else
				make_call(&g, &c, some_op(&g));
			memmove(&s->call[at + 1], &s->call[at],
				(s->num - at) * sizeof(s->call[0]));
			s->call[at] = c;
			s->num++;
			break;
		}
	}
}

void sequence_make(struct sequence *s, unsigned int thread)
{
	unsigned int i;

	generate(s, thread ? mix(s->seed[0], thread) : s->seed[0], thread);
	for (i = 1; i < s->seeds; i++)
		mutate(s, thread ? mix(s->seed[i], thread) : s->seed[i]);
}

int sequence_name(const struct sequence *s, char *text, size_t room)
{
	unsigned int i;
	int n = 0;

	for (i = 0; i < s->seeds; i++)
		n += snprintf(text + n, room - (size_t)n, "%s%llx", i ? "." : "", s->seed[i]);
	return n;
}

bool sequence_from_name(struct sequence *s, const char *text)
{
	char *end;

	for (s->seeds = 0; s->seeds < LINEAGE_MAX; text = end + 1) {
		s->seed[s->seeds++] = strtoull(text, &end, 16);
		if (end == text)
			return false;
		if (*end != '.')
			return !*end;
	}
	return false;
}
