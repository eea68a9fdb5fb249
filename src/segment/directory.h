/*
 * directory.h - block 0: which segments an index has, and where
 *
 * The one source of truth.  A change is one logged record of block 0 under its exclusive lock.
 * Free space is what no entry names.  See README.md for the protocol.
 */
#ifndef VECTOR_SEGMENT_DIRECTORY_H
#define VECTOR_SEGMENT_DIRECTORY_H

#include "segment/extent.h"
#include "segment/space.h"

/*
 * Heavyweight page locks, of blocks that no index has: reading extents without a snapshot, or with
 * VACUUM's, against the reuse of extents; one maker of growing segments.  The lock of an extent's
 * first block is the right to replace a segment, or to write a reserved one.
 */
#define VACUUM_LOCK_BLOCK	(MaxBlockNumber - 1)
#define GROW_LOCK_BLOCK		(MaxBlockNumber - 2)

typedef struct DirectoryOptions
{
	SpaceElement element;
	SpaceMetric metric;
	SpaceStorage storage;
	SpaceMethod method;
	int			dims;
	int			m;				/* graph */
	int			ef_construction;
	SpaceQuantizer quantizer;	/* lists, and what follows */
	int			bits;
	int			lists;
	int			pq_m;
} DirectoryOptions;

/* Makes block 0 of a new fork. */
extern void directory_create(Relation index, ForkNumber fork, const DirectoryOptions *options);

/*
 * Whether an index is in a format that this library reads: for the planner, which raises no error.
 */
extern bool directory_is_readable(Relation index);

/* A palloc'd copy of the directory; an error if the format is not ours. */
extern Directory *directory_read(Relation index);

/*
 * The same, and no extent that it names is reused until it is let go, whether its segment retires
 * or not: for processes whose snapshot does not see to that.  Not to be held for long.
 */
extern Directory *directory_hold(Relation index);
extern void directory_let_go(Relation index, Directory *directory);

/*
 * The same into memory of BLCKSZ; false, and nothing copied, if `change` is the directory's
 * already.
 */
extern bool directory_refresh(Relation index, Directory *copy);

/*
 * Takes the right to replace a segment; false, if !wait, where another has it.  Whether the segment
 * is still live is to be seen in the directory after that.
 */
extern bool directory_claim(Relation index, const SegmentEntry *entry, bool wait);
extern void directory_unclaim(Relation index, const SegmentEntry *entry);

/*
 * Finds room for an extent and names it as reserved; the caller has the claim on it until it
 * unclaims it.  What is reserved and not claimed is abandoned, and free.  The file is long enough
 * on return.  heap is the index's table, or NULL where it is not at hand.  Returns false if the
 * directory is full.
 */
extern bool directory_reserve(Relation index, Relation heap, uint32 blocks, SegmentEntry *entry);

/* A reserved extent becomes a growing segment, or centroids. */
extern void directory_publish(Relation index, const SegmentEntry *entry, SegmentKind kind);

/*
 * In one record: the outputs, reserved extents, become sealed segments, and the inputs retire.
 * Before, under block 0's exclusive lock, before_flip(arg) is called, if there is one.
 */
extern void directory_replace(Relation index, const SegmentEntry *outputs, int output_count,
							  const uint32 *inputs, int input_count,
							  void (*before_flip) (void *arg), void *arg);

/*
 * Frees what is retired, fills gaps with what lies last, and gives the end of the file back;
 * nothing if anybody else uses the index.  Not for parallel mode.
 */
extern void directory_truncate(Relation index);

extern const SegmentEntry *directory_find(const Directory *directory, uint32 uid);

/* Pins and locks block 0. */
extern Buffer directory_lock(Relation index, int lock);

/* Does so, shared, if it names a segment as the entry does; InvalidBuffer if not. */
extern Buffer directory_lock_if_live(Relation index, const SegmentEntry *entry);

/* For qsort of entries: by first block, by uid. */
extern int	segment_compare_place(const void *a, const void *b);
extern int	segment_compare_age(const void *a, const void *b);

/* Whether it has rows that are searched. */
static inline bool
segment_is_live(const SegmentEntry *entry)
{
	return entry->kind == SEGMENT_GROWING || entry->kind == SEGMENT_SEALED;
}

/* Whether an index needs it that nobody is at. */
static inline bool
segment_is_needed(const SegmentEntry *entry)
{
	return segment_is_live(entry) || entry->kind == SEGMENT_CENTROIDS;
}

#endif							/* VECTOR_SEGMENT_DIRECTORY_H */
