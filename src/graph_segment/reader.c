/*
 * reader.c - a graph as a segment that is searched in rounds
 *
 * The first round finds the nearest rows, each further one goes on from there.  Once a segment has
 * been walked so far that reading the rest of it costs no more, it is read.
 */
#include "graph_segment/method.h"

#include <math.h>

#include "graph_segment/scan.h"
#include "segment/code_groups.h"

/* A walk that may be given up looks after so many hops, each time, whether it should be. */
#define LOOK_HOPS			16

/*
 * Of a scan by codes, this many times as many rows wait as a walk would have candidates, and this
 * part of the rows: to compute all bounds again for more of them takes longer than to keep these.
 */
#define WAITING_TIMES		16
#define WAITING_PART		64

/*
 * See reads_within: hops until a walk is near the query; and how many nodes, and which part of
 * them, wait without bounds being computed again.
 */
#define HOPS_ON_THE_WAY		4
#define WITHIN_WAITING		64
#define WITHIN_WAITING_PART	8

/* Likewise: of so few nodes that others have compared, all codes are, as a walk goes too far. */
#define FEW_NODES			4096

/*
 * Nodes that wait for each row that is wanted: by codes, of a participant of a parallel scan and of
 * one process; and by vectors, where some rows may be dead.
 */
#define WAITING_PER_ROW		4
#define WAITING_PER_MANY	8
#define WAITING_COMPARED	1.25
#define WAITING_LEAST		1024

/* Nodes whose vectors have been compared are not read again, if at least this part is wanted. */
#define RESULTS_PART		0.5

typedef struct GraphReading
{
	SegmentScan base;
	GraphScan	scan;
	size_t		given;			/* of what the search has found */
	bool		begun;
	bool		may_read;		/* a walk may be given up */
	bool		waits;			/* the walk of the round goes on when it is called again */
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
	reading->scan.share = search->take_run ? &reading->base : NULL;
	return &reading->base;
}

/*
 * Gives the rows that a search has found, or lets them wait if their distances are only estimates.
 */
static void
give_found(GraphReading *reading)
{
	const GraphSearch *search = &reading->scan.search;

	if (graph_scan_estimates(&reading->scan))
	{
		graph_scan_wait_found(&reading->scan, reading->base.search->effort.wanted);
		return;
	}

	while (reading->given < search->found_count)
		segment_give_row(reading, &search->found[reading->given++]);
}

/*
 * What reading the rest costs, in hops, by vectors or by the nodes' own codes, whose bounds may
 * fail, and the vectors of so many nodes.
 */
static uint32
vector_hops(const GraphScan *scan)
{
	return graph_scan_nodes_left(scan) /
		(scan->left ? GRAPH_SCATTERED_PER_HOP : GRAPH_NODES_PER_HOP);
}

static uint32
code_hops(const GraphScan *scan, uint32 refined)
{
	uint32		left = graph_scan_nodes_left(scan);
	double		all = scan->sealed.segment->header.nodes / CODE_GROUP + 1;
	uint32		groups = (uint32) (all * (1 - exp(left / -all)));	/* if nodes are spread */

	return (scan->disk ? left / GRAPH_CODES_PER_HOP : groups / GRAPH_GROUPS_PER_HOP) +
		Min(refined, left) / GRAPH_SCATTERED_PER_HOP;
}

/*
 * Whether the rest is read by codes.  Searches without conditions, or with as many candidates as
 * there are nodes, are exact when they read the rest.
 */
static bool
reads_codes(const GraphReading *reading)
{
	const GraphScan *scan = &reading->scan;

	if (graph_scan_estimates(scan))
		return true;
	return scan->left && graph_scan_has_codes(scan) &&
		code_hops(scan, GRAPH_REFINED) < vector_hops(scan) &&
		graph_scan_nodes_left(scan) > reading->base.search->effort.candidates;
}

static uint32
rest_hops(const GraphReading *reading)
{
	return reads_codes(reading) ? code_hops(&reading->scan, GRAPH_REFINED) :
		vector_hops(&reading->scan);
}

