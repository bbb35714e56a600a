// SPDX-License-Identifier: GPL-2.0
/* A sequence as a program in C, which makes the same calls in the same way */
#include "calls.h"
#include "fuzz.h"
#include "members.h"

static const char *const kind_names[R_KINDS] = {
	[R_IOAS] = "R_IOAS", [R_HWPT] = "R_HWPT", [R_NESTED] = "R_NESTED",
	[R_STAGE2] = "R_STAGE2", [R_DIRTY] = "R_DIRTY", [R_DEV] = "R_DEV",
	[R_STDEV] = "R_STDEV", [R_FAULT] = "R_FAULT", [R_VIOMMU] = "R_VIOMMU",
	[R_VDEVICE] = "R_VDEVICE", [R_EVENTQ] = "R_EVENTQ", [R_VEVENTQ] = "R_VEVENTQ",
	[R_PARENT] = "R_PARENT", [R_VM] = "R_VM", [R_PIN] = "R_PIN", [R_DMA] = "R_DMA",
	[R_COOKIE] = "R_COOKIE", [R_ADDRESS] = "R_ADDRESS", [R_CTX] = "R_CTX",
	[R_FAULT_FD] = "R_FAULT_FD", [R_EVENT_FD] = "R_EVENT_FD",
	[R_VEVENT_FD] = "R_VEVENT_FD", [R_ACCESS_FD] = "R_ACCESS_FD", [R_MEM_FD] = "R_MEM_FD",
};

static const char *const hows[HOWS] = {
	[HOW_CANARY] = "HOW_CANARY", [HOW_EDGE] = "HOW_EDGE", [HOW_TAIL] = "HOW_TAIL",
	[HOW_CUT] = "HOW_CUT", [HOW_READ_ONLY] = "HOW_READ_ONLY",
	[HOW_NOWHERE] = "HOW_NOWHERE", [HOW_KERNEL] = "HOW_KERNEL",
};

static void print_value(FILE *f, const struct value *v, unsigned int bytes)
{
	__u64 mask = bytes >= 8 ? ~0ULL : (1ULL << (8 * bytes)) - 1;

	if (v->kind == R_NONE)
		fprintf(f, (v->v & mask) > 9 ? "0x%llx" : "%llu", v->v & mask);
	else
		fprintf(f, "fz_id(%s, %llu)", kind_names[v->kind], v->v % FZ_SLOTS);
}

static void print_data(FILE *f, const struct call *c, unsigned int which)
{
	const struct layout *l = &layouts[(int)c->layout[which]];
	unsigned int i, j;

	if (l->name)
		fprintf(f, "\t\tstruct %s d%u[] = {\n", l->name, which);
	else
		fprintf(f, "\t\t__u%u d%u[] = {\n", l->size * 8, which);
	for (i = 0; i < c->num[which]; i++) {
		fprintf(f, "\t\t\t");
		if (l->name)
			fprintf(f, "{ ");
		for (j = 0; l->m[j].kind != M_END; j++) {
			if (l->name)
				fprintf(f, ".%s = ", l->m[j].name);
			print_value(f, &c->e[which][i][j], l->m[j].bytes);
			fprintf(f, l->name && l->m[j + 1].kind != M_END ? ", " : "");
		}
		fprintf(f, l->name ? " },\n" : ",\n");
	}
	fprintf(f, "\t\t};\n");
}

static void print_arguments(FILE *f, const struct call *c)
{
	const struct op *op = op_at(c->op);
	unsigned int i;

	fprintf(f, "\t%sfz_%s(", op->out == R_NONE || op->out == R_COOKIE ? "" : "rc = ",
		op->name);
	for (i = 0; i < MEMBERS && op->m[i].kind != M_END; i++) {
		fprintf(f, i ? ", " : "");
		print_value(f, &c->m[i], 8);
	}
	fprintf(f, ");\n");
	if (op->out == R_COOKIE)
		fprintf(f, "\tif (fz_cookie)\n\t\tid[R_COOKIE][%u] = fz_cookie;\n", c->out);
	else if (op->out)
		fprintf(f, "\tif (rc >= 0)\n\t\tid[%s][%u] = (__u64)rc;\n",
			kind_names[op->out], c->out);
}

void print_call(FILE *f, const struct call *c)
{
	const struct op *op = op_at(c->op);
	bool outs = false;
	unsigned int i;

	if (op->flags & OP_CALL) {
		if (call_fails(c))
			fprintf(f, "\tfz_fail_nth(%u);\n", c->nth);
		print_arguments(f, c);
		if (call_fails(c))
			fprintf(f, "\tfz_fail_end();\n");
		return;
	}
	fprintf(f, "\t{\n");
	for (i = 0; i < 2; i++)
		if (c->layout[i] > L_NONE)
			print_data(f, c, i);
	fprintf(f, "\t\tstruct %s c = {\n", op->type);
	for (i = 0; i < MEMBERS && op->m[i].kind != M_END; i++) {
		const struct member *m = &op->m[i];
		unsigned int which = m->kind == M_DATA2;

		if (m->kind == M_OUT && m->arg)
			outs = true;
		fprintf(f, "\t\t\t.%s = ", m->name);
		if (m->kind == M_CONST && op->flags & OP_TEST && !strcmp(m->name, "op") &&
		    c->m[i].v == m->arg)
			fprintf(f, "IOMMU_TEST_OP_%s", op->name);
		else if ((m->kind == M_DATA || which) && c->layout[which] > L_NONE &&
			 c->m[i].kind == R_NONE && !c->m[i].v)
			fprintf(f, "fz_data_at(%u, d%u, sizeof(d%u))", which, which, which);
		else
			print_value(f, &c->m[i], m->bytes);
		fprintf(f, ",\n");
	}
	fprintf(f, "\t\t};\n\n\t\trc = fz_ioctl(fz_id(R_CTX, %u), %s, &c, sizeof(c), %s, %u);\n",
		c->fd, op->flags & OP_TEST ? "IOMMU_TEST_CMD" : op->name, hows[c->how], c->nth);
	if (outs && c->how != HOW_TAIL) {
		fprintf(f, "\t\tif (rc >= 0) {\n");
		for (i = 0; i < MEMBERS && op->m[i].kind != M_END; i++)
			if (op->m[i].kind == M_OUT && op->m[i].arg)
				fprintf(f, "\t\t\tfz_set(%s, %u, c.%s);\n",
					kind_names[op->m[i].arg], c->out, op->m[i].name);
		fprintf(f, "\t\t}\n");
	}
	fprintf(f, "\t}\n");
}

void print_program(FILE *f, const struct sequence *s)
{
	char name[LINEAGE_MAX * 17 + 1];
	unsigned int i;

	sequence_name(s, name, sizeof(name));
	fprintf(f, "// %s: GPL-2.0\n"
		"/* iommu_fuzz --replay %s --print */\n"
		"#include \"calls.h\"\n\n"
		"int main(int argc, char **argv)\n{\n"
		"\tlong rc = 0;\n\n"
		"\tfz_main(argc, argv);\n"
		"\tif (fz_setup(1))\n\t\treturn 1;\n",
		"SPDX-License-Identifier", name);
	for (i = 0; i < s->num; i++) {
		fprintf(f, "\t/* call %u */\n", i);
		print_call(f, &s->call[i]);
	}
	fprintf(f, "\t(void)rc;\n\treturn 0;\n}\n");
}
