/*
 * build.h - building sealed segments in memory, by one process or by a leader and parallel workers
 *
 * Rows are added until the memory is full or there are no more; then all participants build the
 * graph of the batch together, and the leader writes it as one segment.  Rows with equal vectors
 * share one node.  If the build has temporary files, rows beyond the memory are built in partitions
 * that are merged into one segment; else each batch becomes a segment of its own.
 */
#ifndef VECTOR_GRAPH_SEGMENT_BUILD_H
#define VECTOR_GRAPH_SEGMENT_BUILD_H

#include "pg_compat.h"

#include "storage/barrier.h"
#include "storage/dsm.h"

#include "segment/method.h"

typedef struct SegmentBuild SegmentBuild;
typedef struct BuildShared BuildShared;

/* Callbacks in the leader. */
typedef struct BuildCallbacks
{
	/*
	 * Called when the graph of a segment, or those of its partitions, are built: see
	 * SegmentJob.ready.
	 */
	void		(*ready) (SegmentMaking *making, void *arg);
	/*
	 * Called when the memory is full with this many rows, or more was refused, and partitions
	 * follow; or NULL.
	 */
	void		(*full) (uint64 rows, bool refused, void *arg);
	BuildProgress progress;		/* or NULL */
	void	   *arg;
} BuildCallbacks;

extern Size build_shared_size(void);

/*
 * To be called by the leader: prepares the shared state; `memory` is the limit of a batch, in
 * bytes.
 */
extern void build_init_shared(BuildShared *shared, const Directory *directory, Size memory);

/*
 * To be called by the leader before build_start: halves the work for a graph that will soon be
 * merged with others, which makes up for it.  Not for plain graphs.
 */
extern void build_hurry(BuildShared *shared);

/*
 * To be called by the leader before build_start: gives the rotated mean that codes are relative to.
 */
extern void build_use_mean(BuildShared *shared, const float *mean);

/* To be called by the leader once it knows the number of participants, including itself. */
extern void build_start(BuildShared *shared, int participants);

/*
 * To be called by the leader before build_start: gives the build temporary files, so that rows
 * beyond the memory become part of the same segment, built in partitions.
 */
extern void build_use_files(BuildShared *shared);

/*
 * To be called by the leader before build_start if build_give_memory follows: whoever needs memory
 * waits for that, because what is made before it and after it together may exceed the limit.
 */
extern void build_expect_memory(BuildShared *shared);

/*
 * Joins a build of an index; a worker waits for build_start, and has no callbacks.  Of the leader,
 * who has the state, it is also what is made.
 */
extern SegmentBuild *build_attach(BuildShared *shared, Relation index,
								  const BuildCallbacks *callbacks);
extern SegmentMaking *build_making(SegmentBuild *build);

/* To be called by the leader after build_attach: gives the build the memory that it expects. */
extern void build_give_memory(SegmentBuild *build, dsm_segment *segment);

/* Adds a row; may have to build a batch first. */
extern void build_add(SegmentBuild *build, const SegmentRow *row);

/*
 * To be called after the last row of this participant: builds what is left, together with the
 * others.
 */
extern void build_finish(SegmentBuild *build);

/* The number of bytes that a row takes while its graph is built, */
extern Size build_row_memory(const Space *space, uint32 m, Size payload);
/* and while the lists of segments, or of partitions without codes, are merged. */
extern Size build_merge_memory(const Space *space, uint32 m, bool bytes, Size payload);

/*
 * The number of bytes that the rows of one segment may take then: nodes that differ in size are
 * known by their places, not by their numbers, so their ids come to an end sooner.
 */
extern Size build_max_memory(const Space *space);

#endif							/* VECTOR_GRAPH_SEGMENT_BUILD_H */
