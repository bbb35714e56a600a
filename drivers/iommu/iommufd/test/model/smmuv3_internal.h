/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of the SMMUv3 model, and by nothing else. */
#ifndef __IOMMUFD_MODEL_SMMUV3_INTERNAL_H
#define __IOMMUFD_MODEL_SMMUV3_INTERNAL_H

#include <linux/bits.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "grant.h"
#include "smmuv3.h"
#include "smmuv3_fields.h"

/* What caused a fault of translation (7.3): CLASS */
#define SMMUV3_CLASS_CD		0
#define SMMUV3_CLASS_TT		1
#define SMMUV3_CLASS_IN		2

/* Sizes of what the model holds */
#define SMMUV3_CACHE_ENTRIES	8192
#define SMMUV3_CACHE_BITS	12
#define SMMUV3_MASTERS		256
#define SMMUV3_STALL_BITS	11
#define SMMUV3_STALLS		BIT(SMMUV3_STALL_BITS)

/* How often a walk starts again because somebody else changed a descriptor */
#define SMMUV3_WALK_TRIES	100

/**
 * struct smmuv3_request - a transaction on its way through the unit
 * @sid: StreamID
 * @ssv: @ssid is valid
 * @ssid: SubstreamID, as it came
 * @addr: byte address, as it came
 * @write: it writes; else it reads
 * @inst: a read of instructions, after the STE's override
 * @priv: privileged, likewise
 * @ats: a translation request: what is denied is not a fault
 * @no_dirty: (@ats) write permission is not asked for
 * @perm: MODEL_*, as it came
 */
struct smmuv3_request {
	u32 sid;
	bool ssv;
	u32 ssid;
	u64 addr;
	bool write;
	bool inst;
	bool priv;
	bool ats;
	bool no_dirty;
	u32 perm;
};

/**
 * struct smmuv3_fault - why a transaction did not pass
 * @type: number of the event (7.3), SMMUV3_SILENT, or 0: it did
 * @config: of configuration or bypass: always terminates with an abort
 * @s2: at stage 2
 * @class: SMMUV3_CLASS_*
 * @ipa: what stage 2 could not translate
 * @fetch: physical address that could not be read
 * @write_tt: (CLASS_TT) an update of the descriptor, not reading it, was refused
 * @ssid: (C_BAD_SUBSTREAMID) what it tried
 */
struct smmuv3_fault {
	u8 type;
	bool config;
	bool s2;
	u8 class;
	u64 ipa;
	u64 fetch;
	bool write_tt;
	u32 ssid;
};

/* Of a translation: what stage 1 says */
#define SMMUV3_ATTR_S1		BIT(0)
#define SMMUV3_ATTR_RO		BIT(1)
#define SMMUV3_ATTR_EL0		BIT(2)
#define SMMUV3_ATTR_UXN		BIT(3)
#define SMMUV3_ATTR_PXN		BIT(4)
#define SMMUV3_ATTR_S1_DBM	BIT(5)
#define SMMUV3_ATTR_GLOBAL	BIT(6)
/* hierarchical control took writing away, so that DBM cannot give it */
#define SMMUV3_ATTR_RO_TABLE	BIT(7)
/* and what stage 2 says */
#define SMMUV3_ATTR_S2		BIT(8)
#define SMMUV3_ATTR_S2_R	BIT(9)
#define SMMUV3_ATTR_S2_W	BIT(10)
#define SMMUV3_ATTR_S2_XN	BIT(11)
#define SMMUV3_ATTR_S2_DBM	BIT(12)
#define SMMUV3_ATTR_S2_DEVICE	BIT(13)

/**
 * struct smmuv3_leaf - a translation, of one stage or of both
 * @in: input address, aligned to @size
 * @out: output address, aligned to @size
 * @ipa: (both stages) what stage 1 made of @in
 * @size: bytes
 * @attr: SMMUV3_ATTR_*
 * @tg: granule of the table, as CMD_TLBI encodes it: 1 to 3
 * @level: of the descriptor; the lower granule's of both stages
 */
struct smmuv3_leaf {
	u64 in;
	u64 out;
	u64 ipa;
	u64 size;
	u32 attr;
	u8 tg;
	u8 level;
};

/* StreamWorld: who TLB entries belong to (3.3.3) */
enum smmuv3_world {
	SMMUV3_EL1,
	SMMUV3_EL2,
	SMMUV3_EL2_E2H,
};

