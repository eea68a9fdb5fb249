/*
 * build.h - building a proximity graph in memory, by one process or by several that share it
 *
 * Nodes are numbered in random order, in which those of plain graphs are inserted: level l of
 * the hierarchy (Malkov and Yashunin 2016) is then the graph of the first n / fanout^l nodes, as it
 * was when the last of them had been inserted.  So there is one graph that grows, and
 * graph_build_snapshot copies it to a level at the right moments.  A coded graph has no levels
 * above 0: the first nodes become its entries.
 *
 * A coded graph keeps each neighbour's 1-bit code relative to the node beside the neighbour's id,
 * as on disk, and is searched by estimates while it is built.  Exact distances, for hops and for
 * the choice of neighbours, come from `work` vectors: rotated, centred, scaled halves.  For a plain
 * graph the caller computes distances.
 *
 * A coded graph may have bytes in place of codes: then its lists are only numbers, and all
 * distances come from work vectors rounded to bytes (vamana.c).  That takes a fifth of the memory,
 * and serves where the graph on disk has no codes of neighbours, and distances are no products.
 *
 * Where rows are nearer to each other than rounding would tell, a coded graph is built without work
 * vectors: the caller computes distances, exactly, and gives vectors where directions are needed.
 *
 * Everything shared is in GraphArrays, whose chunks each process may map at any address.  A spin
 * lock in a node's links guards them; it is held at most for the work of one hop, and a process
 * holds one such lock at a time, so there is no deadlock.
 */
#ifndef VECTOR_GRAPH_BUILD_H
#define VECTOR_GRAPH_BUILD_H

#include <stdatomic.h>

#include "graph/entries.h"
#include "graph/search.h"
#include "quantize/rabitq.h"

#define GRAPH_LEVELS	8
#define GRAPH_FANOUT	32
#define GRAPH_ALPHA		1.1f

/* Elements of one size in chunks of 2^shift; each process has its own table of the chunks. */
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

/* A vector rounded to bytes: `step` times the elements; length2 is the squared length of that. */
typedef struct GraphBytes
{
	float		step;
	float		length2;
	int8_t		elements[];
} GraphBytes;

/*
 * A node's links: this header, then ids, distances and, if coded, a and b factors of `degree`
 * neighbours each, and the groups of codes; coded ones have room for whole groups.  With bytes
 * there are only ids, with room for a third more than `degree` until graph_fill; or, if lists are
 * merged, `degree` ids, distances and codes of graph_sign_dims() signs.
 */
typedef struct GraphLinks
{
	_Atomic uint32_t lock;
	uint32_t	count;
} GraphLinks;

typedef struct GraphBuild
{
	/* set by the caller */
	uint32_t	degree;			/* the most neighbours of a node */
	uint32_t	ef_construction;	/* candidates of an insertion */
	bool		coded;
	bool		bytes;			/* if coded: no codes, and work vectors are GraphBytes */
	bool		exact;			/* if coded: there are no work vectors; set by graph_use_exact */
	bool		merging;		/* if bytes: links are such that graph_merge_edges can be called */
	float		alpha;			/* see graph_fill; 0: GRAPH_ALPHA */
	RabitqMetric metric;		/* if coded */
	uint32_t	padded;			/* if coded: dimensions of a work vector */
	GraphArray	work;			/* if coded: by node */
	const char **places;		/* if bytes: work vectors by node; NULL: in `work` */
	float		(*distance) (void *arg, uint32_t a, uint32_t b);	/* if not coded, or exact */
	/* If exact: what a work vector would be made of; and scratch for two of these. */
	void		(*vector) (void *arg, uint32_t node, float *out);
	float	   *scratch;
	/*
	 * Or NULL: provides a node's work vector and its links' distances, if they may be missing;
	 * graph_set_anchor and graph_connect call it before they need them.
	 */
	void		(*complete) (void *arg, uint32_t node);
	void	   *arg;
	GraphArray	links;			/* by node; graph_links_size() each, zeroed */
	GraphArray	levels[GRAPH_LEVELS];	/* if not coded; levels[0] is not used: it is links */
	GraphEntries entries;		/* if coded */
	uint32_t	first;			/* id of node 0, if the nodes are a part of a graph */
	uint8_t    *ways;			/* by id: how many nodes of this part and those before lead to it,
								 * UINT8_MAX: so many or more; NULL: not known */
	uint32_t	anchor;			/* of a part: the permanent neighbour of node 0, or node 0 */
	int			top;			/* the levels from top down to bottom are complete; */
	int			bottom;			/* 0 and 1 if no level is */

	/* offsets within links, by graph_build_layout */
	size_t		ids;
	size_t		distances;
	size_t		a;
	size_t		b;
	size_t		codes;
	size_t		size;
} GraphBuild;

