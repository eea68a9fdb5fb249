/*
 * scan_results.c - the heap of a scan's results, those that it has returned, and dead ones
 */
#include "am/scan.h"

#include "utils/memutils.h"

/* Whether of two results with the same value the first one comes before the second. */
static bool
ties_before(const ScanResult *a, const ScanResult *b)
{
	/* bounds of rows whose distances are known may be rounded to the same */
	if (a->found.distance != b->found.distance)
		return a->found.distance < b->found.distance;
	return (a->found.tag & FOUND_TID) < (b->found.tag & FOUND_TID);
}

static inline bool
comes_before(const ScanResults *results, ResultPlace a, ResultPlace b)
{
	if (a.value != b.value)
		return a.value < b.value;
	return ties_before(&results->items[a.item], &results->items[b.item]);
}

static void
grow(ScanResults *results)
{
	uint64		room = Max(results->room * 2, 128);

	if (room > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a search of an index finds too many rows"),
				 errhint("Use a smaller LIMIT.")));
	if (results->items == NULL)
	{
		results->items = palloc(room * sizeof(ScanResult));
		results->heap = palloc(room * sizeof(ResultPlace));
	}
	else
	{
		results->items = repalloc_huge(results->items, room * sizeof(ScanResult));
		results->heap = repalloc_huge(results->heap, room * sizeof(ResultPlace));
	}
	for (uint64 i = results->room; i < room; i++)
		results->heap[i].item = (uint32) i;
	results->room = room;
}

void
scan_add_result(ScanResults *results, const ScanResult *result)
{
	uint64		i = results->count;
	ResultPlace *heap;
	ResultPlace place;

	if (i == results->room)
		grow(results);
	heap = results->heap;
	place = (ResultPlace) {
		results->lossy ? result->found.bound : result->found.distance, heap[i].item
	};
	results->items[place.item] = *result;
	for (; i > 0 && comes_before(results, place, heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = place;
	results->count++;
}

ScanResult
scan_pop_result(ScanResults *results)
{
	ResultPlace *heap = results->heap;
	ResultPlace first = heap[0];
	ResultPlace last = heap[--results->count];
	uint64		i = 0;

	for (uint64 child; (child = 2 * i + 1) < results->count; i = child)
	{
		if (child + 1 < results->count && comes_before(results, heap[child + 1], heap[child]))
			child++;
		if (!comes_before(results, heap[child], last))
			break;
		heap[i] = heap[child];
	}
	heap[i] = last;
	/* the place of the item is free */
	heap[results->count] = first;
	return results->items[first.item];
}

bool
scan_take_late(VectorScan *scan)
{
	ScanResults late = scan->late;

	if (late.count == 0)
		return false;
	scan->late = scan->results;
	scan->results = late;
	scan->takes_late = true;
	return true;
}

/*
 * What identifies a result in a scan, or a row of a segment.  Its TID does not: if the first of the
 * rows of a node is dead, another row of the table may have that TID.
 */
static inline uint64
name_of(uint32 cursor, uint32 number)
{
	return (uint64) cursor << 32 | number;
}

/* Adds a name to those that are kept. */
static void
keep_name(uint64 **names, uint64 *count, uint64 *room, uint64 name)
{
	if (*count == *room)
	{
		*room = Max(*room * 2, 64);
		*names = *names ? repalloc_huge(*names, *room * sizeof(uint64)) :
			palloc(*room * sizeof(uint64));
	}
	(*names)[(*count)++] = name;
}

bool
scan_was_given(const VectorScan *scan, const ScanResult *result)
{
	uint64		name = name_of(result->cursor, result->found.id);

	return bsearch(&name, scan->given, scan->left_out, sizeof(uint64), tag_compare) != NULL;
}

void
scan_note_given(VectorScan *scan, const ScanResult *result)
{
	keep_name(&scan->given, &scan->given_count, &scan->given_room,
			  name_of(result->cursor, result->found.id));
}

void
scan_leave_out_given(VectorScan *scan)
{
	scan->left_out = scan->given_count;
	scan->notes_given = false;
	if (scan->given_count > 0)
		qsort(scan->given, scan->given_count, sizeof(uint64), tag_compare);
}

void
scan_remember_dead(VectorScan *scan, uint32 cursor, uint32 number)
{
	if (scan->cursors[cursor].reading->reader->leaves_dead)
		keep_name(&scan->dead, &scan->dead_count, &scan->dead_room, name_of(cursor, number));
}

void
scan_take_dead(VectorScan *scan)
{
	IndexScanDesc desc = scan->desc;

	if (desc->kill_prior_tuple && scan->row_next > 0)
		scan_remember_dead(scan, scan->current.cursor, scan->rows[scan->row_next - 1].number);
	desc->kill_prior_tuple = false;
}

void
scan_note_dead(VectorScan *scan)
{
	for (uint64 i = 0; i < scan->dead_count; i++)
		cache_note_dead(scan->cursors[scan->dead[i] >> 32].segment, (uint32) scan->dead[i]);
	scan->dead_count = 0;
}