/**
 * struct smmuv3_context - what a transaction is translated by
 * @model: unit
 * @req: transaction; its privilege and kind are overridden by the STE
 * @ste: its STE; @cd: its CD, if @s1
 * @s1: stage 1 translates; @s2: stage 2 does
 * @world: of it
 * @vmid: tag, 0 where there is none; @asid: likewise
 */
struct smmuv3_context {
	struct smmuv3_model *model;
	struct smmuv3_request *req;
	u64 ste[8];
	u64 cd[8];
	bool s1;
	bool s2;
	enum smmuv3_world world;
	u16 vmid;
	u16 asid;
};

/* What a cached entry is of. */
enum smmuv3_cached_kind {
	SMMUV3_CACHED_FREE,
	SMMUV3_CACHED_L1STD,
	SMMUV3_CACHED_STE,
	SMMUV3_CACHED_L1CD,
	SMMUV3_CACHED_CD,
	/* address of a stage-1 table, by virtual address */
	SMMUV3_CACHED_WALK_S1,
	/* address of a stage-2 table, by intermediate address */
	SMMUV3_CACHED_WALK_S2,
	/* virtual to physical, through one stage or both */
	SMMUV3_CACHED_TLB_S1,
	/* intermediate to physical */
	SMMUV3_CACHED_TLB_S2,
};

/**
 * struct smmuv3_tag - what a cached entry is found by
 * @kind: which cache
 * @world: of walks and TLBs
 * @sid: of configuration
 * @vmid: of walks and TLBs; @asid: of those of stage 1
 * @addr: input address, or first StreamID or SubstreamID
 * @size: of the same; a power of two
 * @extra: more than one entry may have the rest in common: level of a table
 */
struct smmuv3_tag {
	enum smmuv3_cached_kind kind;
	enum smmuv3_world world;
	u32 sid;
	u16 vmid;
	u16 asid;
	u64 addr;
	u64 size;
	u8 extra;
};

/**
 * struct smmuv3_cached - an entry of one of the caches (16.2)
 * @hash: in its bucket
 * @age: in the order they were filled
 * @tag: what it is of
 * @global: (TLB of stage 1) for every ASID
 * @tg: (walks, TLBs) granule; @level: of the descriptor
 * @data: configuration: 1 or 8 words. Walks: address, attributes. TLB: output
 *	address, SMMUV3_ATTR_*, intermediate address
 */
struct smmuv3_cached {
	struct hlist_node hash;
	struct list_head age;
	struct smmuv3_tag tag;
	bool global;
	u8 tg;
	u8 level;
	u64 data[8];
};

/**
 * struct smmuv3_scope - which cached entries an invalidation is for
 * @kinds: bit mask of enum smmuv3_cached_kind
 * @keep: of them, those that stay, because a test wants it
 * @op: of the command; what stays is counted by it
 * @by_world: only of @world
 * @by_sid: only from @sid to @last_sid
 * @by_vmid: only of @vmid
 * @by_asid: only of @asid
 * @global: (@by_asid) what is global, too
 * @by_addr: only what overlaps [@addr, @last]
 * @tg: 0, or only of that granule
 * @ttl: 0, or leaves only of that level
 */
struct smmuv3_scope {
	unsigned long kinds, keep;
	u8 op;
	bool by_world, by_sid, by_vmid, by_asid, global, by_addr;
	enum smmuv3_world world;
	u32 sid, last_sid;
	u16 vmid, asid;
	u64 addr, last;
	u8 tg, ttl;
};

/**
 * struct smmuv3_master - who is connected to the port
 * @fn: it, or NULL
 * @sid: its StreamID
 * @busy: calls into it under way
 */
struct smmuv3_master {
	struct model_function *fn;
	u16 sid;
	unsigned int busy;
};

/* Of an entry of the stall buffer (3.12.2) */
enum smmuv3_stall_state {
	SMMUV3_STALL_FREE,
	/* waits for room in the event queue or for a tag */
	SMMUV3_STALL_WAITS,
	/* software knows */
	SMMUV3_STALL_RECORDED,
	/* its end is on its way to the master */
	SMMUV3_STALL_ENDS,
};

