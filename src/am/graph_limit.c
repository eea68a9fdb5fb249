/*
 * graph_limit.c - how far a search of a graph goes if it is known how many rows are wanted
 *
 * About twice `size` vectors, but at least LEAST_CROWD times those wanted, are within reach if
 * squared distances are distributed as in REACH_DIMS dimensions, or in all that the vectors have if
 * these are fewer.  The intrinsic dimension of most data is lower.  In some data the way to near
 * vectors leads over far ones.  So a search goes on beyond its reach as long as that brings a gain
 * now and then: with a smaller size than PATIENCE_SIZE for a part of the hops that it took to the
 * last gain, because reach alone serves most data best; with a larger size for many times as many
 * hops.  Plain nodes, whose graphs have fewer neighbours and whose distances are often whole
 * numbers, need this at smaller sizes.
 */
#include "am/graph_limit.h"

#include <math.h>

#include "miscadmin.h"

/* A LIMIT of fewer rows is treated as one of this many: a few distances vary too much. */
#define LEAST_WANTED	10

/* See above. */
#define LEAST_CROWD		1.1f
#define REACH_DIMS		32.0f
#define PATIENCE_SIZE	200.0f
#define PLAIN_PATIENCE_SIZE	60.0f

/* However small its part, a search looks for at least this many rows at first. */
#define LEAST_SHARE		2

/* If rows are asked for beyond those that were wanted, the search looks for so many times more. */
#define MORE_WANTED		1.5

/* There is room among a search's candidates for so many times as many rows as its list has. */
#define MOST_LISTS		2

/* How far a search for `wanted` rows goes. */
static void
set_reach(SearchEffort *effort, const Space *space, uint32 wanted, float size)
{
	float		dims = Min(space->dims, REACH_DIMS);

	effort->crowd = Max(2 * size / wanted, LEAST_CROWD);
	effort->reach = powf(effort->crowd, 2 / dims);
	effort->patience = space->coded ? powf(size / PATIENCE_SIZE, 3) :
		powf(size / PLAIN_PATIENCE_SIZE, 2);
}

void
graph_limit(SearchEffort *effort, const Space *space, uint64 rows, uint32 size,
			uint32 list)
{
	effort->wanted = (uint32) Min(Max(rows, LEAST_WANTED), list);
	set_reach(effort, space, effort->wanted, size);
}

/*
 * A part seldom has more than twice as many of the wanted rows as parts of its size have on
 * average.  If it is known how near rows have to be, the search reaches so far in any case.
 */
uint32
graph_share(const SearchEffort *effort, uint32 wanted, double part)
{
	double		average = wanted * part;

	return (uint32) Min(wanted, LEAST_SHARE +
						(effort->known < INFINITY ? average : 2 * average));
}

/* The number of a segment's rows that a search may find. */
static double
rows_left(const ScanCursor *cursor)
{
	return (double) cursor->entry.rows - Min(cursor->excluded.count, cursor->entry.rows);
}

static int
compare_sizes(const void *a, const void *b)
{
	const ScanCursor *first = *(ScanCursor *const *) a;
	const ScanCursor *second = *(ScanCursor *const *) b;

	if (rows_left(first) != rows_left(second))
		return rows_left(first) > rows_left(second) ? -1 : 1;
	return first < second ? -1 : 1;
}

/* Rows of the segments that are searched in rounds. */
typedef struct SearchedRows
{
	double		all;
	double		largest;
} SearchedRows;

static SearchedRows
count_searched(const VectorScan *scan)
{
	SearchedRows rows = {0};

	for (int i = 0; i < scan->cursor_count; i++)
		if (!scan->cursors[i].searched)
		{
			rows.all += rows_left(&scan->cursors[i]);
			rows.largest = Max(rows.largest, rows_left(&scan->cursors[i]));
		}
	return rows;
}

/* Finds these segments; returns how many. */
static int
find_searched(VectorScan *scan, ScanCursor **searched)
{
	int			count = 0;

	for (int i = 0; i < scan->cursor_count; i++)
		if (!scan->cursors[i].searched)
			searched[count++] = &scan->cursors[i];
	return count;
}

