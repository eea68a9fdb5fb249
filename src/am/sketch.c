/*
 * sketch.c - compares the codes of all rows of small indexes, then the vectors of the nearest
 *
 * Vectors are spread over memory, and codes are not; a vector takes as long as the codes of many
 * rows.  So after the codes of an index only one vector is compared, that with the least bound of
 * all indexes so far.  Once all codes are known these go on, until the bounds of all others are
 * beyond as many distances as are wanted.
 */
#include "am/sketch.h"

#include <float.h>
#include <math.h>

#include "access/genam.h"
#include "access/table.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/predicate.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "am/hnsw.h"
#include "am/nearest.h"
#include "am/scan.h"
#include "segment/growing.h"
#include "segment/method.h"

/* An index with a segment of more rows takes less time to be walked. */
#define MOST_ROWS		4096

/*
 * As the codes of all rows are compared, fewer of the wanted rows are missed than by walks even if
 * bounds are taken this near to the estimates.
 */
#define SKETCH_SIGMAS	2.0f

/* So many rows are brought near while others are compared. */
#define NEAR_ROWS		8

/* An index. */
typedef struct Sketch
{
	SegmentSearch search;		/* the first field */
	SketchSet  *set;
	SpaceQuery	query;
	ScanStatistics statistics;
	AttributeFilter *filter;	/* NULL: there are no conditions */
	bool		known;			/* something can be told of it */
	bool		found;			/* it has a row */
	float		least;			/* distance that is known */
	float		left;			/* no row whose distance is not known is nearer */
} Sketch;

struct SketchSet
{
	MemoryContext context;		/* of all */
	PGFunction	function;		/* of the operator */
	Datum		query;
	Snapshot	snapshot;
	NearestFound nearest;
	float		bound;			/* of these, once the search has ended */
	Sketch	  **sketches;
	int			count;
	int			room;
	SegmentScan **readings;		/* those with rows that wait, by their numbers */
	uint32		reading_count;
	uint32		reading_room;
	GraphHeap	waiting;		/* bounds and numbers of readings */
};

SketchSet *
sketch_begin(Oid operator, Datum query, uint64 wanted, Snapshot snapshot, NearestShared *shared)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector sketches",
												  ALLOCSET_DEFAULT_SIZES);
	SketchSet  *set = MemoryContextAllocZero(context, sizeof(SketchSet));
	FmgrInfo	function;

	fmgr_info_cxt(get_opcode(operator), &function, context);
	set->context = context;
	set->function = function.fn_addr;
	set->query = query;
	set->snapshot = snapshot;
	set->nearest.context = context;
	nearest_reset(&set->nearest, wanted);
	if (shared && nearest_shared_begin(shared, wanted))
		set->nearest.shared = shared;
	return set;
}

/* Notes the distance of a row. */
static void
note(Sketch *sketch, float distance)
{
	if (isnan(distance))
		distance = INFINITY;
	sketch->found = true;
	sketch->least = Min(sketch->least, distance);
	nearest_note(&sketch->set->nearest, distance);
}

/* SegmentSearch.found. */
static void
note_row(SegmentScan *reading, const GraphFound *found)
{
	note((Sketch *) reading->search, found->distance);
}

/* Compares the row of a reading with the least bound; whether another one waits, and its bound. */
static bool
compare_next(SegmentScan *reading, float *bound)
{
	GraphFound	found;

	if (reading->reader->next(reading, &found))
		note((Sketch *) reading->search, found.distance);
	return reading->reader->waiting(reading, bound);
}

/* Compares the row with the least bound of all, to know early about how near rows are. */
static void
compare_least(SketchSet *set)
{
	uint32		number;
	float		bound;

	if (set->waiting.count == 0 || set->waiting.items[0].distance > nearest_bound(&set->nearest))
		return;
	number = graph_heap_pop(&set->waiting).id;
	if (compare_next(set->readings[number], &bound))
		(void) graph_heap_push(&set->waiting, space_graph_memory(set->context),
							   (GraphCandidate) {bound, number});
}

