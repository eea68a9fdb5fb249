/*
 * scan.c - searching a segment of inverted lists
 *
 * A round finds by the lists the rows whose scores may be among the best `candidates`.  These wait
 * by bounds of their distances, which are computed from their vectors.  The next round finds those
 * with lesser bounds, until all have been found.
 *
 * A bound is not below the score that is computed from the vector, however that is rounded, so rows
 * come in the order of their distances.  If weights are dropped, bounds are estimates.
 *
 * The scores of rows without documents are computed from the packed lists, for several rows that
 * wait at a time.  Then these wait by their distances.
 */
#include "inverted_segment/lists.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "inverted/words.h"
#include "inverted_segment/scores.h"
#include "inverted_segment/words.h"
#include "order.h"
#include "segment/search.h"

/*
 * Rows of vectors that are looked up in the time that so many postings are added; and a part of the
 * rows that is large enough for all to be found.
 */
#define POSTINGS_PER_ROW	100
#define LARGE_PART			4

/*
 * So many rows without documents are scored together at first, each time twice as many.  The bit
 * says of a candidate that its distance is known.
 */
#define FIRST_SCORED		16
#define CANDIDATE_SCORED	0x80000000

/* Room for chunks at first, and for rows that are found. */
#define FIRST_CHUNKS		64
#define FIRST_FOUND			1024

/* Where more is lost to rounding, partial sums may overflow: bounds say nothing. */
#define LARGEST_SCORE		1e37

/* A term of the query with a window's list. */
typedef struct QueryChunk
{
	SealedChunk chunk;
	double		weight;
	double		error;			/* of weights in the list, if not its step */
} QueryChunk;

typedef struct InvertedReading InvertedReading;

/* The chunks of a query's terms, of which those of a term follow each other. */
typedef struct QueryChunks
{
	InvertedReading *reading;
	QueryChunk *items;
	uint32		count;
	uint32		room;
	double		weight;			/* of the term that is read */
	SealedChunk *read;			/* room for the chunks of one */
} QueryChunks;

struct InvertedReading
{
	SegmentScan base;
	SealedScan	scan;
	uint32		live;			/* rows that are not excluded */

	bool		prepared;
	bool		bounded;		/* lists give bounds */
	double		scale;			/* of bounds */
	double		slack;			/* by which rounding may raise a score */
	int32		error;			/* see InvertedTop */
	bool		positive;		/* likewise */
	InvertedList *lists;		/* window by window */
	uint32	   *starts;			/* of the windows' lists, and the end */
	uint32		windows;
	uint64		postings;		/* of all lists */
	Scores	   *packed;			/* words with packed lists, else NULL: */
	bool		scored;			/* whether rows have no documents, and are scored by these lists; */
	uint32		batch;			/* so many of them next */
	int64		below;			/* rows with lesser bounds have not been found, */
	int64		least;			/* and those with a bound less than this never are */
	GraphHeap	candidates;		/* rows by lower bounds of distances */
	float		zero;			/* such a bound, if a row has no dimension of the query */
};

static SegmentScan *
inverted_open(SegmentSearch *search, const SegmentEntry *entry, CachedSegment *segment,
			  const ExcludedRows *excluded)
{
	InvertedReading *reading = palloc0(sizeof(InvertedReading));

	reading->base.search = search;
	sealed_scan_begin(&reading->scan, search->index, search->space, segment, search->statistics);
	reading->scan.query = search->query;
	reading->scan.excluded = *excluded;
	reading->live = segment->header.rows - Min(excluded->count, segment->header.rows);
	reading->below = PG_INT64_MAX;
	return &reading->base;
}

/* The largest absolute weight that is dropped, of the part of a query's weights; -1: none. */
static float
dropped_weight(const float *values, int count, double ratio)
{
	int			dropped = (int) (count * ratio);
	float	   *sizes;
	float		result;

	if (dropped == 0)
		return -1;
	sizes = palloc(sizeof(float) * count);
	for (int i = 0; i < count; i++)
		sizes[i] = fabsf(values[i]);
	qsort(sizes, count, sizeof(float), order_floats);
	result = sizes[dropped - 1];
	/* the largest weights are equal: they stay */
	if (result == sizes[count - 1])
		result = nextafterf(result, -1);
	pfree(sizes);
	return result;
}

