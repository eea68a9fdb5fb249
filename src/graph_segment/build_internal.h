/*
 * build_internal.h - the state of a build, for the files that take part in it
 */
#ifndef VECTOR_GRAPH_SEGMENT_BUILD_INTERNAL_H
#define VECTOR_GRAPH_SEGMENT_BUILD_INTERNAL_H

#include "pg_compat.h"

#include "common/pg_prng.h"
#include "port/atomics.h"
#include "storage/buffile.h"
#include "storage/condition_variable.h"
#include "storage/dsm.h"
#include "storage/spin.h"

#include "graph_segment/build.h"
#include "segment/wait_point.h"
#include "types/dense.h"

#define BUILD_MAX_CHUNKS	16384	/* of rows */
#define BUILD_MAX_PIECES	64
#define BUILD_MAX_PARTS		1024

#define BUILD_MEASURED		10000	/* vectors that the mean is computed from, if there are more */

/* Nodes of different sizes are addressed in units of this many bytes, */
#define BUILD_NODE_UNIT		32
/*
 * so they may take this many in all: half of all addresses, because the ends of blocks are unused.
 */
#define BUILD_MAX_UNITS		((Size) BUILD_NODE_UNIT * (segment_max_id / 2))

typedef struct BuildRow
{
	ItemPointerData tid;
	uint16		secondary;		/* partitions: another partition has it, too, and writes it */
	uint32		next;			/* another row with the same vector, or NO_ROW */
	uint32		size;			/* of the payload */
	uint32		number;			/* in the segment, once written */
	float		error;			/* of the payload, if it was stored lossily */
	float		scale;
	uint32		source;			/* partitions: its number in the table */
	uint64		hash;
	uint64		payload;		/* handle; see build_loads_bytes */
} BuildRow;

/* A piece of the memory that participants share: see build_memory.c. */
typedef struct BuildPiece
{
	uint64		place;			/* an address if the leader is alone, else a dsm_handle */
	Size		size;
	Size		front;			/* bytes from the start that a batch has taken, */
	Size		back;			/* and start of those taken until the end of the build */
} BuildPiece;

/* An array in chunks of 2^shift elements. */
typedef struct SharedArray
{
	uint64		chunks;			/* handle of an array of handles; 0: none */
	uint32		count;
	uint32		shift;
} SharedArray;

/* The state that participants share. A handle is a place in their shared memory; 0 is none. */
struct BuildShared
{
	/* fixed */
	Space		space;			/* without its rotation */
	uint32		m;
	uint32		ef_construction;
	float		alpha;			/* see graph_fill; 0: the default */
	bool		bytes;			/* see GraphBuild */
	bool		hurried;		/* lists are not filled up */
	bool		merging;		/* graphs are merged: work vectors are halves, whatever they tell */
	Size		chunk;			/* unit in which memory is taken, in bytes */
	uint32		row_shift;		/* a chunk has 2^row_shift rows */

	slock_t		mutex;			/* guards what follows up to the barrier */
	Size		memory;			/* limit of a batch; lowered when more was refused */
	int			participants;	/* 0: not started */
	int			finished;		/* number of participants without more rows */
	int			attached;
	uint64		rows;
	Size		used;			/* bytes that the rows and their graph will take */
	bool		full;
	bool		refused;		/* because shared memory was refused */
	bool		needs_full;		/* a row of the segment does not fit STORAGE_BYTES */
	bool		has_mean;		/* `mean` is given */
	uint64		row_chunks[BUILD_MAX_CHUNKS];
	BuildPiece	pieces[BUILD_MAX_PIECES];
	int			piece_count;
	bool		growing;		/* a participant is making a piece */
	Size		reserved;		/* bytes of all pieces */
	Size		own;			/* sum of the participants' own memory */

	ConditionVariable started;
	ConditionVariable grown;	/* a piece was made or refused */
	Barrier		barrier;
	pg_atomic_uint64 next_node;

	/* written by the leader between barriers */
	bool		last;
	uint32		nodes;
	int			levels;
	uint32		sizes[GRAPH_LEVELS];
	SharedArray links[GRAPH_LEVELS];
	uint64		entries;		/* of a coded graph: groups */
	uint64		done;			/* for progress: nodes of partitions before, and of all */
	uint64		total;
	uint64		nodes_handle;	/* the first row of each node */
	SharedArray work;
	SharedArray order;			/* of insertion, if there are entries */
	bool		exact;			/* see build_measure_vectors */
	bool		whole;			/* vectors are stored as they are, whatever the storage */
	float		scale;			/* of work vectors */
	float		mean[DENSE_MAX_DIM];	/* rotated */
	Size		peak;			/* maximum memory of all participants together */