/* Whether the segments of a scan share out the wanted rows among them. */
static bool
shares_out(const VectorScan *scan)
{
	return scan->search.effort.wanted > 0 && scan->merged == NULL && scan->shared == NULL;
}

/*
 * Has a search of a segment look for its share, and go less far if it is smaller than the largest.
 * Of n hops, a part of about 1 / n of a segment's rows is missed, and the smaller a segment is, the
 * fewer of its rows are wanted.  So as many rows as can be are found with so many hops in all if
 * those in a segment are in proportion to the square root of its rows.
 */
static void
limit_part(VectorScan *scan, uint32 wanted, const ScanCursor *cursor, const SearchedRows *rows)
{
	SearchEffort *effort = &scan->search.effort;
	double		left = rows_left(cursor);

	effort->wanted = graph_share(effort, wanted, left / Max(rows->all, 1));
	set_reach(effort, scan->search.space, wanted,
			  (float) (scan->effort * sqrt(left / Max(rows->largest, 1))));
}

void
graph_first_rounds(VectorScan *scan)
{
	SearchEffort *effort = &scan->search.effort;
	SearchEffort whole = *effort;
	uint32		wanted = effort->wanted;
	uint64		asked = effort->rows;
	double		scans = scan->merged ? scan_merge_children(scan->merged) : 1;
	ScanCursor **searched = palloc(sizeof(ScanCursor *) * Max(scan->cursor_count, 1));
	SearchedRows rows = count_searched(scan);
	double		told = 0;		/* rows of segments whose rounds are done */
	int			count = find_searched(scan, searched);
	NearestFound own = {
		.wanted = wanted, .within = INFINITY, .context = CurrentMemoryContext
	};
	bool		shares = count > 1 && shares_out(scan);
	BlockBatch	batch;

	/* participants of a parallel scan take runs in the order of the directory, and read them all */
	if (count > 1 && wanted > 0 && scan->shared == NULL)
		qsort(searched, count, sizeof(ScanCursor *), compare_sizes);
	if (shares)
		scan->nearest = &own;
	scan_wait_together(scan, &batch);
	for (int i = 0; i < count; i++)
	{
		if (shares)
			effort->known = told >= rows_left(searched[i]) ? nearest_bound(&own) : INFINITY;
		else if (scan->nearest)
		{
			effort->known = scan_merge_known(scan->merged);
			effort->within = nearest_bound(scan->nearest);
			effort->few = scan->nearest->within < INFINITY;
		}
		if (i > 0 && effort->known < INFINITY)
			limit_part(scan, wanted, searched[i], &rows);
		if (scan->shared == NULL)
			effort->rows = (uint64) (asked * rows_left(searched[i]) / Max(rows.all, 1) / scans);
		(void) scan_round(scan, searched[i]);
		if (!searched[i]->waits)
			told += rows_left(searched[i]);
	}
	scan_end_waiting(scan);
	pfree(searched);
	whole.known = effort->known;
	*effort = whole;
	effort->within = INFINITY;
	if (!shares)
		return;
	/* the first rows are all within what is known now; of others nothing is */
	effort->known = INFINITY;
	scan->nearest = NULL;
}

bool
graph_extend(VectorScan *scan, uint32 list)
{
	SearchEffort *effort = &scan->search.effort;

	effort->known = INFINITY;
	effort->extend = effort->wanted > 0 && effort->wanted < MOST_LISTS * list;
	if (effort->extend)
		graph_limit(effort, scan->search.space, (uint64) ceil(effort->wanted * MORE_WANTED),
					(uint32) scan->effort, MOST_LISTS * list);
	return effort->extend;
}

SegmentRound
graph_next_round(VectorScan *scan, ScanCursor *cursor)
{
	SearchEffort *effort = &scan->search.effort;
	SearchEffort whole = *effort;
	SegmentRound round;

	if (effort->extend && shares_out(scan))
	{
		SearchedRows rows = count_searched(scan);

		limit_part(scan, effort->wanted, cursor, &rows);
	}
	round = scan_round(scan, cursor);
	*effort = whole;
	return round;
}