/* A candidate for a list of numbers. */
typedef struct VamanaCandidate
{
	GraphCandidate end;
	float		cover;			/* its distance from the neighbour that covers it, or INFINITY */
} VamanaCandidate;

/* What one process needs to insert. */
typedef struct GraphInserter
{
	const GraphBuild *build;
	GraphSearch search;
	GraphSource source;
	uint32_t	node;			/* that is being inserted */
	int			level;			/* that is being searched */
	CodeQuery	query;
	float	   *rotated;		/* padded floats */
	uint8_t    *lut;
	uint8_t    *entry_lut;
	uint8_t    *signs;			/* codes of the neighbours in a list that is being filled */
	VamanaCandidate *candidates;	/* if bytes: room for ef_construction */
	float	   *cosine;			/* of the angle for each number of different signs */
	uint32_t	repeated;		/* searches repeated with more candidates, */
	uint32_t	gained;			/* the neighbours that these have gained, */
	uint32_t	unrepeated;		/* and those not repeated because that gained too little */
} GraphInserter;

/* Sets offsets and size from the caller's settings. */
extern void graph_build_layout(GraphBuild *build);

/* Has distances computed by the caller: to be called before there are work vectors. */
extern void graph_use_exact(GraphInserter *inserter, GraphBuild *build, bool exact);

/* Changes whether lists will be merged, before there are any. */
extern void graph_use_merging(GraphBuild *build, bool merging);

/* The bytes of a work vector. */
static inline size_t
graph_work_size(const GraphBuild *build)
{
	return build->exact ? 0 :
		build->bytes ? (sizeof(GraphBytes) + build->padded + 3) / 4 * 4 :
		build->padded * sizeof(uint16_t);
}

/* Makes a vector, `padded` rotated and centred elements, a work vector of bytes. */
extern void graph_make_bytes(const GraphBuild *build, const float *vector, GraphBytes *out);

/*
 * Returns how many levels a graph of n nodes has; sizes gets their numbers of nodes, sizes[0] = n.
 * In a coded graph the second level is its entries.
 */
extern int	graph_level_sizes(const GraphBuild *build, uint32_t n, uint32_t sizes[GRAPH_LEVELS]);

extern bool graph_inserter_init(GraphInserter *inserter, const GraphBuild *build,
								GraphMemory memory);

/*
 * Nodes of a coded graph after its entries may be inserted in any order that is random on the
 * whole.  graph_order makes one in which neighbours follow each other, so that a search finds in
 * the processor's caches what the one before it has read: in rounds, each with as many nodes as all
 * before it, which are random, the nodes of a round sorted by cells.  (Amenta, Choi and Rote 2003,
 * "Incremental constructions con BRIO".)  A node's cell is the entry nearest to it.
 */
extern uint32_t graph_cell(GraphInserter *inserter, uint32_t node);

/*
 * Makes of the cells of nodes, which numbers have by node but for those of the entries, the order
 * of n nodes.  scratch has room for n numbers.
 */
extern void graph_order(const GraphArray *numbers, uint32_t entries, uint32_t n,
						uint32_t *scratch);

/*
 * Inserts a node among those before it: all nodes below `node`, or before it in their order, have
 * been inserted, except those that other processes are inserting.  Returns false if there is no
 * memory.
 */
extern bool graph_insert(GraphInserter *inserter, uint32_t node);

/*
 * After all nodes are inserted, gives a node further neighbours if its list has free places: near
 * nodes that are not `alpha` times as near to one of its neighbours as to the node (the relaxed
 * rule of Vamana: Subramanya et al., DiskANN, NeurIPS 2019, algorithm 2), and then, up to three
 * quarters of the list, by a more relaxed rule.  With bytes, an insertion has filled the list, and
 * this cuts it to its degree.  Several processes may call this, each for nodes of
 * its own.  Returns false if there is no memory.
 */