/* Whether the search allows to read the rest. */
static bool
may_read_rest(const GraphReading *reading)
{
	SegmentSearch *search = reading->base.search;

	return !search->allows ||
		search->allows(search, graph_scan_nodes_left(&reading->scan), 0);
}

static void
read_rest(GraphReading *reading)
{
	SegmentSearch *search = reading->base.search;
	uint32		left = graph_scan_nodes_left(&reading->scan);

	search->statistics->reads++;
	if (left > 0 && reads_codes(reading))
		graph_scan_bound_rest(&reading->scan, search->query,
							  Max(WAITING_TIMES * search->effort.candidates,
								  left / WAITING_PART), INFINITY, CODE_SIGMAS);
	else if (left > 0)
		graph_scan_rest(&reading->scan, search->query, segment_give_row, reading);
	reading->ended = true;
}

/*
 * Of a search that need not go farther than what others have found: has the few nodes wait of which
 * the codes do not tell that they are farther, if all codes take less time than a walk.  That
 * expands the wanted nodes, as many times as many as are within its reach, and some on the way.
 */
static bool
reads_within(GraphReading *reading)
{
	SegmentSearch *search = reading->base.search;
	const SearchEffort *effort = &search->effort;
	uint32		left = graph_scan_nodes_left(&reading->scan);
	double		walk = HOPS_ON_THE_WAY +
		effort->wanted * Max(effort->crowd, 1) / Max(graph_scan_share(&reading->scan), 0.01);

	if (effort->within == INFINITY || reading->scan.disk || search->allows ||
		!graph_scan_has_codes(&reading->scan) ||
		(code_hops(&reading->scan, effort->few ? 0 : left / GRAPH_WITHIN_PART) > walk &&
		 !(effort->few && left <= FEW_NODES)))
		return false;
	search->statistics->reads++;
	graph_scan_bound_rest(&reading->scan, search->query,
						  Max(WITHIN_WAITING, left / WITHIN_WAITING_PART), effort->within,
						  effort->sigmas > 0 ? effort->sigmas : CODE_SIGMAS);
	reading->ended = true;
	return true;
}

/* Reads the rest in place of this many hops, if that costs no more, and is allowed. */
static bool
reads_rest(GraphReading *reading, uint64 hops)
{
	if (rest_hops(reading) > hops || !may_read_rest(reading))
		return false;
	read_rest(reading);
	return true;
}

/*
 * About how many hops a search needs, if this share of the rows on its way is left.  It visits each
 * of the wanted rows at least; without a number of wanted rows it visits as many as it has
 * candidates.  With conditions it walks through other rows, the more of them the fewer rows meet
 * the conditions: some hops for each wanted row's share, and others beyond the wanted rows, which
 * are as many whatever the conditions.
 */
static uint64
expected_hops(const GraphReading *reading, double share)
{
	const SearchEffort *effort = &reading->base.search->effort;
	uint32		rows = effort->wanted > 0 ? effort->wanted : effort->candidates;
	double		beyond;

	if (share == 0 || share == 1)
		return rows;
	beyond = effort->wanted > 0 ? rows * (Max(effort->crowd, 1) - 1) : 0;
	return (uint64) (beyond + (effort->wanted > 0 ? GRAPH_WALKED_PER_SHARE : 1) * rows / share);
}

/*
 * The first search.  With conditions, a walk is given up, and what is left is read, once the nodes
 * that it has met tell that it needs more hops than reading costs; or once it has had as many,
 * so a search costs at most twice what it costs the better way.
 */
static void
go_on(GraphReading *reading)
{
	GraphScan  *scan = &reading->scan;

	while (graph_scan_walk(scan, reading->may_read ? LOOK_HOPS : PG_UINT32_MAX))
		if (Max(scan->search.hops, expected_hops(reading, graph_scan_share_met(scan))) >=
			rest_hops(reading))
		{
			reading->base.search->statistics->switches++;
			read_rest(reading);
			return;
		}
}