/**
 * struct smmuv3_stall - a stalled transaction
 * @state: of it
 * @generation: makes its next tag another one
 * @sid: StreamID
 * @tag: the master's name for it
 * @orphan: the master is gone
 * @how: (ENDS) what the master is told
 */
struct smmuv3_stall {
	enum smmuv3_stall_state state;
	u8 generation;
	u16 sid;
	u32 tag;
	bool orphan;
	enum model_resume how;
};

/* A queue (3.5) */
enum smmuv3_queue_which {
	SMMUV3_CMDQ,
	SMMUV3_EVENTQ,
	SMMUV3_PRIQ,
	SMMUV3_NUM_QUEUES,
};

/**
 * struct smmuv3_queue - registers of a queue
 * @base: SMMU_*Q_BASE
 * @prod: as it reads, with the overflow flag
 * @cons: as it reads, with error or acknowledgment
 */
struct smmuv3_queue {
	u64 base;
	u32 prod;
	u32 cons;
};

/**
 * struct smmuv3_irq_cfg - registers of an interrupt
 * @addr: SMMU_*_IRQ_CFG0
 * @data: CFG1
 * @attr: CFG2
 */
struct smmuv3_irq_cfg {
	u64 addr;
	u32 data;
	u32 attr;
};

/**
 * struct smmuv3_effect - what a command wants of the outside
 * @sid: of whom
 * @atc: invalidate there
 * @response: give it a page response
 * @ssv: @ssid is meant
 * @ssid: of it
 * @global: of every substream
 * @addr: first address
 * @size: bytes; 0: everything
 * @grpid: page request group
 * @code: MODEL_PRG_*
 * @sync: it is a CMD_SYNC, and signals by @cs
 * @cs: completion signal
 * @msi_addr: of the signal
 * @msi_data: likewise
 */
struct smmuv3_effect {
	u32 sid;
	bool atc;
	bool response;
	bool ssv;
	u32 ssid;
	bool global;
	u64 addr;
	u64 size;
	u16 grpid;
	u8 code;
	bool sync;
	u8 cs;
	u64 msi_addr;
	u32 msi_data;
};

/* ATC invalidations that a function can withhold the completions of */
#define SMMUV3_WITHHELD_MAX	64

/**
 * struct smmuv3_model - a unit
 * @port: for masters
 * @config: constant
 * @lock: everything below; a leaf, never held when somebody else's code is called
 * @raise: interrupts to raise when @lock is let go, enum smmuv3_model_irq
 * @late: those that @delay brings
 * @delay: brings a late interrupt
 * @cr0: control; @cr1, @cr2, @gbpa, @irq_ctrl: likewise
 * @gerror: what the unit toggled; @gerrorn: what software acknowledged
 * @strtab: SMMU_STRTAB_BASE; @strtab_cfg: its configuration
 * @irqs: configuration of interrupts, GERROR to PRIQ
 * @queues: registers of queues
 * @consuming: somebody consumes commands
 * @atc_failed: an ATC invalidation was not answered since the last CMD_SYNC
 * @withheld: ATC invalidations whose completions a function withholds
 * @num_withheld: how many. Those that find no room are not answered at all
 * @ill_at: CMDQ_CONS.RD at which the command is illegal because a test wants it,
 *	or ~0; @ill: that command
 * @stalls: buffer of stalled transactions
 * @num_recorded: of those with a tag that software knows; @num_waiting: of those
 *	that wait for one
 * @stalls_end: some are SMMUV3_STALL_ENDS
 * @masters: connected ones
 * @inject: per enum smmuv3_model_inject; 0 is off
 * @counts: what happened
 * @cached: pool of entries, SMMUV3_CACHE_ENTRIES
 * @buckets: of those in use
 * @ages: those in use, oldest first; @unused: the others
 */