/* Keeps a reading until the bounds of all are known. */
static void
keep_waiting(SketchSet *set, SegmentScan *reading, float bound)
{
	if (set->reading_count == set->reading_room)
	{
		set->reading_room = Max(set->reading_room * 2, 256);
		set->readings = set->readings ?
			repalloc(set->readings, sizeof(SegmentScan *) * set->reading_room) :
			palloc(sizeof(SegmentScan *) * set->reading_room);
	}
	/* without memory it raises an error */
	(void) graph_heap_push(&set->waiting, space_graph_memory(set->context),
						   (GraphCandidate) {bound, set->reading_count});
	set->readings[set->reading_count++] = reading;
}

/* Compares the codes of a segment's rows; whether that was all of it. */
static bool
read_segment(Sketch *sketch, const SegmentEntry *entry)
{
	SketchSet  *set = sketch->set;
	SegmentSearch *search = &sketch->search;
	CachedSegment *segment = entry->kind == SEGMENT_SEALED ?
		cache_acquire(search->cached, search->index, entry) : NULL;
	const SegmentReader *reader = segment ? segment->method->reader : &growing_reader;
	ExcludedRows excluded = filter_excluded(sketch->filter, entry, segment);
	SegmentScan *reading;
	float		bound;

	if (segment && excluded.count >= segment->header.rows)
		return true;
	search->effort.within = Min(nearest_bound(&set->nearest), FLT_MAX);
	reading = reader->open(search, entry, segment, &excluded);
	reading->reader = reader;
	if (reader->round && reader->round(reading) != ROUND_LAST)
		return false;
	if (reader->waiting && reader->waiting(reading, &bound))
	{
		sketch->found = true;
		if (bound <= nearest_bound(&set->nearest))
			keep_waiting(set, reading, bound);
		else
			sketch->left = Min(sketch->left, bound);
	}
	return true;
}

/*
 * Whether an index is one of which the codes are compared: its distances are those of the operator,
 * and its segments are small, and in the index's file.
 */
static bool
is_small(const SketchSet *set, Relation index, CachedIndex *cached)
{
	const Space *space = cache_space(cached);
	const Directory *directory = cache_directory(cached);

	if (space_is_lossy(space) || !space_is_operator(space, set->function))
		return false;
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (segment_is_live(entry) &&
			(entry->where != EXTENT_LOCAL ||
			 (entry->kind == SEGMENT_SEALED && entry->rows > MOST_ROWS)))
			return false;
	}
	return true;
}

/* Prepares the search of an index; the query is rotated as its rows are. */
static Sketch *
begin_sketch(SketchSet *set, Relation index, CachedIndex *cached)
{
	Sketch	   *sketch = palloc0(sizeof(Sketch));
	const Space *space = cache_space(cached);
	const char *payload;
	Size		size;

	sketch->set = set;
	sketch->least = sketch->left = INFINITY;
	sketch->search = (SegmentSearch) {
		.index = index, .cached = cached, .space = space, .query = &sketch->query,
		.statistics = &sketch->statistics, .found = note_row,
		/* a walk would be so long that all rows are read */
		.effort = {
			.candidates = hnsw_ef_search, .wanted = PG_INT32_MAX, .crowd = 1, .reach = 1,
			.known = INFINITY, .sigmas = SKETCH_SIGMAS, .margin = SEARCH_MARGIN
		}
	};
	payload = space_payload(space, set->query, &size);
	space_prepare(space, &sketch->query, payload, size);
	return sketch;
}

static void
add_sketch(SketchSet *set, Sketch *sketch)
{
	if (set->count == set->room)
	{
		set->room = Max(set->room * 2, 256);
		set->sketches = set->sketches ?
			repalloc(set->sketches, sizeof(Sketch *) * set->room) :
			palloc(sizeof(Sketch *) * set->room);
	}
	set->sketches[set->count++] = sketch;
}

