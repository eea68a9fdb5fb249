/*
 * build.h - building a proximity graph in memory, by one process or by several that share it
 *
 * Nodes are numbered in the order in which they are inserted, which should be random: level l of
 * the hierarchy (Malkov and Yashunin 2016) is then the graph of the first n / fanout^l nodes, as it
 * was when the last of them had been inserted.  So there is one graph that grows, and
 * graph_build_snapshot copies it to a level at the right moments.  A coded graph has no levels
 * above 0: the first nodes become its entries.
 *
 * A coded graph keeps each neighbour's 1-bit code relative to the node beside its id, as it will be
 * on disk, and is searched by estimates while it is built.  Exact distances, for hops and for the
 * choice of neighbours, come from `work` vectors: rotated, centred, scaled halves.  A plain graph
 * asks the caller.
 *
 * Everything shared lies in GraphArrays, whose chunks each process maps where it likes; a node's
 * links are guarded by a spin lock in them, held for no longer than one hop takes.
 */
#ifndef VECTOR_GRAPH_BUILD_H
#define VECTOR_GRAPH_BUILD_H

#include <stdatomic.h>

#include "graph/entries.h"
#include "graph/search.h"
#include "quantize/rabitq.h"

#define GRAPH_LEVELS	8
#define GRAPH_FANOUT	32

/* Elements of one size in chunks of 2^shift; the table of the chunks is a process's own. */
typedef struct GraphArray
{
	char	  **chunks;
	uint32_t	shift;
	size_t		stride;
} GraphArray;

static inline void *
graph_array_at(const GraphArray *array, uint32_t i)
{
	return array->chunks[i >> array->shift] +
		(size_t) (i & ((UINT32_C(1) << array->shift) - 1)) * array->stride;
}

/*
 * A node's links: this header, then ids, distances and, if coded, a and b factors of `degree`
 * neighbours each, and the groups of codes.
 */
typedef struct GraphLinks
{
	_Atomic uint32_t lock;
	uint32_t	count;
} GraphLinks;

typedef struct GraphBuild
{
	/* set by the caller */
	uint32_t	degree;			/* a multiple of 32 if coded */
	uint32_t	ef_construction;	/* candidates of an insertion */
	bool		coded;
	RabitqMetric metric;		/* if coded */
	uint32_t	padded;			/* if coded: dimensions of a work vector */
	GraphArray	work;			/* if coded: by node */
	float		(*distance) (void *arg, uint32_t a, uint32_t b);	/* if not coded */
	/*
	 * Or NULL: gives a node its work vector and its links' distances, where they may be missing;
	 * graph_set_anchor and graph_connect call it before they need them.
	 */
	void		(*complete) (void *arg, uint32_t node);
	void	   *arg;
	GraphArray	links;			/* by node; graph_links_size() each, zeroed */
	GraphArray	levels[GRAPH_LEVELS];	/* if not coded; levels[0] is not used: it is links */
	GraphEntries entries;		/* if coded */
	uint32_t	first;			/* id of node 0, where the nodes are a part of a graph */
	uint32_t	anchor;			/* partly: the neighbour of node 0 that stays, or node 0 */
	int			top;			/* the levels from top down to bottom are complete; */
	int			bottom;			/* 0 and 1: none is */

	/* offsets within links, by graph_build_layout */
	size_t		ids;
	size_t		distances;
	size_t		a;
	size_t		b;
	size_t		codes;
	size_t		size;
} GraphBuild;

/* What one process needs to insert. */
typedef struct GraphInserter
{
	const GraphBuild *build;
	GraphSearch search;
	GraphSource source;
	uint32_t	node;			/* the one that is inserted */
	int			level;			/* the one that is searched */
	CodeQuery	query;
	float	   *rotated;		/* padded floats */
	uint8_t    *lut;
	uint8_t    *entry_lut;
	uint8_t    *signs;			/* codes of the neighbours in a list that is filled up */
	float	   *cosine;			/* of the angle that so many different signs stand for */
} GraphInserter;

