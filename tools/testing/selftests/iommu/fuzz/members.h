/* SPDX-License-Identifier: GPL-2.0 */
/* How abi.c and test_abi.c write down structures */
#ifndef FUZZ_MEMBERS_H
#define FUZZ_MEMBERS_H

#define SET(...)	((const __u64[]){ __VA_ARGS__ })
#define M(s, member, kind_, ...) \
	{ .name = #member, .at = offsetof(struct s, member), \
	  .bytes = sizeof(((struct s *)0)->member), \
	  .kind = kind_, .arg = __VA_ARGS__ }
#define E(...)		M(__VA_ARGS__)
#define END		{ .kind = M_END }
#define OP(cmd, s, weight, flags, errnos, ...) \
	{ #cmd, #s, cmd, sizeof(struct s), weight, flags, R_NONE, errnos, { __VA_ARGS__ } }
/* An operation of the mock */
#define TEST(operation, weight, flags, ...) \
	{ #operation, "iommu_test_cmd", IOMMU_TEST_CMD, sizeof(struct iommu_test_cmd), weight, \
	  OP_TEST | (flags), R_NONE, NULL, { \
		M(iommu_test_cmd, size, M_SIZE, 0), \
		M(iommu_test_cmd, op, M_CONST, IOMMU_TEST_OP_##operation), \
		__VA_ARGS__ } }
#define T(name, kind, ...)	M(iommu_test_cmd, name, kind, __VA_ARGS__)
/* fz_NAME(arguments), which returns something of kind @out */
#define CALL(name, weight, flags, out, ...) \
	{ #name, NULL, 0, 0, weight, OP_CALL | (flags), out, NULL, { __VA_ARGS__ } }
#define A(argument, kind_, ...) \
	{ .name = #argument, .bytes = 8, .kind = kind_, .arg = __VA_ARGS__ }

enum layout_index {
	L_NONE,
	L_RANGE,
	L_MAP,
	L_UNMAP,
	L_S1_NONE,
	L_S1,
	L_VTD_S1,
	L_STE,
	L_INV,
	L_INV_S1,
	L_INV_RANGE,
	L_INV_VTD,
	L_INV_SMMU,
	L_INV_DEV,
	L_VIOMMU,
	L_DEVICES,
	L_WORDS,
};

#endif
