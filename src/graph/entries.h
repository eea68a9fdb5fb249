/*
 * entries.h - where the search of a coded graph begins
 *
 * Entries are random nodes with 1-bit codes of their first rotated dimensions relative to the mean.
 * A pass over all of them finds one near the query at a fraction of the cost of hops down a
 * hierarchy.
 */
#ifndef VECTOR_GRAPH_ENTRIES_H
#define VECTOR_GRAPH_ENTRIES_H

#include <float.h>

#include "graph/search.h"
#include "quantize/rabitq.h"

#define GRAPH_MAX_ENTRIES	1024
#define GRAPH_ENTRY_DIMS	256		/* number of dimensions in a code, at most */

/* CODE_GROUP nodes, in memory as on disk. */
typedef struct GraphEntryGroup
{
	float		a[CODE_GROUP];
	uint32_t	ids[CODE_GROUP];
	uint16_t	b[CODE_GROUP];
	uint8_t		codes[];
} GraphEntryGroup;

typedef struct GraphEntries
{
	uint32_t	count;			/* a multiple of CODE_GROUP; 0: none */
	uint32_t	dims;
	char	   *groups;			/* graph_entries_size() bytes */
} GraphEntries;

/* The number of entries of a graph of n nodes; none if it is small. */
extern uint32_t graph_entries_count(uint32_t n);
extern uint32_t graph_entries_dims(uint32_t padded);
extern size_t graph_entries_size(uint32_t count, uint32_t dims);

static inline GraphEntryGroup *
graph_entries_group(const GraphEntries *entries, uint32_t i)
{
	return (GraphEntryGroup *) (entries->groups +
								i * graph_entries_size(CODE_GROUP, entries->dims));
}

/* Makes a node the i-th entry: `padded` rotated and centred elements. */
extern void graph_entries_put(GraphEntries *entries, uint32_t i, uint32_t id,
							  RabitqMetric metric, const float *rotated, uint32_t padded);

/*
 * A query for entries: rotated and centred as the nodes.  lut has room for rabitq_lut_size(dims)
 * bytes.
 */
typedef struct GraphEntryQuery
{
	RabitqMetric metric;
	const float *rotated;
	uint32_t	padded;
	uint8_t    *lut;
} GraphEntryQuery;

/*
 * The entries that are nearest to a query, at most n, the nearest first, at estimates of their
 * distances; returns how many.
 */
extern int	graph_entries_find(const GraphEntries *entries, const GraphEntryQuery *query,
							   GraphCandidate *nearest, int n);

/* The nearest one of entries that are not none. */
static inline GraphCandidate
graph_entries_nearest(const GraphEntries *entries, RabitqMetric metric, const float *rotated,
					  uint32_t padded, uint8_t *lut)
{
	const GraphEntryQuery query = {metric, rotated, padded, lut};
	GraphCandidate nearest;

	if (graph_entries_find(entries, &query, &nearest, 1) == 0)
		return (GraphCandidate) {FLT_MAX, graph_entries_group(entries, 0)->ids[0]};
	return nearest;
}

#endif							/* VECTOR_GRAPH_ENTRIES_H */
