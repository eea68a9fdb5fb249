/*
 * build_memory.c - the memory of a build's participants
 *
 * Memory comes in pieces, each larger than the one before: from the leader's own memory if it is
 * alone, else as segments of dynamic shared memory.  A piece is used from both ends: from the front
 * by a batch, which frees all of that at once, and from the back by what stays until the end of the
 * build.  A system may have little shared memory (a container's /dev/shm of 64 MB).  If it refuses
 * a piece while rows are loaded, that is not an error; the memory counts as full.
 */
#include "graph_segment/build_internal.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/wait_event.h"

#include "shared/memory.h"

#define PIECE_SHIFT		48		/* of a handle: piece + 1 above it, the offset below */
#define MIN_PIECE		((Size) 1024 * 1024)
#define PIECE_GROWTH	2		/* a piece has at most the size of all before it divided by this, */
#define SMALL_PIECES	8		/* and if the memory is small, at least that divided by this */
#define LATE_GROWTH		8		/* once the memory is full, all before it divided by this */
#define CHUNKS			256		/* chunks that a full memory is divided into, at least */

Size
build_chunk_size(Size memory)
{
	Size		chunk = 16 * 1024;

	while (chunk < 16 * 1024 * 1024 && chunk * 2 <= memory / CHUNKS)
		chunk *= 2;
	return chunk;
}

uint64
build_take(BuildShared *shared, Size size, bool stays)
{
	size = MAXALIGN(size);
	for (int i = 0; i < shared->piece_count; i++)
	{
		BuildPiece *piece = &shared->pieces[i];
		Size		offset = piece->front;

		if (piece->back - piece->front < size)
			continue;
		if (stays)
			offset = piece->back -= size;
		else
			piece->front += size;
		return (uint64) (i + 1) << PIECE_SHIFT | offset;
	}
	return 0;
}

void *
build_address(SegmentBuild *build, uint64 handle)
{
	int			i = (int) (handle >> PIECE_SHIFT) - 1;

	Assert(handle != 0);
	if (unlikely(build->pieces[i] == NULL))
	{
		uint64		place = build->shared->pieces[i].place;

		if (build->alone)
			build->pieces[i] = (char *) (uintptr_t) place;
		else
		{
			build->segments[i] = dsm_attach((dsm_handle) place);
			if (build->segments[i] == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("could not map dynamic shared memory segment")));
			build->pieces[i] = dsm_segment_address(build->segments[i]);
		}
	}
	return build->pieces[i] + (handle & ((UINT64CONST(1) << PIECE_SHIFT) - 1));
}

/* Makes it known to all participants that there is a new piece. */
static void
publish_piece(BuildShared *shared, uint64 place, Size size)
{
	SpinLockAcquire(&shared->mutex);
	shared->pieces[shared->piece_count] = (BuildPiece) {
		.place = place, .size = size, .back = size
	};
	shared->piece_count++;
	shared->reserved += size;
	SpinLockRelease(&shared->mutex);
}

/* Makes a piece of this size; returns false if it is refused. */
static bool
make_piece(SegmentBuild *build, Size size)
{
	BuildShared *shared = build->shared;
	int			i = shared->piece_count;
	uint64		place;

	if (build->alone)
	{
		build->pieces[i] = MemoryContextAllocExtended(build->context, size,
													  MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
		if (build->pieces[i] == NULL)
			return false;
		place = (uint64) (uintptr_t) build->pieces[i];
	}
	else
	{
		build->segments[i] = shared_memory_try(size);
		if (build->segments[i] == NULL)
			return false;
		build->pieces[i] = dsm_segment_address(build->segments[i]);
		place = dsm_segment_handle(build->segments[i]);
	}
	publish_piece(shared, place, size);
	return true;
}

/*
 * Claims the right to make a piece.  If another participant is making one, waits until it has
 * finished and returns false, because that piece may have room for this participant as well.
 */
static bool
begin_growing(BuildShared *shared)
{
	bool		growing;

	SpinLockAcquire(&shared->mutex);
	growing = shared->growing;
	shared->growing = true;
	SpinLockRelease(&shared->mutex);
	if (!growing)
		return true;
	ConditionVariablePrepareToSleep(&shared->grown);
	for (;;)
	{
		SpinLockAcquire(&shared->mutex);
		growing = shared->growing;
		SpinLockRelease(&shared->mutex);
		if (!growing)
			break;
		ConditionVariableSleep(&shared->grown, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return false;
}

static void
end_growing(BuildShared *shared)
{
	SpinLockAcquire(&shared->mutex);
	shared->growing = false;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->grown);
}

/* The size of the next piece if this many bytes are requested. */
static Size
piece_size(BuildShared *shared, Size size)
{
	Size		memory;
	Size		reserved;

	SpinLockAcquire(&shared->mutex);
	memory = shared->memory;
	reserved = shared->reserved;
	SpinLockRelease(&shared->mutex);
	if (reserved >= memory)
		return Max(reserved / LATE_GROWTH, size);
	return Max(Min(Max(Min(MIN_PIECE, memory / SMALL_PIECES), reserved / PIECE_GROWTH),
				   memory - reserved), size);
}

/* Makes a piece of at least this size; returns false if it is refused. */
static bool
add_piece(SegmentBuild *build, Size size)
{
	Size		wanted = piece_size(build->shared, size);

	if (build->shared->piece_count == BUILD_MAX_PIECES)
		return false;
	while (!make_piece(build, wanted))
	{
		if (wanted == size)
			return false;
		wanted = Max(wanted / 2, size); /* the rest of the memory may suffice */
	}
	return true;
}

bool
build_grow_memory(SegmentBuild *build, Size size)
{
	bool		added;

	if (!begin_growing(build->shared))
		return true;
	added = add_piece(build, MAXALIGN(size));
	end_growing(build->shared);
	return added;
}

void
build_expect_memory(BuildShared *shared)
{
	shared->growing = true;
}

void
build_give_memory(SegmentBuild *build, dsm_segment *segment)
{
	BuildShared *shared = build->shared;

	Assert(shared->growing && shared->piece_count == 0);
	if (build->alone)
		dsm_detach(segment);
	else
	{
		build->segments[0] = segment;
		build->pieces[0] = dsm_segment_address(segment);
		publish_piece(shared, dsm_segment_handle(segment), dsm_segment_map_length(segment));
	}
	end_growing(shared);
}

void
build_refuse(const SegmentBuild *build, Size size)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("not enough memory to build a graph"),
			 errdetail("Failed on request of size %zu.", size),
			 build->alone ? 0 :
			 errhint("Give the server more shared memory, or set "
					 "max_parallel_maintenance_workers to 0.")));
}

