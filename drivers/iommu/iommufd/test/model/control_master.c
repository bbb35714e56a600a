// SPDX-License-Identifier: GPL-2.0-only
/*
 * Masters that are no PCI functions, by command of a program: a machine makes
 * them, here they are found again. A master is named by machine and StreamID.
 *
 * Who takes one away holds masters_lock only to say so, not while that happens:
 * the device's driver may wait for a program that has it open. The machine is kept
 * by control.c's lock, for every operation but starting a DMA.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "control.h"
#include "stall_master.h"

/* A leaf but for making a master, which probes its driver */
static DEFINE_MUTEX(masters_lock);
static LIST_HEAD(masters);

/**
 * struct control_master - a master
 * @item: in masters
 * @machine: behind which it is
 * @sid: its StreamID
 * @going: is being taken away: it starts no DMA
 * @master: itself
 */
struct control_master {
	struct list_head item;
	struct model_machine *machine;
	u32 sid;
	bool going;
	struct stall_master *master;
};

static struct control_master *find(u32 machine_id, u32 sid)
{
	struct control_master *entry;

	lockdep_assert_held(&masters_lock);
	list_for_each_entry(entry, &masters, item)
		if (entry->machine->id == machine_id && entry->sid == sid)
			return entry;
	return NULL;
}

static int plug(struct model_machine *machine, struct control_master *entry,
		const struct model_master_config *config, char *name)
{
	if (find(machine->id, config->sid))
		return -EEXIST;
	entry->master = machine->ops->plug_master(machine, config);
	if (IS_ERR(entry->master))
		return PTR_ERR(entry->master);
	entry->machine = machine;
	entry->sid = config->sid;
	list_add_tail(&entry->item, &masters);
	strscpy_pad(name, dev_name(stall_master_device(entry->master)),
		    IOMMUFD_MODEL_NAME_LEN);
	return 0;
}

/**
 * model_control_plug_master() - make a master
 * @machine: where; stays
 * @cmd: what is wanted; its name is filled in
 *
 * Return: 0; -EOPNOTSUPP: the machine has no such masters; -EEXIST: the StreamID is
 * in use; -EINVAL; -ENOMEM; or what adding the device said.
 */
int model_control_plug_master(struct model_machine *machine,
			      struct iommufd_model_master *cmd)
{
	const struct model_master_config config = {
		.sid = cmd->sid,
		.ssid_bits = cmd->pasid_bits,
		.can_stall = !(cmd->flags & IOMMUFD_MODEL_MASTER_NO_STALL),
	};
	struct control_master *entry;
	int rc;

	if (!machine->ops->plug_master)
		return -EOPNOTSUPP;
	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	mutex_lock(&masters_lock);
	rc = plug(machine, entry, &config, cmd->out_name);
	mutex_unlock(&masters_lock);
	if (rc)
		kfree(entry);
	return rc;
}

/* The one with this StreamID, or any: nobody else takes it away then. */
static struct control_master *take(const struct model_machine *machine,
				   const u32 *sid)
{
	struct control_master *entry;

	mutex_lock(&masters_lock);
	list_for_each_entry(entry, &masters, item) {
		if (entry->machine != machine || entry->going ||
		    (sid && entry->sid != *sid))
			continue;
		entry->going = true;
		mutex_unlock(&masters_lock);
		return entry;
	}
	mutex_unlock(&masters_lock);
	return NULL;
}

static void unplug(struct control_master *entry)
{
	stall_master_destroy(entry->master);
	mutex_lock(&masters_lock);
	list_del(&entry->item);
	mutex_unlock(&masters_lock);
	kfree(entry);
}

/**
 * model_control_unplug_master() - take a master away
 * @machine: where it is; stays
 * @sid: its StreamID
 *
 * Waits for who has it open.
 *
 * Return: 0; -ENODEV: there is none.
 */
int model_control_unplug_master(struct model_machine *machine, u32 sid)
{
	struct control_master *entry = take(machine, &sid);

	if (!entry)
		return -ENODEV;
	unplug(entry);
	return 0;
}

/**
 * model_control_unplug_masters() - take all masters of a machine away
 * @machine: the machine; it gets no others
 */
void model_control_unplug_masters(struct model_machine *machine)
{
	struct control_master *entry;

	while ((entry = take(machine, NULL)))
		unplug(entry);
}

/**
 * model_control_master_dma() - have a master do a DMA
 * @machine_id: where it is
 * @sid: its StreamID
 * @params: what to do
 * @buf: as stall_dma_start() takes it, also on error
 *
 * Return: as stall_dma_start(); ERR_PTR(-ENODEV): there is no such master.
 */
struct stall_dma *
model_control_master_dma(u32 machine_id, u32 sid,
			 const struct model_dma_params *params, void *buf)
{
	struct stall_dma *dma = ERR_PTR(-ENODEV);
	struct control_master *entry;

	mutex_lock(&masters_lock);
	entry = find(machine_id, sid);
	if (entry && !entry->going)
		dma = stall_dma_start(entry->master, params, buf);
	else
		kvfree(buf);
	mutex_unlock(&masters_lock);
	return dma;
}
