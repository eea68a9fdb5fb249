/*
 * directory.h - block 0: which segments an index has, and where
 *
 * Block 0 is the one source of truth.  A change of it is one WAL record, made under its exclusive
 * lock.  Space that no entry covers is free.  See README.md for the protocol.
 */
#ifndef VECTOR_SEGMENT_DIRECTORY_H
#define VECTOR_SEGMENT_DIRECTORY_H

#include "segment/claim.h"
#include "segment/gaps.h"
#include "segment/space.h"

typedef struct DirectoryOptions
{
	SpaceElement element;
	SpaceMetric metric;
	SpaceStorage storage;
	SpaceMethod method;
	int			dims;
	uint32		features;
	int			m;				/* graph */
	int			ef_construction;
	float		max_alpha;		/* METHOD_DISK */
	int			bits;			/* METHOD_DISK, lists */
	SpaceQuantizer quantizer;	/* for lists, like the rest */
	int			lists;
	int			pq_m;
	float		k1;				/* of words, like the rest */
	float		b;
	uint32		digest[2];
} DirectoryOptions;

/* Defines the setting vector.seed. */
extern void directory_init(void);

/* It, or 0. */
extern uint64 directory_seed(void);

/* Makes block 0 of a new fork. */
extern void directory_create(Relation index, ForkNumber fork, const DirectoryOptions *options);

/*
 * Whether this library can read an index; for the planner, which must not raise an error.  In
 * memory a directory always has the newest version, whatever block 0 has.
 */
extern bool directory_is_readable(Relation index);

/* A palloc'd copy of the directory; raises an error if the format is not ours. */
extern Directory *directory_read(Relation index);

/*
 * Likewise, and no extent that it names is reused until directory_let_go, even if its segment
 * retires.  For processes whose snapshot does not ensure that.  Not to be held for long.
 */
extern Directory *directory_hold(Relation index);
extern void directory_let_go(Relation index, Directory *directory);

/*
 * Likewise, into memory of BLCKSZ bytes; returns false, with nothing copied, if the copy is up to
 * date.
 */
extern bool directory_refresh(Relation index, Directory *copy);

/*
 * Finds room for an extent that will be of a kind, and adds an entry for it as reserved; the caller
 * has the claim on it in exclusive mode, and releases it.  A reserved extent without a claim is
 * abandoned, and its space is free.  On return the file is long enough.  heap is the index's table,
 * or NULL if it is not open.  Returns false if the directory is full.
 */
extern bool directory_reserve(Relation index, Relation heap, SegmentKind kind, uint32 blocks,
							  SegmentEntry *entry);

/* Likewise at a given block; also returns false if the place is not free. */
extern bool directory_reserve_at(Relation index, uint32 blocks, BlockNumber at,
								 SegmentEntry *entry);

/*
 * Whether an extent of this many blocks can be reserved without the file becoming much longer than
 * its contents: as it is; after the segment named here, and perhaps others, have moved; or only
 * once no snapshot needs what was replaced.
 */
typedef enum DirectoryRoom
{
	ROOM_AS_IT_IS, ROOM_BY_MOVE, ROOM_LATER
} DirectoryRoom;

extern DirectoryRoom directory_find_move(Relation index, uint32 blocks, SegmentEntry *move,
										 BlockNumber *to);

/* Makes a reserved extent a segment of a kind. */
extern void directory_publish(Relation index, const SegmentEntry *entry, SegmentKind kind);

/* Some entries of a directory, or that are to come into it. */
typedef struct SegmentSet
{
	SegmentEntry *entries;
	int			count;
} SegmentSet;

/*
 * In one record, makes the outputs, which are reserved extents, sealed segments, and retires the
 * inputs.  Before that, under block 0's exclusive lock, before_flip(arg) is called.  The process
 * has the claims on all of them.
 */
extern void directory_replace(Relation index, const SegmentSet *outputs,
							  const SegmentSet *inputs, void (*before_flip) (void *arg),
							  void *arg);

/* Retires segments that nothing replaces. */
extern void directory_retire(Relation index, const SegmentSet *inputs);

/*
 * Retires the extents of a kind but the newest, and but those that is_named(index, uid) tells to be
 * in use (NULL: none is), and those that another process has a claim on.
 */
extern void directory_retire_older(Relation index, SegmentKind kind,
								   bool (*is_named) (Relation index, uint32 uid));

/* The first block after all extents. */
extern BlockNumber directory_end(const Directory *directory);

/*
 * Changes the place of an extent that has been copied; drops the entries of retired and reserved
 * extents.  For a process that has the index to itself.
 */
extern void directory_move(Relation index, const SegmentEntry *entry, BlockNumber to);
extern void directory_drop_unneeded(Relation index);

extern const SegmentEntry *directory_find(const Directory *directory, uint32 uid);

/* The newest extent of a kind; NULL: there is none. */
extern const SegmentEntry *directory_newest(const Directory *directory, SegmentKind kind);

/* The rows of all segments of a kind, with those that are dead. */
extern double directory_rows(const Directory *directory, SegmentKind kind);

/* Whether the directory has the entry's segment, of the same kind and at the same place. */
extern bool directory_has(const Directory *directory, const SegmentEntry *entry);

/* Pins and locks block 0. */
extern Buffer directory_lock(Relation index, int lock);

/* Likewise in share mode, if the directory has the entry's segment; else InvalidBuffer. */
extern Buffer directory_lock_if_live(Relation index, const SegmentEntry *entry);

/* Whether the segment has rows that are searched. */
static inline bool
segment_is_live(const SegmentEntry *entry)
{
	return entry->kind == SEGMENT_GROWING || entry->kind == SEGMENT_SEALED;
}

/* The blocks of an extent, wherever they are. */
static inline uint64
segment_blocks(const SegmentEntry *entry)
{
	return (uint64) entry->blocks + entry->stored;
}

/* Whether the segment should be rewritten in this library's format. */
static inline bool
segment_has_old_format(const SegmentEntry *entry)
{
	return segment_is_live(entry) && entry->version < SEGMENT_VERSION;
}

/* Whether a new scan or build may still need the segment. */
static inline bool
segment_is_needed(const SegmentEntry *entry)
{
	return segment_is_live(entry) || entry->kind == SEGMENT_CENTROIDS ||
		entry->kind == SEGMENT_CURVES;
}

#endif							/* VECTOR_SEGMENT_DIRECTORY_H */
