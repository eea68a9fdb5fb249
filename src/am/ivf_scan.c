/*
 * ivf_scan.c - an ordered scan of lists: searches the nearest lists of every segment, and merges
 * the results
 *
 * A scan searches the nearest lists, `probes` of them, and when more rows are asked for twice as
 * many each time: in the mode auto until all rows have been returned once, in relaxed_order up to
 * the limit of lists; the mode off does not go on.  Except in relaxed_order, rows found too late to
 * be in order wait until nothing else is left.
 *
 * With codes, candidates of all segments wait by lower bounds of their distances; the smallest is
 * refined until a row is found that is not farther than any bound left.  If a LIMIT says how many
 * rows are wanted, lists are searched one after the other, and a later row must be nearer than the
 * farthest of that many rows found so far.  Rows that are not visible take the places of others
 * then: if any did, the lists are searched again for more rows, and the next searches of this
 * backend look for more from the start.  Of these, only so many as are wanted are refined before
 * the first row is returned; the others wait until they are asked for.  Without codes every row of
 * a list is compared, so a search of all lists is exact.
 *
 * Participants of a parallel scan divide the lists among them, and return what they find in theirs
 * in order.
 *
 * If vectors are not kept, the best candidates by their estimates, `ivf.refine_k` times the rows
 * wanted, are compared in the table, which does not count those that are not visible there; in a
 * scan without a LIMIT, all of them in the order of bounds.
 */
#include "am/ivf.h"

#include <math.h>

#include "utils/memutils.h"

#include "am/effort.h"
#include "am/scan.h"

/* See is_short. */
#define SEARCHED_PER_RETURNED	8

/* Rows that are read together from an object store: a search of ten rows hardly needs more. */
#define IVF_STORED_AT_ONCE		64

/*
 * A search that has to be repeated looks for so many times as many rows each time.  Others begin
 * with so many times as many once one had to, up to a maximum, and with fewer search by search.
 */
#define REPEATED_TIMES			4
#define FOUND_TIMES_STEP		1.5f
#define FOUND_TIMES_MOST		4.0f
#define FOUND_TIMES_KEPT		0.98f

uint32
ivf_probes_of(Relation index, uint32 lists)
{
	if (ivf_is_flat(index))
		return Min(lists, (uint32) ivfflat_probes);
	if (ivf_probes > 0)
		return Min(lists, (uint32) ivf_probes);
	return Min(lists, (uint32) ceil(sqrt(lists)));
}

typedef struct IvfScan
{
	VectorScan	scan;
	int			iterative;		/* IvfIterativeScan, as it was at the start */
	uint32		lists;			/* maximum number that may be searched in any segment */
	uint32		probes;			/* number of lists that are searched at least, */
	double		narrow;			/* that is_narrow compares with, */
	uint32		first;			/* and in the first round */
	uint32		end;			/* of the ranks of this round */
	uint32		probed;			/* ranks taken, unless parallel */
	ScanShared *shared;			/* or NULL */
	uint64		wanted;			/* rows that the LIMIT takes; 0: not known */
	bool		repeated;		/* it has been repeated for more rows */
	NearestFound nearest;		/* of so many rows, or more, because some may be invisible */
	NearestFound due;			/* of so many, if those are more and wait; else of none */
} IvfScan;

/* Whether a found row is not farther than the rows wanted. */
static bool
ivf_accepts(VectorScan *scan, const GraphFound *found)
{
	IvfScan    *state = (IvfScan *) scan;

	if (found->distance > nearest_bound(&state->nearest))
		return false;
	nearest_note(&state->nearest, found->distance);
	nearest_note(&state->due, found->distance);
	return true;
}

/*
 * Sets how many rows are looked for.  Those beyond the rows wanted are compared once they are asked
 * for; but an object store is asked for all together.
 */
static void
look_for(IvfScan *state, uint64 rows)
{
	bool		waits = rows > state->wanted && !scan_any_stored(&state->scan);

	nearest_reset(&state->nearest, rows);
	nearest_reset(&state->due, waits ? state->wanted : 0);
}

/*
 * Up to which distance waiting rows are compared before any is returned.  Until as many have been
 * found as are looked for, nothing tells which rows of further lists need not wait.
 */
static float
compared_most(const IvfScan *state)
{
	float		most = nearest_bound(&state->nearest);

	return isinf(most) ? most : Min(most, nearest_bound(&state->due));
}

/* Takes waiting rows as long as they may be among those wanted. */
static void
take_wanted(IvfScan *state)
{
	if (state->nearest.wanted == 0 || state->scan.search.space->storage == STORAGE_NONE)
		return;
	while (scan_take_waiting(&state->scan, compared_most(state)))
		;
}

