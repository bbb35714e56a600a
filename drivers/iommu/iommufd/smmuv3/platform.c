// SPDX-License-Identifier: GPL-2.0-only
/*
 * Units that firmware tells of, by device tree or ACPI, as platform devices; and the
 * door to them: registers. Their interrupts are irqs.c's.
 */
#define pr_fmt(fmt) "iommufd-smmuv3: " fmt

#include <linux/acpi.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/moduleparam.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "driver.h"
#include "iort.h"
#include "irqs.h"
#include "regs.h"
#include "unit.h"

static bool smmuv3 = IS_ENABLED(CONFIG_ARM64);
module_param(smmuv3, bool, 0444);
MODULE_PARM_DESC(smmuv3, "Drive Arm SMMUv3 units (default: on, on arm64)");

/**
 * struct smmuv3_platform - a unit of a platform device
 * @unit: the unit; its door_data is this
 * @pages: registers, page 0 and 1
 * @irqs: its interrupts
 */
struct smmuv3_platform {
	struct smmuv3_unit unit;
	void __iomem *pages[2];
	struct smmuv3_irqs irqs;
};

static struct smmuv3_platform *to_platform(struct smmuv3_unit *unit)
{
	return unit->door_data;
}

static void __iomem *platform_reg(struct smmuv3_unit *unit, unsigned int reg)
{
	return to_platform(unit)->pages[reg / SMMU_PAGE_SIZE] +
	       reg % SMMU_PAGE_SIZE;
}

/*
 * Not the relaxed ones: a write is behind what was written to memory, and what is
 * read from memory is behind a read.
 */
static u32 platform_read32(struct smmuv3_unit *unit, unsigned int reg)
{
	return readl(platform_reg(unit, reg));
}

static u64 platform_read64(struct smmuv3_unit *unit, unsigned int reg)
{
	return readq(platform_reg(unit, reg));
}

static void platform_write32(struct smmuv3_unit *unit, unsigned int reg,
			     u32 val)
{
	writel(val, platform_reg(unit, reg));
}

static void platform_write64(struct smmuv3_unit *unit, unsigned int reg,
			     u64 val)
{
	writeq(val, platform_reg(unit, reg));
}

static int platform_irq_request(struct smmuv3_unit *unit, enum smmuv3_irq which,
				irq_handler_t hard, irq_handler_t thread,
				void *data)
{
	return smmuv3_irqs_request(unit, &to_platform(unit)->irqs, which, hard,
				   thread, data);
}

static void platform_irq_free(struct smmuv3_unit *unit, enum smmuv3_irq which,
			      void *data)
{
	smmuv3_irqs_free(unit, &to_platform(unit)->irqs, which, data);
}

static const struct smmuv3_door_ops platform_door = {
	.read32 = platform_read32,
	.read64 = platform_read64,
	.write32 = platform_write32,
	.write64 = platform_write64,
	.irq_request = platform_irq_request,
	.irq_free = platform_irq_free,
};

/*
 * Of each page what the architecture has: behind it may be counters, which have a
 * driver of their own.
 */
static int platform_map(struct smmuv3_platform *platform,
			struct platform_device *pdev, u64 *base)
{
	struct resource *res = platform_get_resource(pdev, IORESOURCE_MEM, 0);
	unsigned int i;

	if (!res || resource_size(res) < 2 * SMMU_PAGE_SIZE) {
		dev_err(&pdev->dev, "cannot be driven: firmware does not give both pages of its registers\n");
		return -ENODEV;
	}
	*base = res->start;
	for (i = 0; i < ARRAY_SIZE(platform->pages); i++) {
		struct resource page =
			DEFINE_RES_MEM_NAMED(res->start + i * SMMU_PAGE_SIZE,
					     SMMU_PAGE_USED,
					     dev_name(&pdev->dev));

		platform->pages[i] = devm_ioremap_resource(&pdev->dev, &page);
		if (IS_ERR(platform->pages[i]))
			return PTR_ERR(platform->pages[i]);
	}
	return 0;
}

static int platform_find_wires(struct smmuv3_platform *platform,
			       struct platform_device *pdev)
{
	unsigned int i;
	int irq;

	irq = platform_get_irq_byname_optional(pdev, "combined");
	if (irq == -EPROBE_DEFER)
		return irq;
	platform->irqs.combined = max(irq, 0);
	for (i = 0; i < SMMUV3_NUM_IRQS; i++) {
		irq = platform_get_irq_byname_optional(pdev,
						       smmuv3_irq_name(i));
		if (irq == -EPROBE_DEFER)
			return irq;
		platform->irqs.wires[i] = max(irq, 0);
	}
	return 0;
}