static void
walk(GraphReading *reading)
{
	SegmentSearch *search = reading->base.search;

	reading->may_read = reading->scan.left && may_read_rest(reading);
	search->statistics->walks++;
	graph_scan_search(&reading->scan, search->query, &search->effort);
	go_on(reading);
}

/* What all nodes that are left cost by vectors, in hops, and by codes with those of many rows. */
static double
all_vector_hops(const GraphReading *reading)
{
	const GraphScan *scan = &reading->scan;

	return graph_scan_nodes_left(scan) / (scan->left ? GRAPH_SCATTERED_PER_HOP :
										  graph_nodes_in_order(scan->sealed.space->dims));
}

static double
all_code_hops(const GraphReading *reading, double hops_per_row)
{
	const GraphScan *scan = &reading->scan;
	double		rows = Min(reading->base.search->effort.rows, graph_scan_nodes_left(scan));

	return scan->disk || !graph_scan_has_codes(scan) ? INFINITY :
		code_hops(scan, GRAPH_REFINED) + rows * hops_per_row;
}

/*
 * Whether a participant of a parallel scan reads its part by codes; else it compares all vectors,
 * which is exact.  Bounds by the codes of METHOD_DISK are not as sure as a walk, which compares the
 * vectors of all that it goes through.
 */
static bool
shares_codes(const GraphReading *reading)
{
	return graph_scan_estimates(&reading->scan) ||
		all_code_hops(reading, GRAPH_HOPS_PER_ROW) < all_vector_hops(reading);
}

/*
 * Reads what a participant of a parallel scan takes of the segment, or one process all of it.  All
 * become results if most are wanted, or it is not known how many are.
 */
static void
read_all(GraphReading *reading, bool codes, double waiting_per_row)
{
	SegmentSearch *search = reading->base.search;
	GraphScan  *scan = &reading->scan;
	double		rows = search->effort.rows;
	double		waiting = codes ?
		Max(rows * waiting_per_row, WAITING_TIMES * search->effort.candidates) :
		Max(rows * WAITING_COMPARED, WAITING_LEAST);
	uint32		most = (uint32) Min(waiting, PG_INT32_MAX);

	search->statistics->reads++;
	if (codes)
		graph_scan_bound_rest(scan, search->query, most, INFINITY, CODE_SIGMAS);
	else if (rows == 0 || rows > RESULTS_PART * graph_scan_nodes_left(scan) ||
			 space_is_lossy(search->space))
		graph_scan_rest(scan, search->query, segment_give_row, reading);
	else
		graph_scan_order_rest(scan, search->query, most);
	reading->ended = true;
}

/*
 * Reads the whole segment, if more rows are wanted than a round finds, and rounds of a walk take
 * longer.
 */
static bool
reads_many(GraphReading *reading)
{
	const SegmentSearch *search = reading->base.search;
	const SearchEffort *effort = &search->effort;
	double		share = graph_scan_share(&reading->scan);
	double		left = graph_scan_nodes_left(&reading->scan);
	double		by_vectors = all_vector_hops(reading);
	double		by_codes = space_is_lossy(search->space) ? INFINITY :
		all_code_hops(reading, GRAPH_COMPARED_PER_ROW);
	double		rows = Min(effort->rows, left);

	if (effort->rows <= (effort->wanted > 0 ? effort->wanted : effort->candidates) ||
		search->allows || graph_scan_estimates(&reading->scan) ||
		graph_scan_is_stored(&reading->scan) ||
		rows * GRAPH_WALKED_PER_ROW / Max(share, 1 / (left + 1)) <= Min(by_vectors, by_codes))
		return false;
	read_all(reading, by_codes < by_vectors, WAITING_PER_MANY);
	return true;
}

/* The memory that another round may take. */
static Size
round_memory(const GraphReading *reading)
{
	return graph_search_growth(&reading->scan.search,
							   (Size) reading->base.search->effort.candidates *
							   segment_degree(&reading->scan.sealed.segment->header));
}

