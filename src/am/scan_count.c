/*
 * scan_count.c - what scans count, and to whom they report it
 */
#include "am/scan.h"

#include "executor/instrument.h"

#include "am/observe.h"
#include "am/slow.h"
#include "counters/counters.h"

ScanStatistics last_scan;
ScanObserver *scan_observer;

static void
add_statistics(ScanStatistics *sum, const ScanStatistics *statistics)
{
	for (size_t i = 0; i < sizeof(ScanStatistics) / sizeof(uint64); i++)
		((uint64 *) sum)[i] += ((const uint64 *) statistics)[i];
}

ScanStatistics
scan_statistics(IndexScanDesc desc)
{
	const VectorScan *scan = desc->opaque;
	ScanStatistics sum = scan->before;

	add_statistics(&sum, &scan->statistics);
	return sum;
}

void
scan_count_time(VectorScan *scan, instr_time begun)
{
	instr_time	ended;

	INSTR_TIME_SET_CURRENT(ended);
	INSTR_TIME_SUBTRACT(ended, begun);
	scan->statistics.microseconds += (uint64) INSTR_TIME_GET_MICROSEC(ended);
}

void
scan_count_begin(VectorScan *scan, ScanMark *mark)
{
	scan->timed = !scan->started;
	if (scan->timed)
		INSTR_TIME_SET_CURRENT(mark->begun);
	mark->hit = pgBufferUsage.shared_blks_hit + pgBufferUsage.local_blks_hit;
	mark->read = pgBufferUsage.shared_blks_read + pgBufferUsage.local_blks_read;
	mark->tier = tier_counters;
}

void
scan_count_end(VectorScan *scan, const ScanMark *mark)
{
	ScanStatistics *statistics = &scan->statistics;

	if (scan->timed)
		scan_count_time(scan, mark->begun);
	scan->timed = false;
	statistics->blocks_hit += pgBufferUsage.shared_blks_hit + pgBufferUsage.local_blks_hit -
		mark->hit;
	statistics->blocks_read += pgBufferUsage.shared_blks_read + pgBufferUsage.local_blks_read -
		mark->read;
	statistics->rounds += tier_counters.rounds - mark->tier.rounds;
	statistics->gets += tier_counters.gets - mark->tier.gets;
	statistics->stored_bytes += tier_counters.bytes - mark->tier.bytes;
	last_scan = *statistics;
}

/* Tells the observer. */
static void
observe(const VectorScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan_observer->context);
	Oid			index = RelationGetRelid(scan->desc->indexRelation);
	ObservedIndex *observed = NULL;
	ListCell   *cell;

	foreach(cell, scan_observer->indexes)
		if (((ObservedIndex *) lfirst(cell))->index == index)
			observed = lfirst(cell);
	if (observed == NULL)
	{
		observed = palloc0(sizeof(ObservedIndex));
		observed->index = index;
		scan_observer->indexes = lappend(scan_observer->indexes, observed);
	}
	observed->searches++;
	add_statistics(&observed->statistics, &scan->statistics);
	MemoryContextSwitchTo(old);
}

StatisticsLines
statistics_lines(const ScanStatistics *statistics)
{
	StatisticsLines lines = {.count = statistics->gets == 0 ? 2 : 3};

	lines.lines[0] = psprintf(
		"Hops: " UINT64_FORMAT "  Distances: " UINT64_FORMAT "  Blocks: " UINT64_FORMAT
		"  Segments: " UINT64_FORMAT, statistics->hops, statistics->distances,
		statistics->blocks, statistics->segments);
	lines.lines[1] = psprintf(
		"Walks: " UINT64_FORMAT "  Reads: " UINT64_FORMAT "  Switches: " UINT64_FORMAT
		"  Survivors: " UINT64_FORMAT "  Rejected: " UINT64_FORMAT "  Table Rows: " UINT64_FORMAT,
		statistics->walks, statistics->reads, statistics->switches, statistics->survivors,
		statistics->rejected, statistics->table_rows);
	lines.lines[2] = psprintf(
		"Store Rounds: " UINT64_FORMAT "  Store Gets: " UINT64_FORMAT "  Store Bytes: "
		UINT64_FORMAT, statistics->rounds, statistics->gets, statistics->stored_bytes);
	return lines;
}

void
scan_count_search(VectorScan *scan)
{
	const ScanStatistics *statistics = &scan->statistics;
	IndexCounters *counters;

	add_statistics(&scan->before, statistics);
	if (!scan->started)
		return;
	counters = counters_of(RelationGetRelid(scan->desc->indexRelation));
	counters->scans++;
	counters->search_rounds += statistics->search_rounds;
	counters->hops += statistics->hops;
	counters->distances += statistics->distances;
	counters->blocks_hit += statistics->blocks_hit;
	counters->blocks_read += statistics->blocks_read;
	counters->rejected += statistics->rejected;
	counters->walks += statistics->walks;
	counters->reads += statistics->reads;
	counters->switches += statistics->switches;
	counters->among += statistics->among;
	counters->table_rows += statistics->table_rows;
	counters->gets += statistics->gets;
	counters->stored_bytes += statistics->stored_bytes;
	counters->returned += scan->returned;
	counters_add_latency(counters, statistics->microseconds);
	slow_report(scan);
	if (scan_observer)
		observe(scan);
}
