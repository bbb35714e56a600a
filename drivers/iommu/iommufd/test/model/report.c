// SPDX-License-Identifier: GPL-2.0-only
/*
 * Violations: what must never happen, said once.
 *
 * A test that makes one on purpose says so before; then it is counted, and shown,
 * but is no reason to stop the machine.
 */
#define pr_fmt(fmt) "iommufd model: " fmt
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/printk.h>

#include "port.h"

static atomic_long_t violations = ATOMIC_LONG_INIT(0);
static atomic_t expected = ATOMIC_INIT(0);

/**
 * model_violation() - something that must never happen did
 * @fmt: what, one line
 *
 * Counts it. Unless it is expected, warns with a stack trace, which with
 * panic_on_warn ends the test run. Any context.
 */
void model_violation(const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	atomic_long_inc(&violations);
	if (atomic_read(&expected))
		pr_info("expected violation: %pV\n", &vaf);
	else
		pr_err("violation: %pV\n", &vaf);
	va_end(args);
	WARN_ON(!atomic_read(&expected));
}

/**
 * model_violations() - how many violations so far
 *
 * Return: the number, with those that were expected. Any context.
 */
unsigned long model_violations(void)
{
	return atomic_long_read(&violations);
}

/**
 * model_violations_expect() - violations from now on are part of the test
 *
 * Pairs with model_violations_expected(); may nest. Any context.
 *
 * Return: how many there were so far.
 */
unsigned long model_violations_expect(void)
{
	atomic_inc(&expected);
	return model_violations();
}

/**
 * model_violations_expected() - the end of that part
 * @before: what model_violations_expect() returned
 *
 * Return: how many there were in it.
 */
unsigned long model_violations_expected(unsigned long before)
{
	atomic_dec(&expected);
	return model_violations() - before;
}
