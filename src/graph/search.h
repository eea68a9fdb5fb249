/*
 * search.h - best-first search of a proximity graph
 *
 * One search serves the graph that is being built in memory and the one on disk: a GraphSource says
 * how to read a node (a hop).  That may give its exact distance, otherwise it keeps the distance
 * that it had as a candidate; and estimates for its neighbours, which otherwise are scored one by
 * one.
 *
 * The pool holds the ef nearest candidates found, by estimate; a search ends when all of them have
 * been expanded (Malkov and Yashunin 2016, algorithm 2; Gou et al.  2025, algorithm 1).  A better
 * estimate of a candidate, from a nearer neighbour, replaces its earlier one.  Dead nodes are
 * expanded but take no place in the pool and are not found; where more of them are met than are in
 * the graph on average, the pool grows (graph_search_expect).  Candidates that the pool has no room
 * for can be kept for graph_search_more, which goes on from there; no node is found twice.
 *
 * Where nodes may be on a disk, the search asks for up to GRAPH_BEAM nearest candidates at once and
 * expands them all: a few in vain, but in a fifth of the rounds (Subramanya et al., DiskANN,
 * NeurIPS 2019).  It does so as well if they are in memory, so that what it finds does not depend
 * on that.
 */
#ifndef VECTOR_GRAPH_SEARCH_H
#define VECTOR_GRAPH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_MAX_DEGREE	1024	/* neighbours of a node, in groups of 32 */
#define GRAPH_BEAM			16		/* candidates that are asked for at once, if the search */
#define GRAPH_FAR_BEAM		8		/* begins near the query, and if not */

typedef struct GraphCandidate
{
	float		distance;
	uint32_t	id;
} GraphCandidate;

/* A node that was expanded: its exact distance, and what the source set for it. */
typedef struct GraphFound
{
	float		distance;
	uint32_t	id;
	float		bound;
	uint64_t	tag;
} GraphFound;

/*
 * Memory that grows: resize(arg, NULL, n) allocates, resize(arg, p, n) reallocates; NULL if there
 * is no memory.
 */
typedef struct GraphMemory
{
	void	   *(*resize) (void *arg, void *p, size_t size);
	void	   *arg;
} GraphMemory;

typedef struct GraphSource
{
	/*
	 * Reads a node: writes its neighbours' ids to `ids`, and may set found->bound and tag; its own
	 * distance to found->distance if the source is `exact`, and the neighbours' estimates to
	 * `estimates` if it is `coded` (room for GRAPH_MAX_DEGREE each).  Returns the number of
	 * neighbours.
	 */
	int			(*expand) (void *arg, uint32_t id, GraphFound *found, uint32_t *ids,
						   float *estimates);
	/* If not coded: the distances of n nodes, exact ones or estimates. */
	void		(*score) (void *arg, const uint32_t *ids, int n, float *distances);
	/* Prefetches a node that may be expanded next; or NULL. */
	void		(*prefetch) (void *arg, uint32_t id);
	/*
	 * Brings nodes that are expanded next into memory together; or NULL, if all are there.  false:
	 * they come later, and graph_search_run ends before (`waits`).  In graph_search_more they are
	 * needed at once.
	 */
	bool		(*fetch) (void *arg, const uint32_t *ids, int n);
	/*
	 * The nodes that come into memory with one that was expanded, and their exact distances, at
	 * most GRAPH_MAX_DEGREE; or NULL, if they are not worth comparing.
	 */
	int			(*beside) (void *arg, uint32_t id, uint32_t *ids, float *distances);
	/* Whether a node must not be found; or NULL, if no node is dead. */
	bool		(*dead) (void *arg, uint32_t id);
	void	   *arg;
	uint32_t	degree;			/* the most neighbours of a node */
	bool		exact;
	bool		coded;
	/*
	 * If not coded: no node is scored twice, though the pool had no room for it.  Not if it may
	 * find room later, as the pool may grow where nodes are dead.
	 */
	bool		once;
	bool		near;			/* the search begins near the query */
} GraphSource;

/* What is known of a node: seen with an estimate, or expanded. */
typedef struct GraphSeen
{
	uint32_t	id;
	uint32_t	epoch;
	float		estimate;
} GraphSeen;

/* A candidate that is expanded next. */
typedef struct GraphTaken
{
	GraphCandidate candidate;
	bool		dead;
} GraphTaken;

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
	bool		keep;			/* candidates that the pool has no room for are kept */
	bool		failed;			/* no memory */

	GraphCandidate *pool;		/* by distance; the highest bit of an id marks it as expanded */
	uint32_t	pool_count;
	uint32_t	pool_room;
	uint32_t	ef;
	uint32_t	least_ef;		/* that it began with */
	uint32_t	next;			/* all candidates before it are expanded */
	uint32_t	prefetched[2];	/* candidates, after the last hop */
	GraphTaken	beam[GRAPH_BEAM];
	uint32_t	beam_count;
	uint32_t	beam_next;		/* those before it are expanded */
	bool		waits;			/* for the nodes of the beam */

	uint32_t	wanted;			/* see graph_search_limit; 0: no limit */
	float		reach;
	float		dense_reach;	/* if no node were dead */
	float		base;			/* distances are at most so far below 0; may be raised */
	float		known;			/* -INFINITY if it is not known */
	float		patience;
	uint64_t	began;			/* hops at the beginning, */
	uint64_t	gained;			/* and when the last of the wanted was found */
	bool		wide;			/* looks beyond its reach */
	GraphCandidate *beyond;		/* candidates that were out of reach, unordered */
	size_t		beyond_count;
	size_t		beyond_room;
	GraphHeap	nearest;		/* the wanted nearest found; with negated distances */

	GraphHeap	dead;			/* dead nodes to be expanded */
	float		share;			/* see graph_search_expect; 0: it was not told */
	float		crowd;
	float		live_share;		/* of the nodes expanded last that were not dead */
	uint64_t	met_live;		/* expanded nodes that were not dead, */
	uint64_t	met_dead;		/* and those that were */
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

