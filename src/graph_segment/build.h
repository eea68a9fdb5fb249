/*
 * build.h - building sealed segments in memory, by one process or by a leader and parallel workers
 *
 * Rows are added until the memory is full or there are no more; then all participants build the
 * graph of the batch together, and the leader writes it as one segment.  Equal vectors are one node
 * with several rows.  Rows beyond the memory are built in partitions that are united into one
 * segment, where the build has temporary files; else each batch becomes a segment of its own.
 */
#ifndef VECTOR_GRAPH_SEGMENT_BUILD_H
#define VECTOR_GRAPH_SEGMENT_BUILD_H

#include "pg_compat.h"

#include "storage/barrier.h"

#include "segment/directory.h"
#include "segment/row.h"

typedef struct SegmentBuild SegmentBuild;
typedef struct BuildShared BuildShared;

typedef enum BuildPhase
{
	BUILD_LOADING, BUILD_GRAPH, BUILD_WRITING
} BuildPhase;

/* What the leader is called back for. */
typedef struct BuildCallbacks
{
	/* The graph of a segment is built, or its partitions are: reserves an extent, writes it. */
	void		(*write) (SegmentBuild *build, void *arg);
	/* The memory is full with so many rows, or more is refused: partitions follow; or NULL. */
	void		(*full) (uint64 rows, bool refused, void *arg);
	/* A phase, and nodes done of how many; or NULL. */
	void		(*progress) (BuildPhase phase, uint64 done, uint64 total);
	void	   *arg;
} BuildCallbacks;

/* Bytes that a build or a merge may take: maintenance_work_mem, or what autovacuum has instead. */
extern Size build_memory(void);

extern Size build_shared_size(void);

/* Prepares the shared part, in the leader: memory is what a batch may take, in bytes. */
extern void build_init_shared(BuildShared *shared, const Directory *directory, Size memory);

/*
 * Half the work for a graph that will be united with others soon, which makes up for it; by the
 * leader before build_start.  Not for plain graphs.
 */
extern void build_hurry(BuildShared *shared);

/* The leader calls this once it knows how many there are, itself included. */
extern void build_start(BuildShared *shared, int participants);

/*
 * Gives the build temporary files: rows beyond the memory then become one segment all the same,
 * built in partitions.  By the leader before build_start.
 */
extern void build_use_files(BuildShared *shared);

/* Joins a build; a worker waits for build_start, and has no callbacks. */
extern SegmentBuild *build_attach(BuildShared *shared, const BuildCallbacks *callbacks);

/* Adds a row; may build a batch first. */
extern void build_add(SegmentBuild *build, const SegmentRow *row);

/* After the last row of this participant: builds what is left, together with the others. */
extern void build_finish(SegmentBuild *build);

/* Bytes that a row takes while its graph is built. */
extern Size build_row_memory(const Space *space, uint32 m, Size payload);

/* The batch, for callbacks.write: its rows, the blocks it needs, and the writing of them. */
extern uint64 build_rows(const SegmentBuild *build);
extern uint32 build_blocks(SegmentBuild *build);
extern void build_write(SegmentBuild *build, Relation index, SegmentEntry *entry);

/*
 * The number in the segment of the batch's i-th row, in the order in which a lone leader added
 * them.  Valid within callbacks.write after build_write.
 */
extern uint32 build_row_number(SegmentBuild *build, uint64 i);

#endif							/* VECTOR_GRAPH_SEGMENT_BUILD_H */
