/*
 * build_internal.h - the state of a build, for build.c and write.c
 */
#ifndef VECTOR_SEGMENT_BUILD_INTERNAL_H
#define VECTOR_SEGMENT_BUILD_INTERNAL_H

#include "pg_compat.h"

#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/spin.h"

#include "segment/build.h"
#include "types/dense.h"

#define ROW_CHUNK_SHIFT		12
#define BUILD_MAX_CHUNKS	65536
#define NO_ROW				PG_UINT32_MAX

typedef struct BuildRow
{
	ItemPointerData tid;
	uint16		unused;
	uint32		next;			/* another row with the same vector, or NO_ROW */
	uint32		size;			/* of the payload */
	uint32		number;			/* in the segment, once it is written */
	float		error;			/* of the payload, if it was stored lossily */
	float		scale;
	uint64		hash;
	uint64		payload;		/* chunk of the arena << 32 | offset */
} BuildRow;

/*
 * What participants share.  Handles are addresses where the leader is alone, else of the DSA area.
 */
struct BuildShared
{
	/* fixed */
	SpaceElement element;
	SpaceMetric metric;
	SpaceStorage storage;
	int			dims;
	uint64		seed;
	uint32		m;
	uint32		ef_construction;
	Size		memory;

	slock_t		mutex;			/* guards what follows up to the barrier */
	int			participants;	/* 0: not started */
	int			finished;		/* that have no more rows */
	uint64		rows;
	Size		used;			/* bytes that the rows will take */
	bool		full;
	uint32		arena_count;

	ConditionVariable started;
	Barrier		barrier;
	pg_atomic_uint64 next_node;

	/* written by the leader between barriers */
	bool		last;
	uint64		full_at;
	uint32		nodes;
	int			levels;
	uint32		sizes[GRAPH_LEVELS];
	uint64		links[GRAPH_LEVELS];
	uint64		nodes_handle;	/* the first row of each node */
	uint64		work;
	uint64		lift;			/* for dot products: see GraphBuild */
	float		radius;			/* of the scaled vectors, at most */
	float		scale;			/* of work vectors */
	float		mean[DENSE_MAX_DIM];

	uint64		row_chunks[BUILD_MAX_CHUNKS];
	uint64		arena_chunks[BUILD_MAX_CHUNKS];
};

/* A participant's own state. */
struct SegmentBuild
{
	BuildShared *shared;
	dsa_area   *area;			/* NULL where the leader is alone */
	MemoryContext context;
	bool		leader;
	BuildWrite	write;
	void	   *arg;
	BuildProgress progress;
	Space		space;
	GraphBuild	graph;
	GraphInserter inserter;

	char	  **row_chunks;		/* mapped so far */
	char	  **arena_chunks;
	uint32		arena_chunk;	/* this participant's */
	uint32		arena_used;
	Size		arena_left;
	uint32	   *nodes;
	char	   *maps[GRAPH_LEVELS];
	char	   *work_map;
	float	   *lift;
	void	   *plan;			/* the writer's */
};

extern BuildRow *build_row(SegmentBuild *build, uint64 i);
extern const char *build_payload(SegmentBuild *build, uint64 row);

/* Forgets where the batch was to be written. */
extern void build_forget_plan(SegmentBuild *build);

static inline uint32
build_node_row(const SegmentBuild *build, uint32 node)
{
	return build->nodes[node];
}

#endif							/* VECTOR_SEGMENT_BUILD_INTERNAL_H */
