/*
 * scan_results.c - the heap of a scan's results, and those that it has returned
 */
#include "am/scan.h"

#include "utils/memutils.h"

static inline bool
comes_before(const ScanResults *results, const ScanResult *a, const ScanResult *b)
{
	float		x = results->lossy ? a->found.bound : a->found.distance;
	float		y = results->lossy ? b->found.bound : b->found.distance;

	if (x != y)
		return x < y;
	/* bounds of rows whose distances are known may be rounded to the same */
	if (a->found.distance != b->found.distance)
		return a->found.distance < b->found.distance;
	return (a->found.tag & FOUND_TID) < (b->found.tag & FOUND_TID);
}

void
scan_add_result(ScanResults *results, const ScanResult *result)
{
	uint64		i = results->count;

	if (i == results->room)
	{
		results->room = Max(results->room * 2, 128);
		results->items = results->items ?
			repalloc_huge(results->items, results->room * sizeof(ScanResult)) :
			palloc(results->room * sizeof(ScanResult));
	}
	for (; i > 0 && comes_before(results, result, &results->items[(i - 1) / 2]); i = (i - 1) / 2)
		results->items[i] = results->items[(i - 1) / 2];
	results->items[i] = *result;
	results->count++;
}

ScanResult
scan_pop_result(ScanResults *results)
{
	ScanResult *items = results->items;
	ScanResult	first = items[0];
	ScanResult *last = &items[--results->count];
	uint64		i = 0;

	for (uint64 child; (child = 2 * i + 1) < results->count; i = child)
	{
		if (child + 1 < results->count && comes_before(results, &items[child + 1], &items[child]))
			child++;
		if (!comes_before(results, &items[child], last))
			break;
		items[i] = items[child];
	}
	items[i] = *last;
	return first;
}

bool
scan_take_late(VectorScan *scan)
{
	ScanResults late = scan->late;

	if (late.count == 0)
		return false;
	scan->late = scan->results;
	scan->results = late;
	scan->last = -INFINITY;
	return true;
}

/*
 * What identifies a result in a scan.  Its TID does not: if the first of the rows of a node is
 * dead, another row of the table may have that TID.
 */
static inline uint64
name_of(const ScanResult *result)
{
	return (uint64) result->cursor << 32 | result->found.id;
}

bool
scan_was_given(const VectorScan *scan, const ScanResult *result)
{
	uint64		name = name_of(result);

	return bsearch(&name, scan->given, scan->left_out, sizeof(uint64), tag_compare) != NULL;
}

void
scan_note_given(VectorScan *scan, const ScanResult *result)
{
	if (scan->given_count == scan->given_room)
	{
		scan->given_room = Max(scan->given_room * 2, 64);
		scan->given = scan->given ?
			repalloc_huge(scan->given, scan->given_room * sizeof(uint64)) :
			palloc(scan->given_room * sizeof(uint64));
	}
	scan->given[scan->given_count++] = name_of(result);
}

void
scan_leave_out_given(VectorScan *scan)
{
	scan->left_out = scan->given_count;
	scan->notes_given = false;
	if (scan->given_count > 0)
		qsort(scan->given, scan->given_count, sizeof(uint64), tag_compare);
}
