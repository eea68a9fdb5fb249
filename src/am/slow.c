/*
 * slow.c - searches that take long are logged, with what they did, and noted in shared memory
 */
#include "am/slow.h"

#include "common/pg_prng.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "am/method.h"
#include "counters/counters.h"

static int	log_min_duration;
static double log_sample_rate;

void
slow_init(void)
{
	DefineCustomIntVariable(
		"vector.log_min_duration", "Sets the time above which searches of an index are logged.",
		"It is that until the first row is found, and of further rounds. -1 logs none, 0 all.",
		&log_min_duration, -1, -1, INT_MAX, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomRealVariable("vector.log_sample_rate",
							 "Sets the fraction of these searches that is logged.", NULL,
							 &log_sample_rate, 1, 0, 1, PGC_SUSET, 0, NULL, NULL, NULL);
}

/* Whether a search that took so long is one of those that are logged. */
static bool
is_logged(uint64 microseconds)
{
	return log_min_duration >= 0 && microseconds >= (uint64) log_min_duration * 1000 &&
		(log_sample_rate == 1 || pg_prng_double(&pg_global_prng_state) < log_sample_rate);
}

/* What the search did: effort, set or chosen, segments, strategy, blocks, conditions, stores. */
static void
describe(const VectorScan *scan, StringInfo text)
{
	const char *effort = vector_am_of(scan->desc->indexRelation)->effort;
	const ScanStatistics *statistics = &scan->statistics;

	if (effort && scan->effort > 0)
		appendStringInfo(text, "%s = %d; ", effort, scan->effort);
	else if (effort)
		appendStringInfo(text, "%s = %s; ", effort, GetConfigOption(effort, false, false));
	appendStringInfo(text, UINT64_FORMAT " segments (" UINT64_FORMAT " walks, " UINT64_FORMAT
					 " reads, " UINT64_FORMAT " switches, " UINT64_FORMAT " fallbacks), "
					 UINT64_FORMAT " rounds; " UINT64_FORMAT " hops, " UINT64_FORMAT
					 " distances; " UINT64_FORMAT " blocks hit, " UINT64_FORMAT " read; "
					 UINT64_FORMAT " rows", statistics->segments, statistics->walks,
					 statistics->reads, statistics->switches, statistics->among,
					 statistics->search_rounds, statistics->hops, statistics->distances,
					 statistics->blocks_hit, statistics->blocks_read, scan->returned);
	if (scan_is_narrowed(scan))
		appendStringInfo(text, "; conditions left " UINT64_FORMAT " rows", statistics->survivors);
	if (statistics->table_rows > 0)
		appendStringInfo(text, "; " UINT64_FORMAT " rows of the table tested",
						 statistics->table_rows);
	if (statistics->gets > 0)
		appendStringInfo(text, "; " UINT64_FORMAT " store reads in " UINT64_FORMAT " rounds",
						 statistics->gets, statistics->rounds);
}

/* Logs a search, and notes it. */
static void
report(const VectorScan *scan)
{
	Relation	index = scan->desc->indexRelation;
	uint64		microseconds = scan->statistics.microseconds;
	SlowSearch	search = {
		.database = MyDatabaseId, .index = RelationGetRelid(index), .pid = MyProcPid,
		.microseconds = microseconds
	};
	StringInfoData text;

	initStringInfo(&text);
	describe(scan, &text);
	search.when = GetCurrentTimestamp();
	strlcpy(search.description, text.data, sizeof(search.description));
	counters_add_slow(&search);
	ereport(LOG,
			(errmsg("search of index \"%s.%s\" took %.3f ms",
					get_namespace_name(RelationGetNamespace(index)),
					RelationGetRelationName(index), (double) microseconds / 1000),
			 errdetail_internal("%s", text.data)));
	pfree(text.data);
}

void
slow_report(const VectorScan *scan)
{
	if (is_logged(scan->statistics.microseconds))
		report(scan);
}