/* Reads the chunks of a term of the query, which has this weight there. */
static void
read_chunks(QueryChunks *chunks, const SealedTerm *term)
{
	InvertedReading *reading = chunks->reading;

	CHECK_FOR_INTERRUPTS();
	if (term->chunks > reading->windows)
		sealed_damaged(reading->scan.index, "Segment %u has %u lists of dimension %u.",
					   reading->scan.segment->part.uid, term->chunks, term->dim);
	inverted_read_chunks(&reading->scan, term, chunks->read);
	if (chunks->count + term->chunks > chunks->room)
	{
		chunks->room = 2 * chunks->room + term->chunks;
		chunks->items = repalloc_huge(chunks->items, sizeof(QueryChunk) * chunks->room);
	}
	for (uint32 i = 0; i < term->chunks; i++)
		chunks->items[chunks->count++] = (QueryChunk) {chunks->read[i], chunks->weight, 0};
}

/* The chunks of a sparse vector. */
static void
read_vector(QueryChunks *chunks)
{
	InvertedReading *reading = chunks->reading;
	const SegmentSearch *search = reading->base.search;
	const char *payload = search->query->payload;
	const int32 *indices = SPARSE_INDICES(payload);
	const float *values = SPARSE_VALUES(payload);
	float		dropped = dropped_weight(values, SPARSE_NNZ(payload), search->effort.drop_ratio);
	SealedTerm	term;

	reading->base.eager = dropped >= 0;
	for (int i = 0; i < SPARSE_NNZ(payload); i++)
	{
		chunks->weight = values[i] * (double) search->query->scale;
		if (fabsf(values[i]) > dropped &&
			inverted_find_term(&reading->scan, (uint32) indices[i], &term))
			read_chunks(chunks, &term);
	}
}

static void
read_word(void *arg, uint64 list)
{
	QueryChunks *chunks = arg;
	SealedTerm	term;

	words_find_list(&chunks->reading->scan, list, &term);
	read_chunks(chunks, &term);
}

/* The chunks of words whose lists are packed: their numbers are in place of first postings. */
static void
read_packed(QueryChunks *chunks)
{
	InvertedReading *reading = chunks->reading;
	const Match *match = reading->base.search->query->match;
	Scores	   *scores = scores_begin(&reading->scan, reading->base.search->query->match);
	double		error = scores_error(scores);

	reading->packed = scores;
	chunks->items = repalloc_huge(chunks->items,
								  sizeof(QueryChunk) * Max((Size) scores->count, 1));
	for (uint32 i = 0; i < scores->count; i++)
	{
		const ScoreList *list = &scores->lists[i];
		double		weight = match->terms[list->term].weight;

		if (weight > 0)
			chunks->items[chunks->count++] = (QueryChunk) {
				{.first = i, .count = list->chunk.count, .window = list->chunk.window,
				.step = (float) (scores_largest(scores, list) * (1 + FLT_EPSILON) / IMPACT_CODES)},
				weight, error
			};
	}
}

/*
 * The chunks of words.  A row's score is at most the sum over its lists, also where several lists
 * are of one term, and where words must follow each other: see match.h.
 */
static void
read_words(QueryChunks *chunks)
{
	InvertedReading *reading = chunks->reading;
	const Match *match = reading->base.search->query->match;
	const SealedWords *words = &reading->scan.segment->header.words;
	const WordsFormula built = {{words->k1, words->b, words->mean}, words->least, words->greatest};

	for (uint32 i = 0; i < match->term_count; i++)
	{
		chunks->weight = match->terms[i].weight;
		if (chunks->weight > 0)
			words_each_list(&reading->scan, &match->terms[i], read_word, chunks);
	}
	for (uint32 i = 0; i < chunks->count; i++)
	{
		QueryChunk *chunk = &chunks->items[i];
		ImpactRange range = {chunk->chunk.low, chunk->chunk.step};
		double		stretch;

		if (words_stretch(&built, &match->formula, range, &stretch))
			chunk->weight *= stretch;
		else
		{
			chunk->chunk.low = (float) match->formula.k1 + 1;
			chunk->chunk.step = 0;
		}
	}
}

/* The largest score that lists of one window may give, summed over their largest weights. */
static double
largest_score(const QueryChunk *chunks, uint32 count)
{
	double		sum = 0;
	double		largest = 0;

	/* the chunks of a term follow each other, its windows ascending */
	for (uint32 i = 0; i < count; i++)
	{
		const SealedChunk *chunk = &chunks[i].chunk;

		if (i > 0 && chunk->window <= chunks[i - 1].chunk.window)
		{
			sum += largest;
			largest = 0;
		}
		largest = Max(largest, fabs(chunks[i].weight) *
					  impact_largest((ImpactRange) {chunk->low, chunk->step}));
	}
	return sum + largest;
}