/*
 * dma_alloc_coherent() goes by what firmware says of the device, so the unit has to
 * do the same: IDR0.COHACC does not count.
 */
static u32 platform_firmware(struct device *dev, u64 base)
{
	u32 firmware = 0;

	if (IS_ENABLED(CONFIG_ACPI))
		firmware = smmuv3_iort_firmware(base);
	firmware &= ~SMMUV3_FW_COHERENT;
	return firmware | (dev_is_dma_coherent(dev) ? SMMUV3_FW_COHERENT :
						      SMMUV3_FW_NONCOHERENT);
}

/* 3.4.3: the unit reads its own memory with as many bits as it puts out. */
static int platform_set_mask(struct smmuv3_platform *platform)
{
	struct smmuv3_unit *unit = &platform->unit;
	u32 idr[6] = { };
	struct smmuv3_caps caps;

	idr[5] = platform_read32(unit, SMMU_IDR5);
	smmuv3_caps_decode(&caps, idr, 0);
	return dma_set_mask_and_coherent(unit->dev, DMA_BIT_MASK(caps.oas));
}

static int platform_start(struct smmuv3_platform *platform)
{
	struct smmuv3_unit *unit = &platform->unit;
	int rc;

	rc = smmuv3_unit_init(unit);
	if (rc)
		return rc;
	rc = smmuv3_unit_start(unit);
	if (rc)
		goto err_free;
	rc = smmuv3_unit_add(unit);
	if (rc)
		goto err_stop;
	dev_info(unit->dev, "%s: translating, stages%s%s%s%s%s\n", unit->name,
		 unit->caps.stage1 ? " 1" : "", unit->caps.stage2 ? " 2" : "",
		 smmuv3_can_nest(&unit->caps) ? ", nested" : "",
		 unit->priq ? ", page requests" : "",
		 unit->caps.stall ? ", stalls" : "");
	return 0;
err_stop:
	smmuv3_unit_stop(unit);
err_free:
	/* One that cannot be turned off may still write: its memory stays its own */
	if (!smmuv3_unit_off(unit))
		smmuv3_unit_free(unit);
	return rc;
}

static void platform_name(struct smmuv3_unit *unit)
{
	static atomic_t units = ATOMIC_INIT(-1);

	snprintf(unit->name, sizeof(unit->name), "smmuv3.%u",
		 (unsigned int)atomic_inc_return(&units));
}

static int platform_probe(struct platform_device *pdev)
{
	struct smmuv3_platform *platform;
	struct smmuv3_unit *unit;
	u64 base;
	int rc;

	platform = devm_kzalloc(&pdev->dev, sizeof(*platform), GFP_KERNEL);
	if (!platform)
		return -ENOMEM;
	smmuv3_irqs_init(&platform->irqs);
	unit = &platform->unit;
	unit->dev = &pdev->dev;
	unit->door = &platform_door;
	unit->door_data = platform;
	platform_set_drvdata(pdev, unit);

	rc = platform_find_wires(platform, pdev);
	if (rc)
		return rc;
	rc = platform_map(platform, pdev, &base);
	if (rc)
		return rc;
	platform_name(unit);
	unit->firmware = platform_firmware(&pdev->dev, base);
	rc = platform_set_mask(platform);
	if (rc)
		return rc;
	rc = platform_start(platform);
	if (rc)
		smmuv3_irqs_exit(unit, &platform->irqs);
	return rc;
}

/* A kernel started by kexec finds the unit off, and no DMA behind it. */
static void platform_shutdown(struct platform_device *pdev)
{
	smmuv3_unit_off(platform_get_drvdata(pdev));
}

/* Nobody brings registers and interrupts back after a suspend: refused. */
static int platform_suspend(struct device *dev)
{
	dev_err(dev, "suspend is not supported\n");
	return -EOPNOTSUPP;
}

static DEFINE_SIMPLE_DEV_PM_OPS(platform_pm_ops, platform_suspend, NULL);

static const struct of_device_id platform_of_match[] = {
	{ .compatible = "arm,smmu-v3" },
	{ }
};

/* IORT's devices match by name; it keeps the base tree's module out, too. */
static struct platform_driver platform_driver = {
	.driver = {
		.name = "arm-smmu-v3",
		.of_match_table = platform_of_match,
		.pm = pm_sleep_ptr(&platform_pm_ops),
		.suppress_bind_attrs = true,
	},
	.probe = platform_probe,
	.shutdown = platform_shutdown,
};

/* Before the drivers of what is behind the units, which wait for them otherwise. */
static int __init platform_init(void)
{
	return smmuv3 ? platform_driver_register(&platform_driver) : 0;
}
rootfs_initcall(platform_init);
