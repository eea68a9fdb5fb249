/*
 * build_internal.h - the state of a build, for build.c, partition.c and write.c
 */
#ifndef VECTOR_SEGMENT_BUILD_INTERNAL_H
#define VECTOR_SEGMENT_BUILD_INTERNAL_H

#include "pg_compat.h"

#include "common/pg_prng.h"
#include "port/atomics.h"
#include "storage/buffile.h"
#include "storage/condition_variable.h"
#include "storage/sharedfileset.h"
#include "storage/spin.h"

#include "segment/build.h"
#include "types/dense.h"

#define ROW_CHUNK_SHIFT		12
#define BUILD_MAX_CHUNKS	65536
#define NO_ROW				PG_UINT32_MAX
#define BUILD_MAX_PARTS		1024

typedef struct BuildRow
{
	ItemPointerData tid;
	uint16		secondary;		/* partitions: another one has it, too, and writes it */
	uint32		next;			/* another row with the same vector, or NO_ROW */
	uint32		size;			/* of the payload */
	uint32		number;			/* in the segment, once it is written */
	float		error;			/* of the payload, if it was stored lossily */
	float		scale;
	uint32		source;			/* partitions: its number in the table */
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
	bool		hurried;		/* lists are not filled up */
	Size		memory;

	slock_t		mutex;			/* guards what follows up to the barrier */
	int			participants;	/* 0: not started */
	int			finished;		/* that have no more rows */
	int			attached;
	uint64		rows;
	Size		used;			/* bytes that the rows will take */
	bool		full;
	uint32		arena_count;

	ConditionVariable started;
	Barrier		barrier;
	pg_atomic_uint64 next_node;

	/* written by the leader between barriers */
	bool		last;
	uint32		nodes;
	int			levels;
	uint32		sizes[GRAPH_LEVELS];
	uint64		links[GRAPH_LEVELS];
	uint64		entries;		/* of a coded graph: groups */
	uint64		done;			/* for progress: nodes of partitions before, and of all */
	uint64		total;
	uint64		nodes_handle;	/* the first row of each node */
	uint64		work;
	float		scale;			/* of work vectors */
	float		mean[DENSE_MAX_DIM];	/* rotated */

	uint64		row_chunks[BUILD_MAX_CHUNKS];
	uint64		arena_chunks[BUILD_MAX_CHUNKS];

	/* partition.c */
	bool		has_files;
	SharedFileSet files;
	bool		partitioned;
	pg_atomic_uint64 next_source;	/* rows of the table */
	Size		spilled;		/* bytes that all rows would take; guarded by the mutex */
	uint64		copies;			/* rows of all partitions; guarded by the mutex */
	uint64		spill;			/* a SharedTuplestore of all rows */
	uint32		parts;
	uint64		part_rows[BUILD_MAX_PARTS];		/* of its rows */
	uint64		part_edges[BUILD_MAX_PARTS];	/* of edges of its own nodes */
	uint32		part_first[BUILD_MAX_PARTS + 1];	/* number of its first node */
	uint64		anchors[BUILD_MAX_PARTS];	/* work vector, or payload, of this */
	uint64		splits;			/* the tree that rows are sent down */
	uint64		node_of_row;	/* by source: the number of its node */
	uint64		node_ids;		/* by number, where nodes differ in size */
	uint64		node_end;		/* bytes of their payloads */
	uint64		numbers;		/* of the nodes in memory */
};

typedef struct PartitionState PartitionState;
typedef struct SegmentPlan SegmentPlan;

/* A participant's own state. */
struct SegmentBuild
{
	BuildShared *shared;
	dsa_area   *area;			/* NULL where the leader is alone */
	MemoryContext context;
	bool		leader;
	int			number;			/* of this participant */
	BuildCallbacks callbacks;
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
	SegmentPlan *plan;			/* the leader's */
	/* writes rows and nodes of a plan that is not a batch's */
	void		(*write_parts) (struct SegmentBuild *build, SegmentPlan *plan);
	PartitionState *partition;
};

extern BuildRow *build_row(SegmentBuild *build, uint64 i);
extern const char *build_payload(SegmentBuild *build, uint64 row);

/* Memory of all participants; a handle of 0 is none. */
extern uint64 build_allocate(SegmentBuild *build, Size size);
extern void *build_address(SegmentBuild *build, uint64 handle);
extern void build_release(SegmentBuild *build, uint64 *handle);

/* The steps of a batch.  All participants call them together, but where it says leader. */
extern void build_wait(SegmentBuild *build);
extern void build_begin_step(SegmentBuild *build, uint32 node);
extern bool build_next_nodes(SegmentBuild *build, uint32 end, uint32 *from, uint32 *to);
extern BuildRow *build_put_row(SegmentBuild *build, ItemPointer tid, const char *payload,
							   Size size, float error, float scale);
extern void build_hash_row(BuildRow *row, const char *payload);	/* for build_make_nodes */
extern void build_make_nodes(SegmentBuild *build);		/* leader */
extern void build_measure_vectors(SegmentBuild *build);	/* leader */
extern void build_allocate_graph(SegmentBuild *build, int max_levels);	/* leader */
extern void build_map_graph(SegmentBuild *build);
extern void build_make_work_vectors(SegmentBuild *build);
extern void build_work_vector(SegmentBuild *build, uint32 node, float *scratch, uint16 *work);
extern void build_work_of(SegmentBuild *build, const char *payload, float *scratch, uint16 *work);
extern void build_grow_graph(SegmentBuild *build);
extern void build_reset(SegmentBuild *build);
extern void build_report(SegmentBuild *build, BuildPhase phase, uint64 done, uint64 total);

/* Puts numbers in random order. */
extern void build_shuffle(pg_prng_state *random, uint32 *numbers, uint32 n);

/* Temporary files, from their beginning; errors are thrown. */
extern void build_rewind_file(BufFile *file);
extern void build_read_file(BufFile *file, void *out, Size size);

/* Rows beyond the memory: see partition.c. */
extern void partition_begin(SegmentBuild *build);
extern void partition_add(SegmentBuild *build, ItemPointer tid, const char *payload, Size size,
						  float error, float scale);
extern void partition_finish(SegmentBuild *build);

/* A segment that is being written, level 0 part by part; all by the leader: see write.c. */
extern SegmentPlan *plan_create(SegmentBuild *build);
extern uint64 plan_place_node(const SegmentPlan *plan, uint64 end, Size size, uint32 *id);
extern Size plan_node_size(const SegmentPlan *plan, Size payload);
extern bool plan_nodes_differ(const SegmentPlan *plan);
extern uint32 *plan_breadth_first(SegmentBuild *build);
extern void plan_keep_upper(SegmentBuild *build, SegmentPlan *plan);
extern void plan_keep_entries(SegmentBuild *build, SegmentPlan *plan, uint32 count);
extern void plan_size(SegmentBuild *build, SegmentPlan *plan);
extern void plan_write_part(SegmentBuild *build, SegmentPlan *plan, uint32 first);

/* Forgets where the batch was to be written. */
extern void build_forget_plan(SegmentBuild *build);

static inline uint32
build_node_row(const SegmentBuild *build, uint32 node)
{
	return build->nodes[node];
}

#endif							/* VECTOR_SEGMENT_BUILD_INTERNAL_H */
