/*
 * scan_count.c - what scans count, and to whom they report it
 */
#include "am/scan.h"

#include "access/parallel.h"
#include "executor/instrument.h"
#include "pgstat.h"

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

/* What this participant of a parallel scan has done since a rescan. */
static ParticipantReport
report_of(const VectorScan *scan)
{
	return (ParticipantReport) {
		.scan = scan->share_id, .worker = IsParallelWorker() ? ParallelWorkerNumber : LEADER,
		.rows = scan->returned, .runs = scan->runs, .distances = scan->statistics.distances
	};
}

static void
add_report(ParticipantReport *sum, const ParticipantReport *report)
{
	sum->scan = report->scan;
	sum->worker = report->worker;
	sum->rows += report->rows;
	sum->runs += report->runs;
	sum->distances += report->distances;
}

int
scan_participants(IndexScanDesc desc, bool forget, ParticipantReport **reports)
{
	const VectorScan *scan = desc->opaque;
	ParticipantReport own = scan->own;
	int			count;

	if (scan->share_id == 0)
		return 0;
	count = participants_read(scan->share_id, forget, reports);
	if (scan->started)
	{
		ParticipantReport current = report_of(scan);

		add_report(&own, &current);
	}
	if (own.scan == 0)
		return count;
	*reports = repalloc(*reports, sizeof(ParticipantReport) * (count + 1));
	memmove(*reports + 1, *reports, sizeof(ParticipantReport) * count);
	**reports = own;
	return count + 1;
}

/* Adds up what the participants did, by their numbers. */
static void
observe_participants(const VectorScan *scan, ObservedIndex *observed)
{
	ParticipantReport *reports;
	int			count = scan_participants(scan->desc, true, &reports);

	for (int i = 0; i < count; i++)
	{
		ParticipantReport *sum = NULL;
		ListCell   *cell;

		foreach(cell, observed->participants)
			if (((ParticipantReport *) lfirst(cell))->worker == reports[i].worker)
				sum = lfirst(cell);
		if (sum == NULL)
		{
			sum = palloc0(sizeof(ParticipantReport));
			observed->participants = lappend(observed->participants, sum);
		}
		add_report(sum, &reports[i]);
	}
}

/* Notes how far the scan went, unless others have gone as far for the same reason. */
static void
observe_effort(const VectorScan *scan, ObservedIndex *observed)
{
	char	   *line = scan_effort_line(scan->desc);
	ListCell   *cell;

	if (line == NULL || list_length(observed->efforts) == MOST_EFFORTS)
		return;
	foreach(cell, observed->efforts)
		if (strcmp(lfirst(cell), line) == 0)
			return;
	observed->efforts = lappend(observed->efforts, line);
}

/* Tells the observer; scan is NULL if there was none. */
static void
observe(Oid index, bool searched, const ScanStatistics *statistics, const VectorScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan_observer->context);
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
	observed->searches += searched;
	add_statistics(&observed->statistics, statistics);
	if (scan)
	{
		observe_participants(scan, observed);
		observe_effort(scan, observed);
	}
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

/* Of a participant, whose search has ended: workers report, the leader keeps its own. */
static void
end_participant(VectorScan *scan)
{
	ParticipantReport report = report_of(scan);

	if (IsParallelWorker())
		participants_report(&report);
	else if (scan_observer == NULL)
		add_report(&scan->own, &report);
}

char *
participant_line(const ParticipantReport *report)
{
	return psprintf("%s:  Rows: " UINT64_FORMAT "  Runs: " UINT64_FORMAT "  Distances: "
					UINT64_FORMAT, report->worker == LEADER ? "Leader" :
					psprintf("Worker %d", report->worker), report->rows, report->runs,
					report->distances);
}

/* Adds a search, or a further part of one, to the counters of its index. */
static IndexCounters *
count_search(Oid index, const ScanStatistics *statistics, bool searched)
{
	IndexCounters *counters = counters_of(index);

	counters->scans += searched;
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
	return counters;
}

void
scan_count_search(VectorScan *scan)
{
	const ScanStatistics *statistics = &scan->statistics;
	Oid			index = RelationGetRelid(scan->desc->indexRelation);
	IndexCounters *counters;

	add_statistics(&scan->before, statistics);
	if (scan_observer && (scan->started || scan->share_id != 0))
		observe(index, scan->started && !scan->counted, statistics, scan);
	if (!scan->started)
		return;
	if (scan->share_id != 0)
		end_participant(scan);
	counters = count_search(index, statistics, !scan->counted);
	counters->returned += scan->returned;
	counters_add_latency(counters, statistics->microseconds);
	slow_report(scan);
}

void
scan_count_sketch(Relation index, const ScanStatistics *statistics, bool searched)
{
	if (searched)
		pgstat_count_index_scan(index);
	if (scan_observer)
		observe(RelationGetRelid(index), searched, statistics, NULL);
	(void) count_search(RelationGetRelid(index), statistics, searched);
}
