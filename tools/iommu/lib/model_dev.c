// SPDX-License-Identifier: GPL-2.0
/* Hardware models and the functions behind them: see model_dev.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "model_dev.h"

#define MODEL_DEVICE	"/dev/iommufd_model"
#define PASID_BITS	20
#define CAPACITY	512
#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

static __thread char last_error[256];

const char *model_error(void)
{
	return last_error;
}

__attribute__((format(printf, 2, 3)))
static int fails(int rc, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
	if (n >= 0 && n < (int)sizeof(last_error))
		snprintf(last_error + n, sizeof(last_error) - n, ": %s",
			 strerror(-rc));
	return rc;
}

static int call(int fd, unsigned long request, void *arg, const char *what)
{
	if (ioctl(fd, request, arg) >= 0)
		return 0;
	return fails(-errno, "%s", what);
}

static int open_models(void)
{
	int fd = open(MODEL_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return fails(-ENOENT,
			     MODEL_DEVICE " (boot a kernel with CONFIG_IOMMUFD_TEST)");
	if (errno == EACCES)
		return fails(-EACCES, MODEL_DEVICE " (run this as root)");
	return fails(-errno, MODEL_DEVICE);
}

/* @config: what the kernel is built with if it has machines of this kind */
static int add_machine(struct model *m, const char *name, const char *config,
		       const __u64 *params, __u32 num)
{
	struct iommufd_model_machine_add add = {
		.size = sizeof(add),
		.num_params = num,
	};
	int rc;

	memset(m, 0, sizeof(*m));
	m->fd = open_models();
	if (m->fd < 0)
		return m->fd;
	snprintf(add.name, sizeof(add.name), "%s", name);
	memcpy(add.params, params, num * sizeof(*params));
	rc = ioctl(m->fd, IOMMUFD_MODEL_MACHINE_ADD, &add) ? -errno : 0;
	if (!rc) {
		m->id = add.out_machine_id;
		return 0;
	}
	close(m->fd);
	m->fd = -1;
	if (rc == -ENOENT)
		return fails(rc, "there is no \"%s\" machine (build with %s)",
			     name, config);
	return fails(rc, "adding a \"%s\" machine (the kernel log has the reason)",
		     name);
}

int model_vtd_add(struct model *m, __u64 cap, __u64 ecap)
{
	const __u64 params[] = { cap, ecap };

	return add_machine(m, "vtd", "CONFIG_IOMMUFD_VTD", params,
			   ARRAY_LEN(params));
}

int model_smmuv3_add(struct model *m, const struct model_smmuv3 *unit)
{
	const __u64 params[] = {
		unit->idr0, unit->idr1, unit->idr3, unit->idr5, unit->firmware,
	};

	return add_machine(m, "smmuv3", "CONFIG_IOMMUFD_SMMUV3", params,
			   ARRAY_LEN(params));
}

int model_remove(struct model *m)
{
	struct iommufd_model_machine remove = {
		.size = sizeof(remove),
		.machine_id = m->id,
	};
	int rc = 0;

	if (m->fd < 0)
		return 0;
	if (m->id)
		rc = call(m->fd, IOMMUFD_MODEL_MACHINE_REMOVE, &remove,
			  "removing the machine");
	/* Something is left that was made for it */
	if (rc == -EBUSY)
		return rc;
	close(m->fd);
	m->fd = -1;
	m->id = 0;
	return rc;
}

static void set_name(struct model_dev *d)
{
	snprintf(d->name, sizeof(d->name), "%04x:%02x:%02x.%u", d->domain,
		 d->rid >> 8, d->rid >> 3 & 31, d->rid & 7);
}