static SegmentRound
do_round(GraphReading *reading)
{
	SegmentSearch *search = reading->base.search;

	if (!tier_wait && graph_scan_is_stored(&reading->scan) &&
		!graph_scan_estimates(&reading->scan))
	{
		search_leave_out(search);
		reading->ended = true;
		return ROUND_LAST;
	}
	if (reading->scan.share)
	{
		read_all(reading, shares_codes(reading), WAITING_PER_ROW);
		return ROUND_LAST;
	}
	if (reading->waits)
		go_on(reading);
	else if (!reading->begun)
	{
		reading->begun = true;
		if (reads_within(reading) || reads_many(reading) ||
			reads_rest(reading, expected_hops(reading, graph_scan_share(&reading->scan))))
			return ROUND_LAST;
		walk(reading);
	}
	else
	{
		if (reads_rest(reading, reading->scan.search.hops))
			return ROUND_LAST;
		if (search->allows && !search->allows(search, 0, round_memory(reading)))
			return ROUND_REFUSED;
		reading->may_read = false;
		if (search->effort.extend)
			graph_scan_extend(&reading->scan, &search->effort);
		else
		{
			reading->given = 0;
			reading->ended = !graph_scan_more(&reading->scan);
			if (reading->ended)
				return ROUND_LAST;
		}
	}
	reading->waits = reading->scan.search.waits;
	if (reading->waits)
		return ROUND_WAITS;
	give_found(reading);
	return reading->ended ? ROUND_LAST : ROUND_DONE;
}

static SegmentRound
graph_round(SegmentScan *scan)
{
	GraphReading *reading = (GraphReading *) scan;
	SegmentRound round;

	reading->scan.together = scan->search->together;
	round = do_round(reading);

	graph_scan_close(&reading->scan);
	return round;
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
		(kept->items[0].distance + base) / scan->search->effort.margin - base;
}

static bool
graph_waiting(SegmentScan *scan, float *bound)
{
	const GraphScan *graph = &((GraphReading *) scan)->scan;

	return (!graph_scan_estimates(graph) || scan->search->effort.fetches > 0) &&
		graph_scan_waiting(graph, bound);
}

/* Whether the vectors of waiting nodes are read with those of other segments. */
static bool
graph_ready(SegmentScan *scan)
{
	const GraphScan *graph = &((GraphReading *) scan)->scan;

	return !graph_scan_is_stored(graph) || !graph_scan_estimates(graph) ||
		graph->next_done < graph->next_count;
}

static bool
graph_unread(SegmentScan *scan, float *bound)
{
	const GraphScan *graph = &((GraphReading *) scan)->scan;

	return graph_scan_is_stored(graph) && graph_scan_estimates(graph) &&
		graph_scan_unread(graph, bound);
}

static float
graph_enough(SegmentScan *scan)
{
	return graph_scan_enough(&((GraphReading *) scan)->scan, scan->search->effort.wanted);
}

static void
graph_ask(SegmentScan *scan, BlockBatch *batch)
{
	graph_scan_ask(&((GraphReading *) scan)->scan, batch);
}

static void
graph_bring_near(SegmentScan *scan)
{
	bounded_bring_near(&((GraphReading *) scan)->scan.bounded);
}

static bool
graph_next(SegmentScan *scan, GraphFound *found)
{
	GraphScan  *graph = &((GraphReading *) scan)->scan;
	bool		visible;

	visible = graph_scan_next(graph, scan, found);
	if (graph_scan_estimates(graph) && visible)
		scan->search->effort.fetches--;
	graph_scan_close(graph);
	return visible;
}

static int
graph_rows(SegmentScan *scan, const GraphFound *found, FoundRow *single, FoundRow **rows)
{
	GraphScan  *graph = &((GraphReading *) scan)->scan;
	int			count = graph_scan_rows(graph, found, single, rows);

	graph_scan_close(graph);
	return count;
}

const SegmentReader graph_reader = {
	.open = graph_open,
	.round = graph_round,
	.waiting = graph_waiting,
	.next = graph_next,
	.bring_near = graph_bring_near,
	.ready = graph_ready,
	.unread = graph_unread,
	.enough = graph_enough,
	.ask = graph_ask,
	.divided = true,
	.left = graph_left,
	.rows = graph_rows
};
