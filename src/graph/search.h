/*
 * search.h - best-first search of a proximity graph
 *
 * One search serves the graph that is being built in memory and the one on disk: a GraphSource says
 * how to read a node.  Of a coded source, reading a node (a hop) gives its exact distance and
 * estimates for its neighbours at once; of a plain one, the neighbours are scored one by one,
 * exactly.
 *
 * The pool holds the ef nearest candidates found, by estimate; a search ends when all of them have
 * been expanded (Malkov and Yashunin 2016, algorithm 2; Gou et al.  2025, algorithm 1).  A better
 * estimate of a candidate, from a nearer neighbour, replaces its first.  Dead nodes lead on but
 * take no place in the pool and are not found.  What the pool has no room for can be kept for
 * graph_search_more, which goes on from there; no node is found twice.
 */
#ifndef VECTOR_GRAPH_SEARCH_H
#define VECTOR_GRAPH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_MAX_DEGREE	224		/* neighbours of a node: 2 * m = 200, in groups of 32 */

typedef struct GraphCandidate
{
	float		distance;
	uint32_t	id;
} GraphCandidate;

/* A node that was expanded: its exact distance, and what the source says of it. */
typedef struct GraphFound
{
	float		distance;
	uint32_t	id;
	float		bound;
	uint64_t	tag;
} GraphFound;

/*
 * Memory that grows: resize(arg, NULL, n) allocates, (arg, p, n) reallocates; NULL when there is
 * none.
 */
typedef struct GraphMemory
{
	void	   *(*resize) (void *arg, void *p, size_t size);
	void	   *arg;
} GraphMemory;

typedef struct GraphSource
{
	/*
	 * Reads a node: its neighbours' ids go to `ids`, and found->bound and tag may be set.  If
	 * coded, its own distance goes to found->distance and the neighbours' estimates to `estimates`
	 * (room for GRAPH_MAX_DEGREE each).  Returns how many.
	 */
	int			(*expand) (void *arg, uint32_t id, GraphFound *found, uint32_t *ids,
						   float *estimates);
	/* Not coded: exact distances of n nodes. */
	void		(*score) (void *arg, const uint32_t *ids, int n, float *distances);
	/* Asks for a node that may be expanded next; or NULL. */
	void		(*prefetch) (void *arg, uint32_t id);
	/* Whether a node is not to be found; or NULL, where none is dead. */
	bool		(*dead) (void *arg, uint32_t id);
	void	   *arg;
	bool		coded;
} GraphSource;

/* What is known of a node: seen at an estimate, or expanded. */
typedef struct GraphSeen
{
	uint32_t	id;
	uint32_t	epoch;
	float		estimate;
} GraphSeen;

typedef struct GraphHeap
{
	GraphCandidate *items;		/* a binary heap, the smallest first */
	size_t		count;
	size_t		room;
} GraphHeap;

typedef struct GraphSearch
{
	GraphMemory memory;
	GraphSource source;
	bool		keep;			/* what the pool has no room for is kept */
	bool		failed;			/* no memory */

	GraphCandidate *pool;		/* by distance; the highest bit of an id says that it is expanded */
	uint32_t	pool_count;
	uint32_t	pool_room;
	uint32_t	ef;
	uint32_t	next;			/* before it everything is expanded */

	uint32_t	wanted;			/* see graph_search_limit; 0: no limit */
	float		reach;
	float		base;			/* at most, distances are so far below 0; the caller may raise it */
	float		least;
	float		patience;
	uint64_t	began;			/* hops at the beginning, */
	uint64_t	gained;			/* and when one of the wanted was found last */
	bool		wide;			/* looks beyond its reach */
	GraphCandidate *beyond;		/* out of reach when they were met, in no order */
	size_t		beyond_count;
	size_t		beyond_room;
	GraphHeap	nearest;		/* the wanted nearest found; distances are negated */

	GraphHeap	dead;			/* dead nodes to be expanded */
	GraphHeap	kept;

	GraphSeen  *seen;			/* open addressing; an entry of another epoch is free */
	size_t		seen_count;
	size_t		seen_room;		/* a power of two */
	uint32_t	epoch;

	GraphFound *found; /* expanded live nodes with exact distances, in order of expansion */
	size_t		found_count;
	size_t		found_room;

	uint64_t	hops;
	uint64_t	distances;		/* exact ones and estimates */
} GraphSearch;

/* Ids are up to this: the search has the highest bit for itself. */
#define GRAPH_MAX_ID	UINT32_C(0x7FFFFFFF)

extern void graph_search_init(GraphSearch *search, GraphMemory memory);

/* Begins with one candidate and forgets the search before; false when there is no memory. */
extern bool graph_search_begin(GraphSearch *search, GraphSource source, uint32_t ef, bool keep,
							   GraphCandidate entry);

/* Another candidate to begin with. */
extern bool graph_search_add(GraphSearch *search, GraphCandidate candidate);

/*
 * Lets the search end before its pool is expanded: once the nearest candidate seems to be `reach`
 * times as far as the farthest of the `wanted` nearest nodes that were found.  An easy query needs
 * fewer hops then than a hard one.  (Al-Jazzazi et al. 2025, "Distance adaptive beam search", with
 * estimates in the place of candidates' distances.)  Where distances are negative, `base` is added
 * to them before they are compared.
 *
 * All that is within the distance `least` is wanted, too; -INFINITY: nothing more.
 *
 * Before it ends so the search looks beyond its reach, until there were `patience` times as many
 * hops without a gain as until the last: until one of the wanted was found (after Teofili and Lin
 * 2025, "Patience in proximity").  With 0 it does not.
 */
extern void graph_search_limit(GraphSearch *search, uint32_t wanted, float reach, float least,
							   float patience);

/*
 * Runs until the pool is expanded, a limit is met, or for so many hops: `found` has what was found.
 * False when there is no memory.
 */
extern bool graph_search_run(GraphSearch *search, uint32_t max_hops);

/* The candidate at a place of the pool: at its estimate, whether it is expanded or not. */
extern GraphCandidate graph_search_candidate(const GraphSearch *search, uint32_t place);

/*
 * After graph_search_run, takes the ef nearest candidates that are left into an empty pool, with no
 * limit any more; found_count is set back to zero.  A search that did not keep them reads what it
 * expanded again, and keeps them from then on.  False when there are none, or no memory.
 */
extern bool graph_search_more(GraphSearch *search);

/* Whether a node has been expanded. */
extern bool graph_search_expanded(const GraphSearch *search, uint32_t id);

/* Sorts by distance. */
extern void graph_sort_found(GraphFound *found, size_t n);

/*
 * The nearest node that hops to ever nearer neighbours lead to, from the entry, and its distance.
 */
extern GraphCandidate graph_descend(const GraphSource *source, GraphCandidate entry,
									uint64_t *hops);

/* By how many bytes the search would grow if it met `more` candidates. */
extern size_t graph_search_growth(const GraphSearch *search, size_t more);

/* Makes a heap of items in any order. */
extern void graph_heap_make(GraphHeap *heap);
extern bool graph_heap_push(GraphHeap *heap, GraphMemory memory, GraphCandidate item);
extern GraphCandidate graph_heap_pop(GraphHeap *heap);

#endif							/* VECTOR_GRAPH_SEARCH_H */
