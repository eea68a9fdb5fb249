/*
 * build.h - building sealed segments in memory, by one process or by a leader and parallel workers
 *
 * Rows are added until the memory is full or there are no more; then all participants build the
 * graph of the batch together, and the leader writes it as one segment.  Equal vectors are one node
 * with several rows.  What fits into the memory becomes one segment.
 */
#ifndef VECTOR_SEGMENT_BUILD_H
#define VECTOR_SEGMENT_BUILD_H

#include "pg_compat.h"

#include "storage/barrier.h"
#include "utils/dsa.h"

#include "segment/directory.h"

typedef struct SegmentBuild SegmentBuild;
typedef struct BuildShared BuildShared;

/* The leader's doings with a batch whose graph is built. */
typedef void (*BuildWrite) (SegmentBuild *build, void *arg);

/* Called by the leader: the phase that begins (below), and nodes done of how many. */
typedef enum BuildPhase
{
	BUILD_LOADING, BUILD_GRAPH, BUILD_WRITING
} BuildPhase;

typedef void (*BuildProgress) (BuildPhase phase, uint64 done, uint64 total);

extern Size build_shared_size(void);

/*
 * Prepares the shared part, in the leader: memory is what a batch may take, in bytes.  area is NULL
 * where the leader is alone.
 */
extern void build_init_shared(BuildShared *shared, const Directory *directory, Size memory);

/* The leader calls this once it knows how many there are, itself included. */
extern void build_start(BuildShared *shared, int participants);

/* Joins a build; a worker waits for build_start. */
extern SegmentBuild *build_attach(BuildShared *shared, dsa_area *area, bool leader,
								  BuildWrite write, void *arg, BuildProgress progress);

/*
 * Adds a row; may build a batch first.  error and scale are those of the node that it comes from,
 * if the payload was stored lossily, else 0.
 */
extern void build_add(SegmentBuild *build, ItemPointer tid, const char *payload, Size size,
					  float error, float scale);

/* After the last row of this participant: builds what is left, together with the others. */
extern void build_finish(SegmentBuild *build);

/* The number of rows at which the memory was full first; 0 if it never was. */
extern uint64 build_full_at(const SegmentBuild *build);

/* Bytes that a row takes while its graph is built. */
extern Size build_row_memory(const Space *space, uint32 m, Size payload);

/* The batch, for BuildWrite: its rows, the blocks it needs, and the writing of them. */
extern uint64 build_rows(const SegmentBuild *build);
extern uint32 build_blocks(SegmentBuild *build);
extern void build_write(SegmentBuild *build, Relation index, SegmentEntry *entry);

/*
 * The number in the segment of the batch's i-th row, in the order in which a lone leader added
 * them.  Valid within BuildWrite after build_write.
 */
extern uint32 build_row_number(SegmentBuild *build, uint64 i);

#endif							/* VECTOR_SEGMENT_BUILD_H */