int model_plug_with(struct model *m, __u32 devfn, __u32 caps, __u32 pasid_bits,
		    __u32 capacity, __u32 num_vfs, struct model_dev *d)
{
	struct iommufd_model_plug plug = {
		.size = sizeof(plug),
		.machine_id = m->id,
		.devfn = devfn,
		.caps = caps,
		.pasid_bits = pasid_bits,
		.pri_capacity = capacity,
		.num_vfs = num_vfs,
	};
	int rc;

	memset(d, 0, sizeof(*d));
	d->v.fd = -1;
	rc = ioctl(m->fd, IOMMUFD_MODEL_PLUG, &plug) ? -errno : 0;
	if (rc)
		return fails(rc, "plugging a function at %02x.%u", devfn >> 3,
			     devfn & 7);
	d->model = m;
	d->domain = plug.out_domain;
	d->rid = plug.out_rid;
	set_name(d);
	return 0;
}

int model_plug(struct model *m, __u32 devfn, struct model_dev *d)
{
	return model_plug_with(m, devfn, MODEL_CAPS_ALL, PASID_BITS, CAPACITY,
			       0, d);
}

static int function_call(struct model_dev *d, unsigned long request,
			 __u32 flags, __u32 arg, const char *what)
{
	struct iommufd_model_function f = {
		.size = sizeof(f),
		.flags = flags,
		.domain = d->domain,
		.rid = d->rid,
		.arg = arg,
	};

	return call(d->model->fd, request, &f, what);
}

int model_plug_master(struct model *m, __u32 sid, __u32 pasid_bits,
		      bool can_stall, struct model_dev *d)
{
	struct iommufd_model_master plug = {
		.size = sizeof(plug),
		.flags = can_stall ? 0 : IOMMUFD_MODEL_MASTER_NO_STALL,
		.machine_id = m->id,
		.sid = sid,
		.pasid_bits = pasid_bits,
	};
	int rc;

	memset(d, 0, sizeof(*d));
	d->v.fd = -1;
	rc = ioctl(m->fd, IOMMUFD_MODEL_MASTER_PLUG, &plug) ? -errno : 0;
	if (rc)
		return fails(rc, "plugging a platform device with StreamID %#x",
			     sid);
	d->model = m;
	d->master = true;
	d->domain = m->id;
	d->rid = sid;
	snprintf(d->name, sizeof(d->name), "%s", plug.out_name);
	return 0;
}

int model_unplug_master(struct model_dev *d)
{
	struct iommufd_model_master unplug = {
		.size = sizeof(unplug),
		.machine_id = d->model->id,
		.sid = d->rid,
	};

	return call(d->model->fd, IOMMUFD_MODEL_MASTER_UNPLUG, &unplug,
		    "unplugging a platform device");
}

int model_unplug(struct model_dev *d, bool surprise)
{
	return function_call(d, IOMMUFD_MODEL_UNPLUG,
			     surprise ? IOMMUFD_MODEL_SURPRISE : 0, 0,
			     "unplugging a function");
}

int model_set_vfs(struct model_dev *pf, __u32 num)
{
	return function_call(pf, IOMMUFD_MODEL_SET_VFS, 0, num,
			     "enabling virtual functions (has the physical one a driver?)");
}

void model_vf(const struct model_dev *pf, unsigned int nth,
	      struct model_dev *d)
{
	memset(d, 0, sizeof(*d));
	d->v.fd = -1;
	d->model = pf->model;
	d->domain = pf->domain;
	d->rid = pf->rid + 1 + nth;
	set_name(d);
}

static int open_master(struct model_dev *d)
{
	int rc;

	rc = platform_give_to_vfio(d->name);
	if (rc)
		return fails(rc,
			     "vfio-platform does not take %s (is CONFIG_VFIO_PLATFORM there? boot with vfio_platform.reset_required=0)",
			     d->name);
	rc = vfio_platform_open(d->name, &d->v);
	if (rc)
		return fails(rc,
			     "no VFIO device of %s (the kernel log has the reason; boot with vfio_platform.reset_required=0)",
			     d->name);
	return 0;
}

int model_dev_open(struct model_dev *d)
{
	int rc;

	if (d->master)
		return open_master(d);
	rc = pci_give_to_vfio(d->name);
	if (rc)
		return fails(rc,
			     "vfio-pci does not take %s (modprobe vfio-pci; is CONFIG_VFIO_PCI there?)",
			     d->name);
	rc = vfio_dev_open(d->name, &d->v);
	if (rc)
		return fails(rc,
			     "no VFIO device of %s (CONFIG_VFIO_DEVICE_CDEV; has it an iommu_group?)",
			     d->name);
	return 0;
}

