/*
 * compact.c - moving extents into gaps before them, and truncating the file
 */
#include "segment/compact.h"

#include "access/xact.h"
#include "access/xloginsert.h"
#include "catalog/storage.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/wait_event.h"

#include "segment/directory.h"
#include "segment/tombstones.h"

/* The file is truncated only if the index can be locked exclusively within this many tries. */
#define LOCK_TRIES			10
#define LOCK_PAUSE_MS		20

/*
 * Gaps are closed if they are more than one block in MAX_GAP_FRACTION; or if, together with the
 * space of dead rows, they are more than one in MAX_WASTE_FRACTION and alone one in
 * MIN_GAP_FRACTION.
 */
#define MAX_GAP_FRACTION	8
#define MAX_WASTE_FRACTION	6
#define MIN_GAP_FRACTION	32

/*
 * The number of blocks of the directory and of the extents, all of them or only the needed ones.
 */
static uint32
used_blocks(const Directory *directory, bool all)
{
	uint32		blocks = 1;

	for (uint32 i = 0; i < directory->count; i++)
		if (all || segment_is_needed(&directory->entries[i]))
			blocks += directory->entries[i].blocks;
	return blocks;
}

/* Whether another process waits for the lock by which we have the index alone. */
#define in_the_way(index)	LockHasWaitersRelation(index, AccessExclusiveLock)

/* Copies an extent's blocks to another place; returns false if it was abandoned. */
static bool
copy_extent(Extent from, Extent to)
{
	for (uint32 i = 0; i < from.blocks; i++)
	{
		extent_copy_block(from, to, i, false);
		CHECK_FOR_INTERRUPTS();
		if (i % 128 == 127 && in_the_way(from.index))
			return false;
	}
	return true;
}

/*
 * Moves an extent; a block stores its place in its extent, not in the file, so a copy suffices.
 */
static bool
move_extent(Relation index, const SegmentEntry *entry, BlockNumber to)
{
	Extent		from = extent_of(index, entry);
	Extent		copy = from;

	/* no other process reads the blocks that move, or those that they move to */
	Assert(CheckRelationLockedByMe(index, AccessExclusiveLock, false));
	copy.first = to;
	extent_extend_file(index, to + entry->blocks);
	if (!copy_extent(from, copy))
		return false;
	directory_move(index, entry, to);
	return true;
}

/*
 * Takes a step to close gaps.  The last extent moves into the smallest gap that it fits into.  If
 * it fits into none, and gaps are more than an eighth of what follows the first gap, the extent
 * after that gap moves into it, or to the end, so that the gap grows by its size.  Returns false
 * if gaps are small, or the step was abandoned.
 */
static bool
close_gap(Relation index)
{
	Directory  *directory = directory_read(index);
	SegmentEntry *sorted = gaps_sort(directory->entries, directory->count);
	BlockNumber end = gaps_end(sorted, directory->count);
	BlockNumber gap = DIRECTORY_BLOCK + 1;
	BlockNumber to;
	uint32		gaps = end - used_blocks(directory, true);
	uint32		i = 0;
	bool		moved = false;

	for (; i < directory->count && sorted[i].first == gap; i++)
		gap += sorted[i].blocks;
	if (gaps > end / MIN_GAP_FRACTION)
	{
		const SegmentEntry *last = &sorted[directory->count - 1];

		to = gaps_find(sorted, directory->count, last->blocks);
		if (to != InvalidBlockNumber)
			moved = move_extent(index, last, to);
		else if (gaps > (end - gap) / MAX_GAP_FRACTION)
		{
			to = sorted[i].blocks <= sorted[i].first - gap ? gap : end;
			moved = move_extent(index, &sorted[i], to);
		}
	}
	pfree(sorted);
	pfree(directory);
	return moved;
}

/* The number of blocks that dead rows take in sealed segments. */
static uint32
dead_blocks(Relation index, const Directory *directory)
{
	double		blocks = 0;

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (entry->kind == SEGMENT_SEALED && entry->rows > 0)
			blocks += (double) entry->blocks * sealed_dead(index, entry) / entry->rows;
	}
	return (uint32) blocks;
}

/* Whether so many blocks can be freed that it is worth an exclusive lock. */
static bool
is_worth_truncating(Relation index)
{
	Directory  *directory = directory_hold(index);
	BlockNumber length = RelationGetNumberOfBlocks(index);
	uint32		gaps = length - used_blocks(directory, false);
	bool		worth = gaps > length / MAX_GAP_FRACTION;

	if (!worth && gaps > length / MIN_GAP_FRACTION)
		worth = gaps + dead_blocks(index, directory) > length / MAX_WASTE_FRACTION;
	directory_let_go(index, directory);
	return worth;
}

/* Locks the index exclusively, if that does not take long; a worker may be giving way. */
static bool
lock_alone(Relation index)
{
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		if (ConditionalLockRelation(index, AccessExclusiveLock))
			return true;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOCK_PAUSE_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

/*
 * With the index to itself, this process knows that no scan may still read a retired extent, and
 * that nothing is being built in a reserved one.  A scan that begins later reads the later
 * directory, whatever its snapshot.
 */
void
segment_compact(Relation index)
{
	BlockNumber end;

	/* the lock also affects standbys, so take it only if it is worth it */
	if (IsInParallelMode() || !is_worth_truncating(index) || !lock_alone(index))
		return;
	directory_drop_unneeded(index);
	for (uint32 steps = 0; steps < 2 * DIRECTORY_MAX_ENTRIES && close_gap(index); steps++)
		;
	end = directory_end(directory_read(index));
	if (end < RelationGetNumberOfBlocks(index))
		RelationTruncate(index, end);
	UnlockRelation(index, AccessExclusiveLock);
}
