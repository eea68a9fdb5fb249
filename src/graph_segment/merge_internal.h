/*
 * merge_internal.h - the state of a merge, for merge.c and merge_parts.c
 */
#ifndef VECTOR_GRAPH_SEGMENT_MERGE_INTERNAL_H
#define VECTOR_GRAPH_SEGMENT_MERGE_INTERNAL_H

#include "graph_segment/build_internal.h"
#include "graph_segment/scan.h"

#define MERGE_NEIGHBOURS	24	/* that a node gets in all other inputs together */
#define RECENT_NODES		512 /* nodes whose work vectors are kept for the next ones */

typedef struct MergeInput
{
	CachedSegment *segment;
	GraphScan	scan;
	uint32		base;			/* key of its first node */
	uint32		first_row;		/* in Merge.rows */
	uint32		first_cell;		/* key of its first cell */
	float	   *shift;			/* from its mean to the output's; NULL: none */
	uint32		neighbours;		/* number that a node of another input gets in it */
} MergeInput;

/* A range of an input's nodes. */
typedef struct MergePart
{
	uint32		from;			/* keys */
	uint32		to;
	BufFile    *edges;
	uint64		edge_count;
} MergePart;

/*
 * A node of a smaller input whose vector equals that of a node in a larger one, which takes over
 * its rows.
 */
typedef struct MergeAlias
{
	uint32		key;
	uint32		of;				/* the other node's key, later its number */
} MergeAlias;

/*
 * The state of a merge. A key is the number of a node among the nodes of all inputs, one input
 * after the other; likewise that of a cell.
 */
typedef struct Merge
{
	SegmentMaking making;
	const SegmentJob *job;
	Space	   *space;
	SegmentBuild *build;
	ScanStatistics statistics;

	MergeInput *inputs;			/* by live rows, most first; then flat ones */
	int			input_count;
	uint32		keys;
	uint32	   *number;			/* in the output by key; NO_ROW: it has none */
	uint32	   *rows;			/* in the output, by the job's inputs and rows; NO_ROW: dead */
	uint32		row_count;		/* of all inputs */
	uint32		live_nodes;
	uint32		live_rows;
	uint32		entries;

	MergePart  *parts;
	uint32		part_count;
	uint64		edge_room;		/* edges of a part that are loaded at a time */
	MergeAlias *aliases;		/* first in the order of discovery, then by number */
	uint32		alias_count;
	uint32		alias_room;

	MemoryContext context;
	MemoryContext step;			/* for one node */
	float	   *floats;
	float	   *centroid;		/* of the cell with this key */
	uint32		centroid_cell;
	Size		work_size;		/* of a work vector */
	char	   *work;			/* of the current node */
	Size		payload_size;
	SealedNode	head;			/* of a node that has only a code */
	char	   *payload;		/* of the current node */
	float		error;			/* of this payload */
	float		scale;			/* of the node */
	char	   *other_payload;

	/* work vectors of nodes met as neighbours, by key % RECENT_NODES */
	uint32		recent_key[RECENT_NODES];
	char	   *recent_work;

	/* by node of the part being written */
	uint32	   *key;
	bool	   *has_work;
	bool	   *complete;		/* see merge_complete_node */
} Merge;

/* An edge in a file; the signs follow. Those of a graph of bytes have no factors. */
typedef struct MergeEdge
{
	uint32		node;			/* keys */
	uint32		neighbour;
	float		distance;
	float		a;
	uint16		b;
	uint16		unused;
} MergeEdge;

/* An edge of a file in memory. */
typedef struct LoadedEdge
{
	uint32		node;			/* numbers */
	uint32		neighbour;
	float		distance;
	uint32		place;			/* in the file */
} LoadedEdge;

static inline Size
merge_edge_size(const Merge *merge)
{
	return TYPEALIGN(sizeof(uint32), sizeof(MergeEdge) +
					 graph_sign_dims(&merge->build->graph) / 8);
}

extern MergeInput *merge_input_of_key(Merge *merge, uint32 key);

/*
 * Reads a node, and the payload that it stands for into `payload`, or its code, if the build's
 * payloads are codes; valid until the next call.
 */
extern const SealedNode *merge_read_node(Merge *merge, uint32 key, char *payload, float *error);

/* Copies the ids of a node's neighbours, in its input; returns how many. */
extern uint32 merge_read_links(Merge *merge, uint32 key, uint32 *ids);

/* The work vector of a node that need not be in memory; valid until the next call. */
extern const void *merge_other_work(Merge *merge, uint32 key);

/* Cuts the inputs into parts that fit into the memory with their edges. */
extern void merge_make_parts(Merge *merge);

/* Writes an edge to the part of its node, with the work vectors of the node and the neighbour. */
extern void merge_put_edge(Merge *merge, uint32 node, uint32 neighbour, const void *from,
						   const void *to);

/* Merges and writes the parts; this is SegmentBuild.write_parts of a merge. */
extern void merge_write_parts(SegmentBuild *build, SegmentPlan *plan);

/* Computes the work vector of a node of the part, and the distances of its links. */
extern void merge_complete_node(void *arg, uint32 place);

#endif							/* VECTOR_GRAPH_SEGMENT_MERGE_INTERNAL_H */