/* Makes the chunks lists of their windows. */
static void
make_lists(InvertedReading *reading, const QueryChunk *chunks, uint32 count)
{
	int64		error = 0;
	int32	   *errors = palloc0(sizeof(int32) * reading->windows);

	reading->lists = palloc(sizeof(InvertedList) * Max(count, 1));
	reading->starts = palloc0(sizeof(uint32) * (reading->windows + 2));
	for (uint32 i = 0; i < count; i++)
		reading->starts[chunks[i].chunk.window + 2]++;
	for (uint32 i = 2; i < reading->windows + 2; i++)
		reading->starts[i] += reading->starts[i - 1];
	for (uint32 i = 0; i < count; i++)
	{
		const SealedChunk *chunk = &chunks[i].chunk;
		ImpactRange range = {chunk->low, chunk->step};
		InvertedList *list = &reading->lists[reading->starts[chunk->window + 1]++];

		*list = (InvertedList) {
			.part = impact_part(range, chunks[i].weight * reading->scale),
			.count = chunk->count, .first = chunk->first
		};
		if (chunks[i].error > 0)
			list->part.error = (int32) Min(ceil(chunks[i].error * chunks[i].weight *
												reading->scale) + IMPACT_ROUNDING, IMPACT_LIMIT);
		errors[chunk->window] += list->part.error;
		error = Max(error, errors[chunk->window]);
		reading->positive &= chunks[i].weight > 0 && chunk->low > 0;
		reading->postings += chunk->count;
	}
	reading->error = (int32) Min(error + (int64) ceil(2 * reading->slack * reading->scale),
								 PG_INT32_MAX);
	pfree(errors);
}

/* A lower bound of the distance of a row with this bound of its score. */
static float
distance_bound(const InvertedReading *reading, int64 bound)
{
	double		score = (double) bound / reading->scale + reading->slack;
	double		distance = reading->scan.space->metric == SPACE_COSINE ? 2 - 2 * score : -score;

	return nextafterf((float) distance, -INFINITY);
}

/* The distance of a row that has no dimension of the query. */
static float
zero_distance(const InvertedReading *reading)
{
	return reading->scan.space->metric == SPACE_COSINE ? 2 : -0.0f;
}

/* Finds the lists of the query, and how bounds are computed by them. */
static void
prepare(InvertedReading *reading)
{
	const SealedHeader *header = &reading->scan.segment->header;
	const SpaceQuery *query = reading->base.search->query;
	bool		words = query->match != NULL;
	double		terms = (words ? query->match->term_count : SPARSE_NNZ(query->payload)) + 16;
	QueryChunks chunks = {.reading = reading};
	double		largest;

	reading->prepared = true;
	reading->windows = header->rows / INVERTED_WINDOW + (header->rows % INVERTED_WINDOW > 0);
	chunks.room = FIRST_CHUNKS;
	chunks.items = palloc(sizeof(QueryChunk) * chunks.room);
	chunks.read = palloc(sizeof(SealedChunk) * Max(reading->windows, 1));
	(!words ? read_vector : sealed_is_packed(header) ? read_packed : read_words) (&chunks);
	largest = largest_score(chunks.items, chunks.count);
	/* the distance is a sum of float32 products, some of which may underflow, scaled for cosine */
	reading->bounded = isfinite(query->scale) && largest < LARGEST_SCORE;
	reading->scale = largest > 0 ? impact_scale(largest) : 1;
	reading->slack = terms * (FLT_EPSILON * largest + FLT_MIN * FLT_EPSILON) +
		(reading->scan.space->metric == SPACE_COSINE ? 4 * FLT_EPSILON : 0);
	reading->bounded &= isfinite(reading->scale);
	reading->positive = reading->bounded && !reading->base.eager && !words;
	/* a row that is in no list does not match */
	reading->least = words ? 1 : PG_INT64_MIN;
	reading->zero = nextafterf(zero_distance(reading), INFINITY);
	if (reading->bounded)
		make_lists(reading, chunks.items, chunks.count);
	if (reading->packed)
		reading->packed->scale = reading->scale;
	reading->scored = words && sealed_lacks_documents(header);
	reading->batch = FIRST_SCORED;
	pfree(chunks.read);
	pfree(chunks.items);
}

static void
add_candidate(InvertedReading *reading, float bound, uint32 row)
{
	reading->candidates.items[reading->candidates.count++] = (GraphCandidate) {bound, row};
}