/* The largest id: the search uses the highest bit. */
#define GRAPH_MAX_ID	UINT32_C(0x7FFFFFFF)

extern void graph_search_init(GraphSearch *search, GraphMemory memory);

/* Begins a new search with one candidate; false if there is no memory. */
extern bool graph_search_begin(GraphSearch *search, GraphSource source, uint32_t ef, bool keep,
							   GraphCandidate entry);

/* Adds another candidate to begin with. */
extern bool graph_search_add(GraphSearch *search, GraphCandidate candidate);

/*
 * Lets the search end before its pool is expanded: once the nearest candidate seems to be `reach`
 * times as far as the farthest of the `wanted` nearest nodes found.  So an easy query needs
 * fewer hops than a hard one.  (Al-Jazzazi et al. 2025, "Distance adaptive beam search", with
 * estimates instead of the candidates' distances.)  If distances are negative, `base` is added
 * to them before they are compared.
 *
 * If it is known that only nodes within the distance `known` matter, the search reaches at least
 * that far; INFINITY if nothing is known.
 *
 * Before it ends in this way, the search looks beyond its reach until there have been `patience`
 * times as many hops since the last gain as there were before it; a gain is finding one of the
 * wanted nodes (after Teofili and Lin 2025, "Patience in proximity").  With 0 it does not.
 */
extern void graph_search_limit(GraphSearch *search, uint32_t wanted, float reach, float known,
							   float patience);

/*
 * Tells a search which share of all nodes is not dead, and how many times as many nodes as the
 * wanted ones are about within its reach if none is dead (1: not known).  To be called after
 * graph_search_limit.
 *
 * As far as the k-th nearest node that is not dead there are k / share nodes in all.  These must be
 * expanded, but to find them a search need go no farther beyond them than beyond k nodes: as many
 * further nodes, not as many times as many.  So it reaches less far, by the share of the nodes that
 * it has met lately, which is what counts near the query.
 *
 * If the search meets much fewer nodes that are not dead than it expects, those are elsewhere than
 * near the query, maybe in several places, and the pool grows to find the way to all of them.
 */
extern void graph_search_expect(GraphSearch *search, float share, float crowd);

/*
 * Runs until the pool is expanded, a limit is reached, or max_hops hops are done; the result is in
 * `found`.  If it waits for nodes, the next run goes on with them.  Returns false if there is no
 * memory.
 */
extern bool graph_search_run(GraphSearch *search, uint32_t max_hops);

/*
 * After graph_search_run, has a search that was told how many nodes are wanted look for more of
 * them, up to as many as its pool has room for: the next run adds to what it has found, and expands
 * nothing twice.  Returns false if there is no memory.
 */
extern bool graph_search_extend(GraphSearch *search, uint32_t wanted, float reach);

/* The candidate at a place of the pool, with its estimate, whether expanded or not. */
extern GraphCandidate graph_search_candidate(const GraphSearch *search, uint32_t place);

/*
 * After graph_search_run, moves the ef nearest candidates that are left to an empty pool and
 * removes the limit; found_count is reset to zero.  A search that did not keep candidates reads the
 * nodes again that it expanded, and keeps candidates from then on.  Returns false if there are no
 * candidates, or no memory.
 */
extern bool graph_search_more(GraphSearch *search);

/* Whether a node has been expanded. */
extern bool graph_search_expanded(const GraphSearch *search, uint32_t id);

/* Sorts by distance. */
extern void graph_sort_found(GraphFound *found, size_t n);

/*
 * Hops in a plain graph from the entry to ever nearer neighbours; returns the last node and its
 * distance.
 */
extern GraphCandidate graph_descend(const GraphSource *source, GraphCandidate entry,
									uint64_t *hops);

/* Copies the nearest candidates that are not expanded, at most n; returns how many. */
extern int	graph_search_ahead(const GraphSearch *search, GraphCandidate *candidates, int n);

/* The number of bytes by which the search would grow if it met `more` candidates. */
extern size_t graph_search_growth(const GraphSearch *search, size_t more);

/* Makes a heap of items that are in any order. */
extern void graph_heap_make(GraphHeap *heap);
extern bool graph_heap_push(GraphHeap *heap, GraphMemory memory, GraphCandidate item);
extern GraphCandidate graph_heap_pop(GraphHeap *heap);

#endif							/* VECTOR_GRAPH_SEARCH_H */