	/* partition.c */
	bool		has_files;
	bool		partitioned;
	uint64		sources;		/* rows of all partitions; guarded by the mutex */
	Size		spilled;		/* bytes that all rows would take; guarded by the mutex */
	uint64		copies;			/* rows of all partitions; guarded by the mutex */
	uint32		partitions;		/* whose graphs are built, */
	uint32		parts;			/* and parts of them that are written together */
	uint32		part_first[BUILD_MAX_PARTS + 1];	/* number of a part's first node */
	pg_atomic_uint64 part_memory[BUILD_MAX_PARTS];	/* memory that its rows will take */
	uint64		splits;			/* the tree that sends rows to partitions */
	uint64		node_end;		/* end of the nodes so far, if they differ in size */
	uint64		numbers;		/* of the nodes in memory */
	uint64		node_of_row;	/* by source: the number of its node */

	uint16		cell_bits;		/* METHOD_DISK: of centroids */

	/* merge.c */
	uint32		cells;			/* of METHOD_DISK without vectors */
};

typedef struct PartitionState PartitionState;
typedef struct DiskWriter DiskWriter;
typedef struct SegmentPlan SegmentPlan;

/* A participant's own state. */
struct SegmentBuild
{
	SegmentMaking making;		/* the leader's */
	Relation	index;
	BuildShared *shared;
	MemoryContext context;
	bool		leader;
	bool		alone;			/* there are no workers */
	int			number;			/* of this participant */
	BuildCallbacks callbacks;
	Space		space;
	bool		codes;			/* payloads are codes of METHOD_DISK */
	GraphBuild	graph;
	GraphInserter inserter;

	char	   *pieces[BUILD_MAX_PIECES];	/* mapped so far */
	dsm_segment *segments[BUILD_MAX_PIECES];
	uint64		arena;			/* this participant's memory for payloads */
	Size		arena_left;
	uint32	   *nodes;
	GraphArray	order;			/* without chunks: by number */

	/* the leader's */
	Axes	   *axes;			/* METHOD_DISK: see build_measure_vectors; NULL: none */
	SegmentPlan *plan;
	uint32	   *node_of_row;	/* partitions, by source: the number of its node; also workers' */
	uint32	   *node_ids;		/* and id by number, if nodes differ in size */
	/* writes the rows and nodes of a plan other than a batch's */
	void		(*write_parts) (struct SegmentBuild *build, SegmentPlan *plan);
	/* `codes`: what DiskCode.cell of a payload names, as floats and written as a cell */
	const float *(*get_centroid) (struct SegmentBuild *build, uint32 cell);
	void		(*put_cell) (struct SegmentBuild *build, DiskWriter *writer, uint32 cell);
	PartitionState *partition;
};

extern BuildRow *build_row(SegmentBuild *build, uint64 i);
extern const char *build_payload(SegmentBuild *build, uint64 row);

/* Allocate shared memory, for a batch or until the end; raise an error if there is none. */
extern uint64 build_allocate(SegmentBuild *build, Size size);
extern uint64 build_allocate_lasting(SegmentBuild *build, Size size);
extern void *build_address(SegmentBuild *build, uint64 handle);

/*
 * Likewise from reserved memory, by a caller that holds the mutex; returns 0 if there is no room.
 */
extern uint64 build_take(BuildShared *shared, Size size, bool stays);
/* Reserves at least this many bytes more in one piece; returns false if they are refused. */
extern bool build_grow_memory(SegmentBuild *build, Size size);
/* Raises the error for that. */
extern void build_refuse(const SegmentBuild *build, Size size);
/* To be called by all participants: releases what is beyond this many bytes. */
extern void build_shrink_memory(SegmentBuild *build, Size memory);
/* To be called by all participants: records how much memory they have. */
extern void build_note_memory(SegmentBuild *build);
/* To be called by the leader: frees the batch's memory. */
extern void build_clear_memory(BuildShared *shared);
/* To be called by the leader: frees what would last until the end. */
extern void build_clear_lasting(BuildShared *shared);
/* Releases all memory in this process. */
extern void build_free_memory(SegmentBuild *build);
/* The size of a chunk for a batch with this much memory: a small part of it. */
extern Size build_chunk_size(Size memory);