/* Takes the rank of the next list of this round; false if none is left. */
static bool
take_rank(IvfScan *state, uint32 *rank)
{
	uint64		taken;

	if (state->shared == NULL)
	{
		*rank = state->probed;
		state->probed = Min(state->probed + 1, state->end);
		return *rank < state->end;
	}
	taken = pg_atomic_read_u64(&state->shared->taken);
	while (taken < state->end)
		if (pg_atomic_compare_exchange_u64(&state->shared->taken, &taken, taken + 1))
		{
			*rank = (uint32) taken;
			state->scan.runs++;
			return true;
		}
	return false;
}

/* Notes what this participant has compared, for all. */
static void
share_compared(IvfScan *state, const ComparedRows *before)
{
	const ComparedRows *compared = &state->scan.search.compared;

	if (state->shared == NULL)
		return;
	pg_atomic_fetch_add_u64(&state->shared->left, compared->left - before->left);
	pg_atomic_fetch_add_u64(&state->shared->read, compared->read - before->read);
}

/*
 * Searches the lists up to a rank.  Rows that an object store has are left until all of these have
 * been searched, to be read together.
 */
static void
probe(IvfScan *state, uint32 end)
{
	VectorScan *scan = &state->scan;
	SearchEffort *effort = &scan->search.effort;

	state->end = end;
	scan_expect(scan);
	while (take_rank(state, &effort->rank))
	{
		ComparedRows before = scan->search.compared;

		for (int i = 0; i < scan->cursor_count; i++)
		{
			effort->threshold = nearest_bound(&state->nearest);
			if (!scan->cursors[i].searched)
				(void) scan_round(scan, &scan->cursors[i]);
		}
		effort->at_hand = true;
		take_wanted(state);
		effort->at_hand = false;
		share_compared(state, &before);
	}
	take_wanted(state);
}

/*
 * Whether with conditions the lists searched so far have been cheaper, or have had fewer of the
 * rows that are left, than the lists of a first round have on average.  Rows that meet a condition
 * may be in other lists than the nearest ones; and the fewer they are, the farther are those that
 * are wanted, while lists without any cost nothing.
 */
static bool
is_narrow(const IvfScan *state)
{
	const VectorScan *scan = &state->scan;
	ComparedRows compared = scan->search.compared;
	uint64		rows = 0;
	uint64		left = 0;

	if (!scan_is_narrowed(scan) || state->iterative != IVF_ITERATIVE_SCAN_AUTO ||
		state->end == state->lists)
		return false;
	for (int i = 0; i < scan->cursor_count; i++)
	{
		const CachedSegment *segment = scan->cursors[i].segment;

		if (segment == NULL || segment->header.lists.count == 0)
			continue;
		rows += segment->header.rows;
		left += segment->header.rows - scan->cursors[i].excluded.count;
	}
	if (state->shared)
		compared = (ComparedRows) {
			pg_atomic_read_u64(&state->shared->left), pg_atomic_read_u64(&state->shared->read)
		};
	return compared.left < left &&
		((double) compared.left * state->lists < left * state->narrow ||
		 (double) compared.read * state->lists < rows * state->narrow);
}

/* Does the first round. */
static void
probe_first(IvfScan *state)
{
	SearchEffort *effort = &state->scan.search.effort;

	probe(state, state->probes);
	while (is_narrow(state))
	{
		/* ranks twice as many lists, once those ranked have been searched */
		if (state->end == effort->lists)
			effort->lists = Min(2 * effort->lists, state->lists);
		probe(state, state->end + 1);
	}
	state->first = state->end;
}

/*
 * Searches as many further lists as have been searched; false if there are none left.  Of the
 * participants only the last one in the first round goes on: the rows of another may be all that
 * the leader needs.
 */
static bool
probe_more(IvfScan *state)
{
	if (state->end == state->lists)
		return false;
	if (state->shared && state->end == state->first &&
		pg_atomic_sub_fetch_u32(&state->shared->active, 1) > 0)
	{
		state->lists = state->end;
		return false;
	}
	/* ranks the rest of the lists that may be searched */
	state->scan.search.effort.lists = state->lists;
	probe(state, Min(2 * state->end, state->lists));
	return true;
}

uint32
ivf_count_lists(const Directory *directory)
{
	uint64		lists = 0;

	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == SEGMENT_CENTROIDS)
			lists = Max(lists, directory->entries[i].rows);
	return (uint32) lists;
}

/* How many rows a search looks for at first, as others that had to be repeated have shown. */
static uint64
rows_to_find(IvfScan *state)
{
	float	   *times = cache_found_times(state->scan.search.cached);

	/* only visible rows are found in the table */
	if (state->scan.search.effort.estimate)
		return state->wanted;
	*times = 1 + (*times - 1) * FOUND_TIMES_KEPT;
	return (uint64) Min(rint((double) state->wanted * *times), (double) PG_INT64_MAX);
}