struct smmuv3_model {
	struct model_port port;
	struct smmuv3_model_config config;
	raw_spinlock_t lock;
	unsigned long raise;
	unsigned long late;
	struct hrtimer delay;
	u32 cr0;
	u32 cr1;
	u32 cr2;
	u32 gbpa;
	u32 irq_ctrl;
	u32 gerror;
	u32 gerrorn;
	u64 strtab;
	u32 strtab_cfg;
	struct smmuv3_irq_cfg irqs[SMMUV3_MODEL_IRQ_CMD_SYNC];
	struct smmuv3_queue queues[SMMUV3_NUM_QUEUES];
	bool consuming;
	bool atc_failed;
	struct smmuv3_effect withheld[SMMUV3_WITHHELD_MAX];
	unsigned int num_withheld;
	u32 ill_at;
	u64 ill[2];
	struct smmuv3_stall stalls[SMMUV3_STALLS];
	unsigned int num_recorded;
	unsigned int num_waiting;
	bool stalls_end;
	struct smmuv3_master masters[SMMUV3_MASTERS];
	unsigned long inject[SMMUV3_MODEL_NUM_INJECTS];
	struct smmuv3_model_counts counts;
	struct smmuv3_cached *cached;
	struct hlist_head buckets[1 << SMMUV3_CACHE_BITS];
	struct list_head ages;
	struct list_head unused;
};

/* smmuv3_unit.c */
unsigned long smmuv3_lock(struct smmuv3_model *model) __acquires(&model->lock);
void smmuv3_unlock(struct smmuv3_model *model, unsigned long flags)
	__releases(&model->lock);
bool smmuv3_injected(struct smmuv3_model *model, enum smmuv3_model_inject what);
unsigned int smmuv3_oas(const struct smmuv3_model *model);
struct smmuv3_master *smmuv3_master_get(struct smmuv3_model *model, u32 sid);
void smmuv3_master_put(struct smmuv3_model *model, struct smmuv3_master *master);

/* smmuv3_irq.c */
void smmuv3_interrupt(struct smmuv3_model *model, enum smmuv3_model_irq which);
void smmuv3_gerror(struct smmuv3_model *model, u32 bit);
bool smmuv3_model_gerror_active(const struct smmuv3_model *model, u32 bit);
void smmuv3_raise(struct smmuv3_model *model, unsigned long which);
bool smmuv3_msi(struct smmuv3_model *model, u64 addr, u32 data);
int smmuv3_irq_create(struct smmuv3_model *model);
void smmuv3_irq_destroy(struct smmuv3_model *model);
void smmuv3_irq_hurry(struct smmuv3_model *model);

/* smmuv3_memory.c */
void *smmuv3_memory(const struct smmuv3_model *model, u64 pa);
bool smmuv3_memory_known(u64 pa);
bool smmuv3_memory_read(const struct smmuv3_model *model, u64 pa, u64 *words,
			unsigned int num);
bool smmuv3_memory_update(const struct smmuv3_model *model, u64 pa, u64 old,
			  u64 val);
bool smmuv3_memory_copy(const struct smmuv3_model *model, u64 pa, bool write,
			void *buf, size_t len);

/* smmuv3_cache.c */
int smmuv3_cache_create(struct smmuv3_model *model);
void smmuv3_cache_destroy(struct smmuv3_model *model);
struct smmuv3_cached *smmuv3_cache_find(struct smmuv3_model *model,
					const struct smmuv3_tag *tag);
struct smmuv3_cached *smmuv3_cache_add(struct smmuv3_model *model,
				       const struct smmuv3_tag *tag);
void smmuv3_cache_drop(struct smmuv3_model *model,
		       const struct smmuv3_scope *scope);

/* smmuv3_queue.c */
u32 smmuv3_queue_bits(const struct smmuv3_queue *queue);
u32 smmuv3_queue_used(const struct smmuv3_queue *queue);
bool smmuv3_queue_full(const struct smmuv3_queue *queue);
u64 smmuv3_queue_entry(const struct smmuv3_queue *queue, u32 index,
		       unsigned int bytes);
u32 smmuv3_queue_next(const struct smmuv3_queue *queue, u32 index);
bool smmuv3_queue_overflow(struct smmuv3_queue *queue);

/* smmuv3_event.c */
bool smmuv3_event_writable(const struct smmuv3_model *model);
bool smmuv3_event(struct smmuv3_model *model, const struct smmuv3_request *req,
		  const struct smmuv3_fault *fault, bool stall, u16 stag);

/* smmuv3_stall.c */
bool smmuv3_stall(struct smmuv3_model *model, const struct smmuv3_request *req,
		  const struct smmuv3_fault *fault, u32 tag);
void smmuv3_stall_resume(struct smmuv3_model *model, u32 sid, u16 stag,
			 enum model_resume how);