/* Compares the codes of the rows of an index; whether that is all of them. */
static bool
read_index(Sketch *sketch)
{
	const Directory *directory = cache_directory(sketch->search.cached);
	bool		all = true;

	if (sketch->filter && filter_is_empty(sketch->filter))
		return true;
	for (uint32 i = 0; i < directory->count; i++)
		if (segment_is_live(&directory->entries[i]))
			all &= read_segment(sketch, &directory->entries[i]);
	return all;
}

int
sketch_add(SketchSet *set, Oid oid, SketchConditions conditions, void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(set->context);
	Relation	index = index_open(oid, AccessShareLock);
	bool		known = vector_am_of(index) == &hnsw_am;
	CachedIndex *cached = known ? cache_index(index) : NULL;
	AttributeFilter *filter = NULL;

	if (known)
		known = is_small(set, index, cached) && conditions(arg, index, cached, &filter);
	if (known)
	{
		Sketch	   *sketch;

		cache_hold(cached);
		PredicateLockRelation(index, set->snapshot);
		sketch = begin_sketch(set, index, cached);
		sketch->filter = filter;
		add_sketch(set, sketch);
		known = sketch->known = read_index(sketch);
		compare_least(set);
	}
	else
		index_close(index, NoLock);
	MemoryContextSwitchTo(old);
	return known ? set->count - 1 : -1;
}

/*
 * Takes the readings with the least bounds, and has their rows brought near, until as many are as
 * have room; false if there is none that has not been done.
 */
static bool
bring_near(SketchSet *set, GraphCandidate *near, uint32 *taken, uint32 done)
{
	GraphHeap  *waiting = &set->waiting;

	while (*taken - done < NEAR_ROWS && waiting->count > 0 &&
		   waiting->items[0].distance <= nearest_bound(&set->nearest))
	{
		GraphCandidate next = graph_heap_pop(waiting);
		SegmentScan *reading = set->readings[next.id];

		if (reading->reader->bring_near)
			reading->reader->bring_near(reading);
		near[(*taken)++ % NEAR_ROWS] = next;
	}
	return *taken > done;
}

void
sketch_finish(SketchSet *set, float *distance)
{
	MemoryContext old = MemoryContextSwitchTo(set->context);
	GraphCandidate near[NEAR_ROWS];	/* a ring */
	uint32		taken = 0;

	for (uint32 done = 0; bring_near(set, near, &taken, done); done++)
	{
		GraphCandidate next = near[done % NEAR_ROWS];
		float		bound;

		CHECK_FOR_INTERRUPTS();
		if (next.distance <= nearest_bound(&set->nearest) &&
			compare_next(set->readings[next.id], &bound))
			(void) graph_heap_push(&set->waiting, space_graph_memory(set->context),
								   (GraphCandidate) {bound, next.id});
	}
	for (uint32 i = 0; i < set->waiting.count; i++)
	{
		const GraphCandidate *left = &set->waiting.items[i];
		Sketch	   *sketch = (Sketch *) set->readings[left->id]->search;

		sketch->left = Min(sketch->left, left->distance);
	}
	MemoryContextSwitchTo(old);
	/* others may go on */
	*distance = set->bound = nearest_bound(&set->nearest);
}

SketchResult
sketch_result(const SketchSet *set, int number, double *value)
{
	const Sketch *sketch = set->sketches[number];
	float		bound = set->bound;

	if (!sketch->found)
		return SKETCH_EMPTY;
	if (sketch->least <= bound)
		return SKETCH_NEAR;
	bound = Max(bound, Min(sketch->least, sketch->left));
	*value = isfinite(bound) ? space_value(sketch->search.space, bound) :
		get_float8_infinity();
	return SKETCH_BEYOND;
}

void
sketch_free(SketchSet *set)
{
	for (int i = 0; i < set->count; i++)
	{
		const Sketch *sketch = set->sketches[i];
		double		value;

		/* the scan of one that is near begins, and is counted then */
		scan_count_sketch(sketch->search.index, &sketch->statistics,
						  sketch->known && sketch_result(set, i, &value) != SKETCH_NEAR);
		index_close(sketch->search.index, NoLock);
	}
	MemoryContextDelete(set->context);
}