static uint64
allocate(SegmentBuild *build, Size size, bool stays)
{
	for (;;)
	{
		uint64		handle;

		SpinLockAcquire(&build->shared->mutex);
		handle = build_take(build->shared, size, stays);
		SpinLockRelease(&build->shared->mutex);
		if (handle != 0)
			return handle;
		if (!build_grow_memory(build, size))
			build_refuse(build, size);
	}
}

uint64
build_allocate(SegmentBuild *build, Size size)
{
	return allocate(build, size, false);
}

uint64
build_allocate_lasting(SegmentBuild *build, Size size)
{
	return allocate(build, size, true);
}

void
build_clear_memory(BuildShared *shared)
{
	for (int i = 0; i < shared->piece_count; i++)
		shared->pieces[i].front = 0;
}

void
build_clear_lasting(BuildShared *shared)
{
	for (int i = 0; i < shared->piece_count; i++)
		shared->pieces[i].back = shared->pieces[i].size;
}

/* Releases a piece in this process. */
static void
drop_piece(SegmentBuild *build, int i)
{
	if (build->segments[i])
		dsm_detach(build->segments[i]);
	else if (build->alone && build->pieces[i])
		pfree(build->pieces[i]);
	build->segments[i] = NULL;
	build->pieces[i] = NULL;
}

/* The smallest piece, but for those dropped, of which nothing lasts; -1 if there is none. */
static int
smallest_unused(const BuildShared *shared, const bool *dropped)
{
	int			smallest = -1;

	for (int i = 0; i < shared->piece_count; i++)
	{
		const BuildPiece *piece = &shared->pieces[i];

		if (piece->size > 0 && piece->back == piece->size && !dropped[i] &&
			(smallest < 0 || piece->size < shared->pieces[smallest].size))
			smallest = i;
	}
	return smallest;
}

void
build_shrink_memory(SegmentBuild *build, Size memory)
{
	BuildShared *shared = build->shared;
	Size		reserved = shared->reserved;
	bool		dropped[BUILD_MAX_PIECES] = {false};

	build_wait(build);
	while (reserved > memory)
	{
		int			smallest = smallest_unused(shared, dropped);

		if (smallest < 0)
			break;
		dropped[smallest] = true;
		reserved -= shared->pieces[smallest].size;
		drop_piece(build, smallest);
	}
	build_wait(build);
	if (build->leader)
	{
		for (int i = 0; i < shared->piece_count; i++)
			if (dropped[i])
				memset(&shared->pieces[i], 0, sizeof(BuildPiece));
		shared->reserved = reserved;
	}
	build_wait(build);
}

void
build_free_memory(SegmentBuild *build)
{
	for (int i = 0; i < BUILD_MAX_PIECES; i++)
		drop_piece(build, i);
}

/* Records how much memory all participants have, before a batch frees its part. */
void
build_note_memory(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	Size		own = MemoryContextMemAllocated(build->context, true);

	SpinLockAcquire(&shared->mutex);
	shared->own += own;
	SpinLockRelease(&shared->mutex);
	build_wait(build);
	if (build->leader)
	{
		shared->peak = Max(shared->peak, shared->own + (build->alone ? 0 : shared->reserved));
		shared->own = 0;
	}
}