/* The steps of a batch. All participants call them together, except where it says leader. */
extern void build_wait(SegmentBuild *build);
extern void build_begin_step(SegmentBuild *build, uint32 node);
extern bool build_next_nodes(SegmentBuild *build, uint32 end, uint32 *from, uint32 *to);
extern BuildRow *build_put_row(SegmentBuild *build, const SegmentRow *row);
/* Whether a segment with this many rows, which take this much memory, must not have another row. */
extern bool build_is_whole(const SegmentBuild *build, uint64 rows, Size memory);
extern uint64 build_hash(const char *payload, Size size);	/* for build_make_nodes */
/* The number of bytes that a row takes with its node in a graph. */
extern Size build_graph_memory(const GraphBuild *graph, Size payload);
extern void build_make_nodes(SegmentBuild *build);		/* leader */
/*
 * From a sample in memory of so many rows: the mean, the scale, and axes, if codes have these; and
 * whether rows are nearer to each other than rounded vectors and estimates tell, so that the
 * segment is one of exact distances (SealedHeader.exact), or its vectors are stored as they are.
 */
extern void build_measure_vectors(SegmentBuild *build, uint64 rows);	/* leader */
extern void build_allocate_graph(SegmentBuild *build, int max_levels);	/* leader */
extern void build_map_graph(SegmentBuild *build);
extern void build_unmap_graph(SegmentBuild *build);
extern void build_make_work_vectors(SegmentBuild *build);
extern void build_work_vector(SegmentBuild *build, uint32 node, float *scratch, void *work);
/* The rotated vector less the mean, `padded` floats, or what stands for it in a code. */
extern void build_residual(SegmentBuild *build, const char *payload, float *residual);
/* What a work vector is made of: the residual in its scale, or if exact as it is. */
extern void build_work_floats(SegmentBuild *build, const char *payload, float *out);
extern void build_work_of(SegmentBuild *build, const char *payload, float *scratch, void *work);
/* Builds the graph without work vectors, if that was found to be needed. */
extern void build_use_exact(SegmentBuild *build);
extern void build_grow_graph(SegmentBuild *build);
/* Makes every node of the graph in memory reachable from the first. */
extern void build_connect(SegmentBuild *build);	/* leader */
extern void build_reset(SegmentBuild *build);
extern void build_report(SegmentBuild *build, BuildPhase phase, uint64 done, uint64 total);

/* Puts numbers in random order. */
extern void build_shuffle(pg_prng_state *random, uint32 *numbers, uint32 n);

/*
 * To be called by the leader: makes the tree that sends rows to shared->partitions, from the nodes
 * of a sample in memory, each counted once.  At each division this share of the rows goes
 * both ways.
 */
extern void divide_sample(SegmentBuild *build, double overlap);
/* Determines the partitions of a row, in ascending order; returns how many. */
extern uint32 divide_route(SegmentBuild *build, const char *payload, uint64 hash, uint32 *parts);

/* Rows beyond the memory: see partition.c. */
extern void partition_begin(SegmentBuild *build);
/* Returns false if the segment must not have another row. */
extern bool partition_add(SegmentBuild *build, const SegmentRow *row);
extern void partition_finish(SegmentBuild *build);

/* A segment that is being written, with level 0 in parts; all by the leader: see write.c. */
extern SegmentPlan *plan_create(SegmentBuild *build);
extern uint64 plan_place_node(const SegmentPlan *plan, uint64 end, Size size, uint32 *id);
extern Size plan_node_size(const SegmentPlan *plan, Size payload);
extern bool plan_nodes_differ(const SegmentPlan *plan);
extern uint32 *plan_order(SegmentBuild *build);
extern void plan_keep_upper(SegmentBuild *build, SegmentPlan *plan);
extern void plan_keep_entries(SegmentBuild *build, SegmentPlan *plan, uint32 count);
extern void plan_size(SegmentBuild *build, SegmentPlan *plan);
extern void plan_write_part(SegmentBuild *build, SegmentPlan *plan, uint32 first);

/* What SegmentMaking has of the segment whose graph is built. */
extern uint32 build_blocks(SegmentBuild *build);
extern void build_write(SegmentBuild *build, SegmentEntry *output);
extern uint32 build_row_number(SegmentBuild *build, uint64 i);

/* Hands a segment whose graph is ready to the caller of the build, which has it written. */
extern void build_tell_ready(SegmentBuild *build);

/* Forgets the plan of the batch. */
extern void build_forget_plan(SegmentBuild *build);

/*
 * Whether rows have their work vectors in place of payloads: in partitions of a graph of bytes,
 * which has no need of more.
 */
static inline bool
build_loads_bytes(const SegmentBuild *build)
{
	return build->graph.bytes && !build->graph.exact && build->shared->partitioned &&
		!build->graph.merging;
}

static inline uint32
build_node_row(const SegmentBuild *build, uint32 node)
{
	return build->nodes[node];
}

#endif							/* VECTOR_GRAPH_SEGMENT_BUILD_INTERNAL_H */