int model_dev_bind(struct model_dev *d, int iommufd)
{
	int rc = vfio_dev_bind(&d->v, iommufd);

	if (rc)
		return fails(rc, "binding %s to /dev/iommu", d->name);
	if (d->master)
		return 0;
	rc = vfio_dev_enable_dma(&d->v);
	return rc ? fails(rc, "making %s bus master", d->name) : 0;
}

void model_dev_close(struct model_dev *d)
{
	vfio_dev_close(&d->v);
}

static void job_update(struct model_job *job,
		       const struct iommufd_model_dma *c)
{
	job->handle = c->handle;
	job->status = c->out_status;
	job->groups = c->out_groups;
	job->requests = c->out_requests;
	job->done = c->out_done;
}

static int job_start(struct model_dev *d, __u32 flags, __u32 pasid, __u64 iova,
		     void *data, __u64 length, __u32 group, __u32 timeout_ms,
		     struct model_job *job)
{
	struct iommufd_model_dma c = {
		.size = sizeof(c),
		.flags = flags,
		.domain = d->domain,
		.rid = d->rid,
		.group = group,
		.iova = iova,
		.length = length,
		.data = (uintptr_t)data,
		.timeout_ms = timeout_ms,
	};
	int rc;

	memset(job, 0, sizeof(*job));
	if (d->master)
		c.flags |= IOMMUFD_MODEL_DMA_MASTER;
	if (pasid != MODEL_NO_PASID) {
		c.flags |= IOMMUFD_MODEL_DMA_PASID;
		c.pasid = pasid;
	}
	rc = call(d->model->fd, IOMMUFD_MODEL_DMA, &c, "starting a DMA");
	if (rc)
		return rc;
	job->d = d;
	job->data = data;
	job_update(job, &c);
	return 0;
}

int model_job_start(struct model_dev *d, __u32 flags, __u32 pasid, __u64 iova,
		    void *data, __u64 length, __u32 group,
		    struct model_job *job)
{
	return job_start(d, flags | IOMMUFD_MODEL_DMA_ASYNC, pasid, iova, data,
			 length, group, 0, job);
}

int model_job_wait(struct model_job *job, __u32 timeout_ms)
{
	struct iommufd_model_dma c = {
		.size = sizeof(c),
		.flags = timeout_ms ? 0 : IOMMUFD_MODEL_DMA_ASYNC,
		.handle = job->handle,
		.timeout_ms = timeout_ms,
		.data = (uintptr_t)job->data,
	};
	int rc;

	if (!job->handle)
		return (int)job->status;
	rc = call(job->d->model->fd, IOMMUFD_MODEL_DMA_WAIT, &c,
		  "waiting for a DMA");
	if (rc)
		return rc;
	job_update(job, &c);
	return (int)job->status;
}

int model_dma(struct model_dev *d, __u32 flags, __u32 pasid, __u64 iova,
	      void *data, __u64 length, __u32 timeout_ms)
{
	struct model_job job;
	int rc;

	rc = job_start(d, flags, pasid, iova, data, length, 0, timeout_ms,
		       &job);
	return rc ? rc : (int)job.status;
}

const char *model_status_name(int status)
{
	static const char * const names[] = {
		[IOMMUFD_MODEL_DMA_OK] = "ok",
		[IOMMUFD_MODEL_DMA_FAULTED] = "faulted",
		[IOMMUFD_MODEL_DMA_BLOCKED] = "blocked",
		[IOMMUFD_MODEL_DMA_PENDING] = "pending",
		[IOMMUFD_MODEL_DMA_HALTED] = "halted",
		[IOMMUFD_MODEL_DMA_STOPPED] = "stopped",
		[IOMMUFD_MODEL_DMA_GONE] = "gone",
		[IOMMUFD_MODEL_DMA_DISABLED] = "disabled",
	};

	if (status < 0)
		return strerror(-status);
	return status < (int)ARRAY_LEN(names) ? names[status] : "unknown";
}