/* Sets offsets and size from the caller's settings. */
extern void graph_build_layout(GraphBuild *build);

/*
 * How many levels a graph of n nodes has, and how many nodes each; sizes[0] = n.  Of a coded graph
 * the second are its entries.
 */
extern int	graph_level_sizes(const GraphBuild *build, uint32_t n, uint32_t sizes[GRAPH_LEVELS]);

extern bool graph_inserter_init(GraphInserter *inserter, const GraphBuild *build,
								GraphMemory memory);

/*
 * Inserts a node among those before it: all nodes below `node`, less those that other processes are
 * at, are inserted.  False when there is no memory.
 */
extern bool graph_insert(GraphInserter *inserter, uint32_t node);

/*
 * Gives a node further neighbours where its list has places left, when all nodes are inserted:
 * those near by that are not much nearer to one of its neighbours than to the node (the relaxed
 * rule of Vamana: Subramanya et al., DiskANN, NeurIPS 2019, algorithm 2).  By several processes,
 * each at nodes of its own.  False when there is no memory.
 */
extern bool graph_fill(GraphInserter *inserter, uint32_t node);

/* Neighbours of a node, by ids of the whole graph, with their codes one after the other. */
typedef struct GraphEdges
{
	uint32_t	count;
	uint32_t   *ids;
	float	   *distances;
	float	   *a;				/* these three if coded */
	uint16_t   *b;
	uint8_t    *signs;			/* padded / 8 bytes each */
} GraphEdges;

/* Copies a node's neighbours out: room is for build->degree of them. */
extern void graph_get_edges(const GraphBuild *build, uint32_t node, GraphEdges *edges);

/*
 * Gives a node further neighbours, which it may have already.  Where all of them are too many,
 * those stay that do not cover each other, by the angles of codes, then the nearest of the others;
 * by dot products and without codes, the first of both lists.
 */
extern void graph_unite(GraphInserter *inserter, uint32_t node, const GraphEdges *edges);

/*
 * Makes a node elsewhere, by its id and its work vector or its distance, a neighbour of node 0 that
 * stays.
 */
extern void graph_set_anchor(GraphBuild *build, uint32_t id, const uint16_t *work,
							 float distance);

/*
 * Makes every one of the n nodes reachable from node 0, where pruning has cut some off, and has
 * several nodes lead to each; by one process, when the others are done.  Neighbours outside of the
 * n nodes are let be.  False when there is no memory.
 */
extern bool graph_connect(const GraphBuild *build, uint32_t n, GraphMemory memory);

/* Copies the links of the first n nodes to a level. */
extern void graph_build_snapshot(const GraphBuild *build, int level, uint32_t n);

/* Makes the first nodes of a coded graph entries; scratch has room for a vector's floats. */
extern void graph_build_entries(const GraphBuild *build, GraphEntries *entries, float *scratch);

static inline uint32_t *
graph_link_ids(const GraphBuild *build, GraphLinks *links)
{
	return (uint32_t *) ((char *) links + build->ids);
}

static inline float *
graph_link_distances(const GraphBuild *build, GraphLinks *links)
{
	return (float *) ((char *) links + build->distances);
}

static inline float *
graph_link_a(const GraphBuild *build, GraphLinks *links)
{
	return (float *) ((char *) links + build->a);
}

static inline uint16_t *
graph_link_b(const GraphBuild *build, GraphLinks *links)
{
	return (uint16_t *) ((char *) links + build->b);
}

static inline uint8_t *
graph_link_codes(const GraphBuild *build, GraphLinks *links)
{
	return (uint8_t *) links + build->codes;
}

/* The distance between two nodes. */
extern float graph_build_distance(const GraphBuild *build, uint32_t a, uint32_t b);

#endif							/* VECTOR_GRAPH_BUILD_H */