extern bool graph_fill(GraphInserter *inserter, uint32_t node);

/* Neighbours of a node, by ids in the whole graph, with their codes one after the other. */
typedef struct GraphEdges
{
	uint32_t	count;
	uint32_t   *ids;
	float	   *distances;
	float	   *a;				/* this and the next if coded, without bytes */
	uint16_t   *b;
	uint8_t    *signs;			/* if coded: graph_sign_dims() / 8 bytes each */
} GraphEdges;

/* The number of dimensions whose signs tell whether neighbours cover each other. */
#define GRAPH_SIGN_DIMS		256

static inline uint32_t
graph_sign_dims(const GraphBuild *build)
{
	return build->bytes && build->padded > GRAPH_SIGN_DIMS ? GRAPH_SIGN_DIMS : build->padded;
}

/* Copies a node's neighbours; the arrays have room for build->degree of them. */
extern void graph_get_edges(const GraphBuild *build, uint32_t node, GraphEdges *edges);

/*
 * Merges further neighbours, some of which it may have already, into a node's list.  If that is too
 * many, keeps those that do not cover each other, by the angles of codes, then the nearest of the
 * others; by dot products and without codes, the first of both lists.
 */
extern void graph_merge_edges(GraphInserter *inserter, uint32_t node, const GraphEdges *edges);

/*
 * The distance and the code of an edge between work vectors, as graph_merge_edges takes them;
 * `signs` has room for graph_sign_dims().
 */
extern RabitqFactors graph_code_edge(const GraphBuild *build, const void *node,
									 const void *neighbour, uint8_t *signs);

/*
 * Sets the code of a node's link, and its distance, from the neighbour's work vector, if exact from
 * what that would be made of; the node's own must be there, and with bytes its lists such that they
 * can be merged.
 */
extern void graph_code_link(const GraphBuild *build, uint32_t node, uint32_t place,
							const void *work);

/*
 * Makes a node outside of this part, given by its id and by what graph_code_link needs or, where
 * there are no codes, its work vector or its distance, a permanent neighbour of node 0.
 */
extern void graph_set_anchor(GraphBuild *build, uint32_t id, const void *work, float distance);

/*
 * In the end this many nodes have an edge to each node.  A node far from all others is among the
 * nearest of few; with a single edge to it, it is found late or never.
 */
#define GRAPH_LEAST_WAYS	4

/* Counts the edges to nodes of this part and of those after it, in build->ways. */
extern void graph_count_ways(const GraphBuild *build, uint32_t n);

/*
 * Adds a neighbour outside of this part to a node's list, by an edge as graph_code_edge makes it,
 * even if others cover it: in a free place, or in that of the farthest neighbour to which more than
 * enough nodes lead.  Does nothing if there is neither, or if the node has this neighbour.
 */
extern void graph_lead(const GraphBuild *build, uint32_t node, uint32_t id, RabitqFactors edge,
					   const uint8_t *signs);

/*
 * Makes each of the n nodes reachable from node 0, if pruning has cut some off, and has several
 * nodes lead to each.  To be called by one process when the others are done.  A neighbour outside
 * of the n nodes may have to give way, unless it is the anchor, or by build->ways no more than
 * enough nodes lead to it and each of the n is reached all the same.  Returns false if there is no
 * memory.
 */
extern bool graph_connect(const GraphBuild *build, uint32_t n, GraphMemory memory);

/*
 * The n nodes of a coded graph in an order in which those near each other are near each other:
 * divides them in two halves by two means, again and again, down to a few nodes.  Each run of
 * GRAPH_CELL nodes is one part of that.  scratch has room for graph_place_size bytes.  Calls
 * `pause` now and then, which may leave by a long jump.
 */
#define GRAPH_CELL			32
#define GRAPH_PLACE_DEPTH	28
extern size_t graph_place_size(const GraphBuild *build, uint32_t n);
extern void graph_place(const GraphBuild *build, uint32_t *nodes, uint32_t n, void *scratch,
						void (*pause) (void));

/* Copies the links of the first n nodes to a level. */
extern void graph_build_snapshot(const GraphBuild *build, int level, uint32_t n);

/* Makes the first nodes of a coded graph its entries; scratch has room for a vector's floats. */
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
