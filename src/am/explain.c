/*
 * explain.c - what EXPLAIN ANALYZE shows of an index scan
 *
 * From PostgreSQL 18 on an extension may add properties to a plan node.
 */
#include "am/scan.h"

#if PG_VERSION_NUM >= 180000

#include "access/relscan.h"
#include "commands/explain.h"
#include "commands/explain_format.h"
#include "commands/explain_state.h"

#include "am/method.h"
#include "am/observe.h"

static explain_per_node_hook_type previous_hook;

/* How far the scan went, and why, if a recall is asked for. */
static void
explain_effort(IndexScanDesc scan, ExplainState *es)
{
	const char *line = scan ? scan_effort_line(scan) : NULL;

	if (line)
		ExplainPropertyText("Effort", line, es);
}

static void
explain_statistics(const ScanStatistics *statistics, ExplainState *es)
{
	if (es->format == EXPLAIN_FORMAT_TEXT)
	{
		StatisticsLines lines = statistics_lines(statistics);

		for (int i = 0; i < lines.count; i++)
		{
			ExplainIndentText(es);
			appendStringInfo(es->str, "%s\n", lines.lines[i]);
		}
		return;
	}
	ExplainPropertyUInteger("Hops", NULL, statistics->hops, es);
	ExplainPropertyUInteger("Distances", NULL, statistics->distances, es);
	ExplainPropertyUInteger("Blocks", NULL, statistics->blocks, es);
	ExplainPropertyUInteger("Segments", NULL, statistics->segments, es);
	ExplainPropertyUInteger("Walks", NULL, statistics->walks, es);
	ExplainPropertyUInteger("Reads", NULL, statistics->reads, es);
	ExplainPropertyUInteger("Switches", NULL, statistics->switches, es);
	ExplainPropertyUInteger("Survivors", NULL, statistics->survivors, es);
	ExplainPropertyUInteger("Rejected", NULL, statistics->rejected, es);
	ExplainPropertyUInteger("Table Rows", NULL, statistics->table_rows, es);
	ExplainPropertyUInteger("Store Rounds", NULL, statistics->rounds, es);
	ExplainPropertyUInteger("Store Gets", NULL, statistics->gets, es);
	ExplainPropertyUInteger("Store Bytes", NULL, statistics->stored_bytes, es);
}

/* What the leader and the workers of a parallel scan did. */
static void
explain_participants(IndexScanDesc scan, ExplainState *es)
{
	ParticipantReport *reports;
	int			count = scan ? scan_participants(scan, false, &reports) : 0;

	if (count > 0 && es->format != EXPLAIN_FORMAT_TEXT)
		ExplainOpenGroup("Participants", "Participants", false, es);
	for (int i = 0; i < count; i++)
	{
		if (es->format == EXPLAIN_FORMAT_TEXT)
		{
			ExplainIndentText(es);
			appendStringInfo(es->str, "%s\n", participant_line(&reports[i]));
			continue;
		}
		ExplainOpenGroup("Participant", NULL, true, es);
		if (reports[i].worker != LEADER)
			ExplainPropertyInteger("Worker Number", NULL, reports[i].worker, es);
		ExplainPropertyUInteger("Rows", NULL, reports[i].rows, es);
		ExplainPropertyUInteger("Runs", NULL, reports[i].runs, es);
		ExplainPropertyUInteger("Distances", NULL, reports[i].distances, es);
		ExplainCloseGroup("Participant", NULL, true, es);
	}
	if (count > 0 && es->format != EXPLAIN_FORMAT_TEXT)
		ExplainCloseGroup("Participants", "Participants", false, es);
}

/* Adds the counters as PostgreSQL does index searches: zeros if the scan never ran. */
static void
explain_index_scan(Relation index, IndexScanDesc scan, ExplainState *es)
{
	ScanStatistics statistics = {0};

	if (index == NULL || vector_am_of(index) == NULL)
		return;
	if (scan)
		statistics = scan_statistics(scan);
	explain_statistics(&statistics, es);
	explain_participants(scan, es);
	explain_effort(scan, es);
}

static void
explain_scan(PlanState *planstate, List *ancestors, const char *relationship,
			 const char *plan_name, ExplainState *es)
{
	if (previous_hook)
		previous_hook(planstate, ancestors, relationship, plan_name, es);
	if (es->analyze && IsA(planstate, IndexScanState))
		explain_index_scan(((IndexScanState *) planstate)->iss_RelationDesc,
						   ((IndexScanState *) planstate)->iss_ScanDesc, es);
	else if (es->analyze && IsA(planstate, IndexOnlyScanState))
		explain_index_scan(((IndexOnlyScanState *) planstate)->ioss_RelationDesc,
						   ((IndexOnlyScanState *) planstate)->ioss_ScanDesc, es);
}

void
scan_explain_init(void)
{
	previous_hook = explain_per_node_hook;
	explain_per_node_hook = explain_scan;
}

#else

void
scan_explain_init(void)
{
}

#endif