/* Makes room for more candidates. */
static void
reserve_candidates(InvertedReading *reading, Size more)
{
	GraphHeap  *heap = &reading->candidates;

	if (heap->count + more <= heap->room)
		return;
	heap->room = Max(2 * heap->room, heap->count + more);
	heap->items = heap->items ?
		repalloc_huge(heap->items, heap->room * sizeof(GraphCandidate)) :
		MemoryContextAllocHuge(CurrentMemoryContext, heap->room * sizeof(GraphCandidate));
}

/*
 * Rows of a window, which ascend, are candidates by their distances, if they match.  Their numbers
 * are relative to its first row.  The heap has room.
 */
static void
add_scored(InvertedReading *reading, uint32 window, const uint16 *rows, uint32 count)
{
	double	   *scores = MemoryContextAllocHuge(CurrentMemoryContext,
												sizeof(double) * Max((Size) count, 1));

	scores_compute(reading->packed, window, rows, count, scores);
	reading->base.search->statistics->distances += count;
	for (uint32 i = 0; i < count; i++)
	{
		uint32		row = window * INVERTED_WINDOW + rows[i];
		float		distance = -(float) scores[i];

		if (space_is_result(reading->scan.space, distance))
			(void) graph_heap_push(&reading->candidates, (GraphMemory) {0},
								   (GraphCandidate) {distance, row | CANDIDATE_SCORED});
	}
	pfree(scores);
}

/* All rows of a window, likewise. */
static void
score_window(InvertedReading *reading, uint32 window)
{
	const uint32 first = window * INVERTED_WINDOW;
	const uint32 n = Min(INVERTED_WINDOW, reading->scan.segment->header.rows - first);
	uint16	   *rows = palloc_array(uint16, n);
	uint32		count = 0;

	for (uint32 row = 0; row < n; row++)
		if (!row_is_excluded(&reading->scan.excluded, first + row))
			rows[count++] = (uint16) row;
	add_scored(reading, window, rows, count);
	pfree(rows);
}

/* Computes the distances of the candidate with the least bound, and of those that come next. */
static void
score_next(InvertedReading *reading)
{
	GraphHeap  *heap = &reading->candidates;
	Size		room = Min(reading->batch, heap->count);
	uint32	   *rows = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint32) * room);
	uint16	   *in_window = palloc_array(uint16, Min(room, INVERTED_WINDOW));
	Size		count = 0;
	uint32		n;

	while (count < room && heap->count > 0 && !(heap->items[0].id & CANDIDATE_SCORED))
		rows[count++] = graph_heap_pop(heap).id;
	qsort(rows, count, sizeof(uint32), order_uint32s);
	for (Size i = 0; i < count; i += n)
	{
		uint32		window = rows[i] / INVERTED_WINDOW;

		for (n = 0; i + n < count && rows[i + n] / INVERTED_WINDOW == window; n++)
			in_window[n] = (uint16) (rows[i + n] % INVERTED_WINDOW);
		CHECK_FOR_INTERRUPTS();
		add_scored(reading, window, in_window, n);
	}
	reading->batch = Min(reading->batch, PG_INT32_MAX / 2) * 2;
	pfree(in_window);
	pfree(rows);
}

/* All rows are candidates, without bounds. */
static void
take_all(InvertedReading *reading)
{
	const ExcludedRows *excluded = &reading->scan.excluded;

	/* damaged tombstones may be fewer than they count */
	reserve_candidates(reading, reading->scan.segment->header.rows);
	reading->base.search->statistics->reads++;
	if (reading->scored)
	{
		for (uint32 i = 0; i < reading->windows; i++)
			score_window(reading, i);
		return;
	}
	for (uint32 row = 0; row < reading->scan.segment->header.rows; row++)
	{
		if (row % 8 == 0 && excluded->bits && excluded->bits[row / 8] == 0xFF)
			row += 7;
		else if (!row_is_excluded(excluded, row))
			add_candidate(reading, -INFINITY, row);
	}
}

/*
 * Memory for a window.  It is kept for the next search: so large a piece would be returned to the
 * system, and its pages be zeroed for each search.
 */
static const InvertedScores *
window_scores(void)
{
	static InvertedScores scores;

	if (scores.left == NULL)
	{
		if (scores.bounds == NULL)
			scores.bounds = MemoryContextAlloc(TopMemoryContext,
											   sizeof(int32) * INVERTED_WINDOW);
		scores.left = MemoryContextAlloc(TopMemoryContext, sizeof(uint16) * INVERTED_WINDOW);
	}
	return &scores;
}