static void
ivf_search(VectorScan *scan)
{
	IvfScan    *state = (IvfScan *) scan;
	Relation	index = scan->search.index;
	SearchEffort *effort = &scan->search.effort;
	bool		flat = ivf_is_flat(index);
	uint32		lists;

	state->shared = scan->shared;
	if (!scan_takes_part(scan))
		return;
	if (state->shared)
		pg_atomic_fetch_add_u32(&state->shared->active, 1);
	lists = ivf_count_lists(cache_directory(scan->search.cached));
	/* recall by a number of lists is that of so many, whose rows may be fewer than are wanted */
	state->iterative = effort_measured > 0 ? IVF_ITERATIVE_SCAN_OFF : ivf_iterative_scan_of(index);
	scan->relaxed = state->iterative == IVF_ITERATIVE_SCAN_RELAXED;
	state->probes = effort->lists =
		(uint32) scan_set_effort(scan, (int) ivf_probes_of(index, lists), 0);
	effort->stored_at_once = IVF_STORED_AT_ONCE;
	state->lists = lists;
	state->narrow = scan->effort_exact;
	/* an effort between two numbers of lists is had by the rows of further ones */
	if (scan_is_narrowed(scan) && state->iterative == IVF_ITERATIVE_SCAN_AUTO)
		state->probes = effort->lists = (uint32) Max(rint(scan->effort_exact), 1);
	if (state->iterative == IVF_ITERATIVE_SCAN_OFF)
		state->lists = state->probes;
	else if (scan->relaxed)
		state->lists = Min(lists, Max(state->probes, (uint32) (flat ? ivfflat_max_probes :
															  ivf_max_probes)));
	if (scan->bound && !scan->results.lossy && state->shared == NULL)
		state->wanted = scan_bound_rows(scan->bound);
	state->nearest.context = state->due.context = scan->context;
	scan->notes_given = state->wanted > 0;
	effort->estimate = scan->search.space->storage == STORAGE_NONE && state->wanted > 0;
	effort->fetches = effort->estimate ?
		(uint64) ceil((double) state->wanted * ivf_refine_k) : PG_UINT64_MAX;
	scan_open(scan, scan_takes_segment);
	look_for(state, rows_to_find(state));
	probe_first(state);
}

/* Searches all lists: few of their rows are left. */
static void
ivf_search_again(VectorScan *scan)
{
	IvfScan    *state = (IvfScan *) scan;

	scan_reopen(scan);
	state->probed = 0;
	scan->search.effort.lists = state->lists;
	probe(state, state->lists);
}

/*
 * Called when more rows are asked for than were wanted: repeats the search for as many times more,
 * without those that have been returned.  Returns false if nothing was left out.
 */
static bool
repeat_search(IvfScan *state)
{
	SearchEffort *effort = &state->scan.search.effort;
	float	   *times = cache_found_times(state->scan.search.cached);
	uint32		probed = state->end;

	if (isinf(nearest_bound(&state->nearest)) && !effort->estimate)
		return false;
	if (!state->repeated && !effort->estimate)
		*times = Min(*times * FOUND_TIMES_STEP, FOUND_TIMES_MOST);
	look_for(state, effort->estimate ? 0 : state->nearest.wanted * REPEATED_TIMES);
	effort->estimate = false;
	effort->fetches = PG_UINT64_MAX;
	scan_leave_out_given(&state->scan);
	state->scan.notes_given = state->nearest.wanted > 0;
	state->repeated = true;
	scan_reopen(&state->scan);
	state->probed = 0;
	probe(state, probed);
	return true;
}

/*
 * Whether in the mode auto no row is returned before more is searched.  That is so if fewer rows
 * have been found than are wanted.  If the number wanted is not known, because conditions will
 * reject some, it is so once a part of the searched rows has been returned: rows of other lists may
 * be nearer than the next one.
 */
static bool
is_short(const IvfScan *state)
{
	const VectorScan *scan = &state->scan;

	if (state->iterative != IVF_ITERATIVE_SCAN_AUTO || state->end == state->lists)
		return false;
	return state->wanted > 0 && !state->repeated ?
		state->nearest.heap.count < state->wanted :
		scan->returned * SEARCHED_PER_RETURNED >= scan->statistics.distances;
}

static bool
ivf_go_on(VectorScan *scan)
{
	IvfScan    *state = (IvfScan *) scan;

	if (is_short(state))
	{
		(void) probe_more(state);
		return true;
	}
	return repeat_search(state) || probe_more(state) || scan_take_late(scan);
}

/* Rows nearer than the next result may have been left out, if some wanted were not visible. */
static bool
ivf_must_wait(VectorScan *scan, float nearest)
{
	const IvfScan *state = (IvfScan *) scan;

	return is_short(state) || nearest > nearest_bound(&state->nearest);
}

const ScanMethod ivf_scan_method = {
	.size = sizeof(IvfScan),
	.search = ivf_search,
	.search_again = ivf_search_again,
	.go_on = ivf_go_on,
	.must_wait = ivf_must_wait,
	.accepts = ivf_accepts
};
