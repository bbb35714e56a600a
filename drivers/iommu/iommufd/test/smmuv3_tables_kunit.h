/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recorder of stream table entries and context descriptors: it finds them as a
 * unit does, from STRTAB_BASE on, whenever a command is consumed, and checks what a
 * unit could have read in between.
 */
#ifndef __IOMMUFD_SMMUV3_TABLES_KUNIT_H
#define __IOMMUFD_SMMUV3_TABLES_KUNIT_H

#include "../smmuv3/tables.h"
#include "smmuv3_fake.h"

#define MAX_STATES	16
#define MAX_TRACKS	5

#define SID		0x0108

/**
 * struct state - an entry as the unit can fetch it
 * @val: its words; zeroes if there is none
 * @at: where it is, NULL if there is none
 * @log: commands consumed before it was seen
 * @synced: a SYNC was consumed since
 */
struct state {
	u64 val[8];
	const __le64 *at;
	unsigned int log;
	bool synced;
};

/**
 * struct track - one entry and what it was
 * @sid: of this StreamID
 * @cd: the context descriptor @ssid, else the stream table entry
 * @ssid: which
 * @states: from the beginning on
 * @num: how many
 */
struct track {
	u32 sid;
	bool cd;
	u32 ssid;
	struct state states[MAX_STATES];
	unsigned int num;
};

/**
 * struct tables - a unit with a device, and the recorder
 * @test: for failures
 * @fake: the unit
 * @unit: the same
 * @device: prepared, with contexts; max_pasids as asked
 * @tracks: what is recorded
 * @num_tracks: how many
 * @fetching: (with a reader) odd while a fetch is under way
 */
struct tables {
	struct kunit *test;
	struct smmuv3_fake *fake;
	struct smmuv3_unit *unit;
	struct smmuv3_device *device;
	struct track tracks[MAX_TRACKS];
	unsigned int num_tracks;
	unsigned int fetching;
};

/* Everything is freed with the test. */
struct tables *smmuv3_rec_new(struct kunit *test, const u32 idr[6],
			      unsigned int num_streams, u32 max_pasids);
/* Where the unit finds it, or NULL. */
__le64 *rec_ste(struct tables *t, u32 sid);
__le64 *rec_cd(struct tables *t, u32 sid, u32 ssid);
/* Record from now on. */
struct track *rec_track_ste(struct tables *t, u32 sid);
struct track *rec_track_cd(struct tables *t, u32 sid, u32 ssid);
/* Forget what was recorded; all tracks start anew with what there is. */
void rec_start(struct tables *t);
/* Look at all entries once more. */
void rec_look(struct tables *t);

/* Which bits a unit reads of an entry, from the specification. */
void rec_ste_read(const u64 *val, u64 *mask);
void rec_cd_read(const u64 *val, u64 *mask);
/* Do the two mean the same to a unit? */
bool rec_same(const struct track *track, const u64 *a, const u64 *b);
/*
 * Could one store at a time turn @old to @new? The words in which they differ where
 * both are read.
 */
unsigned int rec_conflicts(const struct track *track, const u64 *old,
			   const u64 *new);
/*
 * Each fetch there can have been meant old or new, or, if not @hitless, nothing;
 * and each change was invalidated before the next.
 */
void rec_check(struct tables *t, const struct track *track, bool hitless,
	       const char *what);
/* SYNCs since rec_start(). */
unsigned int rec_syncs(struct tables *t);

#endif
