/*
 * reader.c - a graph as a segment that is searched in rounds
 *
 * The first round finds the nearest rows, each further one goes on from there.  Once a segment has
 * been walked so far that reading the rest of it costs no more, it is read.
 */
#include "graph_segment/method.h"

#include <math.h>

#include "graph_segment/scan.h"

/* What is left may be nearer than estimated by this factor. */
#define MARGIN				1.02f

typedef struct GraphReading
{
	SegmentScan base;
	GraphScan	scan;
	bool		begun;
	bool		ended;			/* there is no row left */
} GraphReading;

static SegmentScan *
graph_open(SegmentSearch *search, const SegmentEntry *entry, CachedSegment *segment,
		   const ExcludedRows *excluded)
{
	GraphReading *reading = palloc0(sizeof(GraphReading));

	reading->base.search = search;
	graph_scan_begin(&reading->scan, search->index, search->space, segment, search->statistics);
	graph_scan_exclude(&reading->scan, excluded);
	return &reading->base;
}

/* Gives the rows that a search has found. */
static void
give_found(GraphReading *reading)
{
	const GraphSearch *search = &reading->scan.search;

	for (size_t i = 0; i < search->found_count; i++)
		segment_give_row(reading, &search->found[i]);
}

/* Reads the rest in place of further hops, if that costs no more than this many, and is allowed. */
static bool
read_rest(GraphReading *reading, uint64 hops)
{
	SegmentSearch *search = reading->base.search;
	uint64		left = graph_scan_nodes_left(&reading->scan);

	if (left > GRAPH_NODES_PER_HOP * hops || (search->allows && !search->allows(search, left, 0)))
		return false;
	graph_scan_rest(&reading->scan, search->query, segment_give_row, reading);
	return true;
}

/*
 * A search visits each of the wanted rows at least; without a number of wanted rows it visits as
 * many as it has candidates.  With conditions it visits about half of its candidates, and walks
 * through other rows, the more of them the fewer rows meet the conditions.
 */
static uint64
least_hops(const GraphReading *reading)
{
	const SearchEffort *effort = &reading->base.search->effort;
	uint32		rows = effort->wanted > 0 ? effort->wanted : effort->candidates;
	double		share = graph_scan_share(&reading->scan);

	return share == 0 || share == 1 ? rows : (uint64) (Max(rows, effort->candidates / 2) / share);
}

/* The memory that another round may take. */
static Size
round_memory(const GraphReading *reading)
{
	return graph_search_growth(&reading->scan.search,
							   (Size) reading->base.search->effort.candidates *
							   reading->scan.sealed.segment->header.layout.degree);
}

static SegmentRound
graph_round(SegmentScan *scan)
{
	GraphReading *reading = (GraphReading *) scan;
	SegmentSearch *search = scan->search;
	const SearchEffort *effort = &search->effort;

	if (!reading->begun)
	{
		reading->begun = true;
		reading->ended = read_rest(reading, least_hops(reading));
		if (reading->ended)
			return ROUND_LAST;
		graph_scan_search(&reading->scan, search->query, effort);
	}
	else
	{
		reading->ended = read_rest(reading, reading->scan.search.hops);
		if (reading->ended)
			return ROUND_LAST;
		if (search->allows && !search->allows(search, 0, round_memory(reading)))
			return ROUND_REFUSED;
		reading->ended = !graph_scan_more(&reading->scan);
		if (reading->ended)
			return ROUND_LAST;
	}
	give_found(reading);
	return ROUND_DONE;
}

/*
 * If distances are negative, the margin is measured from the lowest possible distance.
 */
static float
graph_left(SegmentScan *scan)
{
	const GraphReading *reading = (GraphReading *) scan;
	const GraphHeap *kept = &reading->scan.search.kept;
	float		base = reading->scan.search.base;

	return reading->ended || kept->count == 0 ? INFINITY :
		(kept->items[0].distance + base) / MARGIN - base;
}

static int
graph_tids(SegmentScan *scan, const GraphFound *found, ItemPointer single, ItemPointer *tids)
{
	return graph_scan_tids(&((GraphReading *) scan)->scan, found, single, tids);
}

const SegmentReader graph_reader = {
	.open = graph_open,
	.round = graph_round,
	.left = graph_left,
	.tids = graph_tids
};