int model_request(struct model_dev *d, __u32 flags, __u32 pasid, __u32 perm,
		  __u64 addr, __u32 count, __u32 *grpid)
{
	struct iommufd_model_request r = {
		.size = sizeof(r),
		.flags = flags,
		.domain = d->domain,
		.rid = d->rid,
		.perm = perm,
		.addr = addr,
		.count = count,
		.grpid = *grpid,
	};
	int rc;

	if (pasid != MODEL_NO_PASID) {
		r.flags |= IOMMUFD_MODEL_REQUEST_PASID;
		r.pasid = pasid;
	}
	rc = call(d->model->fd, IOMMUFD_MODEL_REQUEST, &r,
		  "sending page requests (is the function attached to a HWPT with a fault queue?)");
	if (rc)
		return rc;
	*grpid = r.grpid;
	return (int)r.out_sent;
}

int model_stop_pasid(struct model_dev *d, __u32 pasid)
{
	return function_call(d, IOMMUFD_MODEL_STOP_PASID, 0, pasid,
			     "stopping a PASID");
}

int model_misbehave(struct model_dev *d, __u32 mask)
{
	return function_call(d, IOMMUFD_MODEL_MISBEHAVE, 0, mask,
			     "misbehaving");
}

int model_state(struct model_dev *d, struct iommufd_model_state *state)
{
	memset(state, 0, sizeof(*state));
	state->size = sizeof(*state);
	state->domain = d->domain;
	state->rid = d->rid;
	return call(d->model->fd, IOMMUFD_MODEL_STATE, state,
		    "state of a function");
}

int model_inject(struct model *m, __u32 what, __u64 nth)
{
	struct iommufd_model_inject inject = {
		.size = sizeof(inject),
		.machine_id = m->id,
		.what = what,
		.nth = nth,
	};

	return call(m->fd, IOMMUFD_MODEL_INJECT, &inject, "injecting an error");
}

int model_counter(struct model *m, const char *name, __u64 *value)
{
	struct iommufd_model_counter list[256];
	struct iommufd_model_counters c = {
		.size = sizeof(c),
		.machine_id = m->id,
		.num = ARRAY_LEN(list),
		.counters = (uintptr_t)list,
	};
	__u32 i;
	int rc;

	rc = call(m->fd, IOMMUFD_MODEL_COUNTERS, &c, "reading the counters");
	if (rc)
		return rc;
	for (i = 0; i < c.num; i++) {
		if (strncmp(list[i].name, name, sizeof(list[i].name)))
			continue;
		*value = list[i].value;
		return 0;
	}
	return fails(-ENOENT, "counter %s", name);
}

static int count_violations(struct model *m, __u32 flags, __u64 *count)
{
	struct iommufd_model_violations v = {
		.size = sizeof(v),
		.flags = flags,
	};
	int rc = call(m->fd, IOMMUFD_MODEL_VIOLATIONS, &v,
		      "asking for violations");

	if (!rc)
		*count = v.out_count;
	return rc;
}

int model_grant(struct model *m, void *memory, __u64 length, __u32 flags)
{
	struct iommufd_model_grant grant = {
		.size = sizeof(grant),
		.flags = flags,
		.machine_id = m->id,
		.addr = (uintptr_t)memory,
		.length = length,
	};

	return call(m->fd, IOMMUFD_MODEL_GRANT, &grant, "granting memory");
}

int model_violations(struct model *m, __u64 *count)
{
	return count_violations(m, 0, count);
}

int model_expect_begin(struct model *m)
{
	__u64 before;

	return count_violations(m, IOMMUFD_MODEL_EXPECT_BEGIN, &before);
}

int model_expect_end(struct model *m, __u64 *count)
{
	return count_violations(m, IOMMUFD_MODEL_EXPECT_END, count);
}