void smmuv3_stall_terminate(struct smmuv3_model *model, u32 sid, bool all);
void smmuv3_stall_retry_waiting(struct smmuv3_model *model);
void smmuv3_stall_orphan(struct smmuv3_model *model, u16 sid);
bool smmuv3_stall_next(struct smmuv3_model *model, u16 *sid, u32 *tag,
		       enum model_resume *how);

/* smmuv3_config.c */
void smmuv3_fetch_ste(struct smmuv3_model *model, u32 sid, u64 ste[8],
		      struct smmuv3_fault *fault);
bool smmuv3_has_substreams(const struct smmuv3_context *ctx);
void smmuv3_configure(struct smmuv3_context *ctx, struct smmuv3_fault *fault);

/* smmuv3_legal.c */
bool smmuv3_ste_legal(const struct smmuv3_model *model, const u64 ste[8]);
bool smmuv3_cd_legal(const struct smmuv3_context *ctx);
unsigned int smmuv3_granule(const struct smmuv3_model *model, unsigned int tg,
			    bool upper);
unsigned int smmuv3_ps(const struct smmuv3_model *model, unsigned int ps);
int smmuv3_s2_start(unsigned int granule, unsigned int sl0);

/* smmuv3_walk.c */
u64 smmuv3_canonical(const struct smmuv3_context *ctx, u64 addr);
void smmuv3_stage2(struct smmuv3_context *ctx, u64 ipa, u8 class, u32 want,
		   struct smmuv3_leaf *leaf, struct smmuv3_fault *fault);
void smmuv3_stage1(struct smmuv3_context *ctx, struct smmuv3_leaf *leaf,
		   struct smmuv3_fault *fault);

/* smmuv3_rights.c */
u32 smmuv3_wanted(const struct smmuv3_request *req);
u32 smmuv3_rights_s1(const struct smmuv3_context *ctx, u32 attr);
u32 smmuv3_rights_s2(u32 attr);
u32 smmuv3_dirty_s1(const struct smmuv3_context *ctx, u32 attr, u32 want);
u32 smmuv3_dirty_s2(const struct smmuv3_context *ctx, u32 attr, u32 want);
void smmuv3_check_s1(const struct smmuv3_context *ctx, u32 attr, u32 want,
		     struct smmuv3_fault *fault);
void smmuv3_check_s2(const struct smmuv3_context *ctx, u32 attr, u8 class,
		     u64 ipa, u32 want, struct smmuv3_fault *fault);

/* smmuv3_translate.c */
struct smmuv3_cached *smmuv3_tlb_find(struct smmuv3_context *ctx,
				      enum smmuv3_cached_kind kind, u64 addr);
void smmuv3_tlb_add(struct smmuv3_context *ctx, enum smmuv3_cached_kind kind,
		    const struct smmuv3_leaf *leaf);
void smmuv3_tlb_leaf(const struct smmuv3_cached *entry, struct smmuv3_leaf *leaf);
void smmuv3_translate(struct smmuv3_context *ctx, struct smmuv3_leaf *leaf,
		      struct smmuv3_fault *fault);

/* smmuv3_ats.c */
enum model_status smmuv3_ats_translate(struct smmuv3_model *model,
				       const struct model_tlp *tlp, bool no_write,
				       struct model_translation *result);
enum model_status smmuv3_ats_access(struct smmuv3_model *model,
				    const struct model_tlp *tlp, void *buf,
				    size_t len);

/* smmuv3_pri.c */
enum model_status smmuv3_page_request(struct smmuv3_model *model,
				      const struct model_tlp *tlp, u16 grpid,
				      bool last);

/* smmuv3_cmdq.c */
void smmuv3_withheld_end(struct smmuv3_model *model, bool timeout);
void smmuv3_consume(struct smmuv3_model *model);
void smmuv3_consume_wait(struct smmuv3_model *model);

/* smmuv3_command.c */
bool smmuv3_command(struct smmuv3_model *model, const u64 cmd[2],
		    struct smmuv3_effect *effect);
u32 smmuv3_command_family(const u64 cmd[2]);

/* smmuv3_tlbi.c */
bool smmuv3_tlbi(struct smmuv3_model *model, const u64 cmd[2], bool keep_tables);

static inline unsigned int smmuv3_op(const u64 cmd[2])
{
	return cmd[0] & 0xff;
}

static inline bool smmuv3_on(const struct smmuv3_model *model, u64 bit)
{
	return model->cr0 & bit;
}

#endif
