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

#include "segment/method.h"

typedef struct SegmentBuild SegmentBuild;
typedef struct BuildShared BuildShared;

/* What the leader is called back for. */
typedef struct BuildCallbacks
{
	/* The graph of a segment is built, or its partitions are: see SegmentJob.ready. */
	void		(*ready) (SegmentMaking *making, void *arg);
	/* The memory is full with so many rows, or more is refused: partitions follow; or NULL. */
	void		(*full) (uint64 rows, bool refused, void *arg);
	BuildProgress progress;		/* or NULL */
	void	   *arg;
} BuildCallbacks;

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

/*
 * Joins a build of an index; a worker waits for build_start, and has no callbacks.  Of the leader,
 * who has the state, it is also what is made.
 */
extern SegmentBuild *build_attach(BuildShared *shared, Relation index,
								  const BuildCallbacks *callbacks);
extern SegmentMaking *build_making(SegmentBuild *build);

/* Adds a row; may build a batch first. */
extern void build_add(SegmentBuild *build, const SegmentRow *row);

/* After the last row of this participant: builds what is left, together with the others. */
extern void build_finish(SegmentBuild *build);

/* Bytes that a row takes while its graph is built. */
extern Size build_row_memory(const Space *space, uint32 m, Size payload);

#endif							/* VECTOR_GRAPH_SEGMENT_BUILD_H */