static void
grow_found(InvertedTop *top)
{
	top->room *= 2;
	top->found = repalloc_huge(top->found, sizeof(InvertedFound) * top->room);
}

/* Finds the rows with the largest bounds of scores, all if `wanted` is 0. */
static void
find_rows(InvertedReading *reading, uint32 wanted)
{
	const SealedHeader *header = &reading->scan.segment->header;
	ListSource	state = {&reading->scan, {0}};
	InvertedSource source = reading->packed ? scores_source(reading->packed) :
		inverted_source(&state);
	const InvertedScores *scores = window_scores();
	InvertedTop top = {
		.wanted = wanted, .error = reading->error, .below = reading->below,
		.least = reading->least,
		.best = palloc(sizeof(int32) * Max(wanted, 1)),
		.found = palloc_array(InvertedFound, FIRST_FOUND),
		.room = FIRST_FOUND, .grow = grow_found
	};

	for (uint32 i = 0; i < reading->windows; i++)
	{
		const uint32 start = reading->starts[i];
		InvertedWindow window = {
			.lists = reading->lists + start,
			.count = reading->starts[i + 1] - start,
			.first = i * INVERTED_WINDOW,
			.rows = Min(INVERTED_WINDOW, header->rows - i * INVERTED_WINDOW),
			.excluded = reading->scan.excluded.bits,
			.passing = (uint32) ((uint64) reading->live * INVERTED_WINDOW / header->rows)
		};

		CHECK_FOR_INTERRUPTS();
		reading->base.search->statistics->hops +=
			inverted_score(&window, &source, scores, &top);
	}
	inverted_finish(&top);
	reading->below = inverted_least(&top);
	reserve_candidates(reading, top.count);
	for (Size i = 0; i < top.count; i++)
		add_candidate(reading, reading->positive && top.found[i].bound == 0 ? reading->zero :
					  distance_bound(reading, top.found[i].bound), top.found[i].row);
	pfree(top.found);
	pfree(top.best);
	reading->base.search->statistics->walks++;
}

static SegmentRound
inverted_round(SegmentScan *base)
{
	InvertedReading *reading = (InvertedReading *) base;
	uint32		wanted = base->search->effort.candidates;
	bool		first = !reading->prepared;

	if (first)
		prepare(reading);
	if (wanted >= reading->live / LARGE_PART)
		wanted = 0;
	if (!reading->bounded ||
		(first && !reading->scored &&
		 (uint64) reading->live * POSTINGS_PER_ROW <= reading->postings))
	{
		take_all(reading);
		wanted = 0;
	}
	else
		find_rows(reading, wanted);
	graph_heap_make(&reading->candidates);
	return wanted == 0 || reading->below <= reading->least ? ROUND_LAST : ROUND_DONE;
}

static float
inverted_left(SegmentScan *base)
{
	const InvertedReading *reading = (InvertedReading *) base;

	if (reading->below == PG_INT64_MAX)
		return -INFINITY;
	return distance_bound(reading, reading->below - 1);
}

static bool
inverted_waiting(SegmentScan *base, float *bound)
{
	const InvertedReading *reading = (InvertedReading *) base;

	if (reading->candidates.count == 0)
		return false;
	*bound = reading->candidates.items[0].distance;
	return true;
}

static bool
inverted_next(SegmentScan *base, GraphFound *found)
{
	InvertedReading *reading = (InvertedReading *) base;
	SealedScan *scan = &reading->scan;
	bool		scored = reading->scored;
	GraphCandidate row;
	SealedRow	sealed;

	CHECK_FOR_INTERRUPTS();
	if (scored && !(reading->candidates.items[0].id & CANDIDATE_SCORED))
	{
		score_next(reading);
		return false;
	}
	row = graph_heap_pop(&reading->candidates);
	row.id &= ~CANDIDATE_SCORED;
	sealed_read_row(scan, row.id, &sealed);
	if (scored || (reading->positive && row.distance == reading->zero))
	{
		found->id = row.id;
		found->tag = tag_from_tid(&sealed.tid);
		found->distance = scored ? row.distance : zero_distance(reading);
		found_set_bound(found, scan->space, scan->query, 0, 0);
		return true;
	}
	sealed_compare(scan, row.id, sealed_visit_node(scan, sealed.node), found);
	sealed_leave_node(scan);
	return space_is_result(scan->space, found->distance);
}

const SegmentReader inverted_reader = {
	.open = inverted_open,
	.round = inverted_round,
	.waiting = inverted_waiting,
	.next = inverted_next,
	.left = inverted_left
};
