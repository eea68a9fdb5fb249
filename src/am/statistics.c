/*
 * statistics.c - SQL functions that show what has been done with indexes
 */
#include "pg_compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "am/owner.h"
#include "counters/counters.h"

#define COUNT(counter)	Int64GetDatum((int64) (counter))

/* Of microseconds. */
#define MILLISECONDS(counter)	Float8GetDatum((double) (counter) / 1000)

/* Reads the counters of an index that the user may see; false if it is gone. */
static bool
read_counters(Oid index, CountedIndex *counted)
{
	Oid			owner = relation_owner(index);

	if (!OidIsValid(owner))
		return false;
	if (!owner_may_be_seen(owner))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_INDEX, get_rel_name(index));
	counters_read(index, counted);
	return true;
}

static Datum
latency_array(const IndexCounters *counters)
{
	Datum		items[LATENCY_CLASSES];

	for (int i = 0; i < LATENCY_CLASSES; i++)
		items[i] = Int64GetDatum((int64) counters->latencies[i]);
	return PointerGetDatum(construct_array(items, LATENCY_CLASSES, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * What sessions have done with an index: scans, rounds, hops, distances, blocks_hit, blocks_read,
 * rejected, walks, reads, switches, fallbacks, table_rows, store_gets, store_bytes, rows_returned,
 * search_ms, search_p50, search_p99, latencies, rows_inserted, rows_removed, seals, merges,
 * wal_bytes, recall, recall_k, recall_at, stats_since.  No row for an index that is gone.
 */
PG_FUNCTION_INFO_V1(vector_index_counters);
Datum
vector_index_counters(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CountedIndex counted;
	const IndexCounters *counters = &counted.counters;
	Datum		values[28];
	bool		nulls[28] = {false};
	int			n = 0;

	InitMaterializedSRF(fcinfo, 0);
	if (!read_counters(PG_GETARG_OID(0), &counted))
		return (Datum) 0;
	values[n++] = COUNT(counters->scans);
	values[n++] = COUNT(counters->search_rounds);
	values[n++] = COUNT(counters->hops);
	values[n++] = COUNT(counters->distances);
	values[n++] = COUNT(counters->blocks_hit);
	values[n++] = COUNT(counters->blocks_read);
	values[n++] = COUNT(counters->rejected);
	values[n++] = COUNT(counters->walks);
	values[n++] = COUNT(counters->reads);
	values[n++] = COUNT(counters->switches);
	values[n++] = COUNT(counters->among);
	values[n++] = COUNT(counters->table_rows);
	values[n++] = COUNT(counters->gets);
	values[n++] = COUNT(counters->stored_bytes);
	values[n++] = COUNT(counters->returned);
	values[n++] = MILLISECONDS(counters->microseconds);
	nulls[n] = nulls[n + 1] = counters->scans == 0;
	values[n++] = MILLISECONDS(counters_latency(counters, 0.5));
	values[n++] = MILLISECONDS(counters_latency(counters, 0.99));
	values[n++] = latency_array(counters);
	values[n++] = COUNT(counters->inserted);
	values[n++] = COUNT(counters->removed);
	values[n++] = COUNT(counters->seals);
	values[n++] = COUNT(counters->merges);
	values[n++] = COUNT(counters->wal_bytes);
	nulls[n] = nulls[n + 1] = nulls[n + 2] = counted.recall.k == 0;
	values[n++] = Float8GetDatum(counted.recall.recall);
	values[n++] = Int32GetDatum(counted.recall.k);
	values[n++] = TimestampTzGetDatum(counted.recall.when);
	nulls[n] = counted.since == 0;
	values[n++] = TimestampTzGetDatum(counted.since);
	Assert(n == lengthof(values));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * What background workers have done for an index, a row for each kind of work that was done or
 * tried: phase, steps, segments, busy_ms, gave_way, locked, failures.
 */
PG_FUNCTION_INFO_V1(vector_index_work);
Datum
vector_index_work(PG_FUNCTION_ARGS)
{
	static const char *const phases[] = {
		[WORK_SEAL] = "sealing", [WORK_MERGE] = "merging", [WORK_TIER] = "tiering"
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CountedIndex counted;

	InitMaterializedSRF(fcinfo, 0);
	if (!read_counters(PG_GETARG_OID(0), &counted))
		return (Datum) 0;
	for (int kind = 0; kind < WORK_KINDS; kind++)
	{
		const WorkCounters *work = &counted.counters.work[kind];
		Datum		values[7];
		bool		nulls[7] = {false};

		if (work->steps + work->gave_way + work->locked + work->failures == 0)
			continue;
		values[0] = CStringGetTextDatum(phases[kind]);
		values[1] = COUNT(work->steps);
		values[2] = COUNT(work->segments);
		values[3] = MILLISECONDS(work->microseconds);
		values[4] = COUNT(work->gave_way);
		values[5] = COUNT(work->locked);
		values[6] = COUNT(work->failures);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Sets the counters of an index to zero, or those of all indexes of the database (NULL). */
PG_FUNCTION_INFO_V1(vector_stat_reset);
Datum
vector_stat_reset(PG_FUNCTION_ARGS)
{
	counters_reset(PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

/* The last searches that took long: index, pid, ended_at, search_ms, description. */
PG_FUNCTION_INFO_V1(vector_slow_searches);
Datum
vector_slow_searches(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SlowSearch	slow[SLOW_SEARCHES];
	int			count = counters_slow(slow);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		Oid			owner = relation_owner(slow[i].index);
		Datum		values[5];
		bool		nulls[5] = {false};

		if (!OidIsValid(owner) || !owner_may_be_seen(owner))
			continue;
		values[0] = ObjectIdGetDatum(slow[i].index);
		values[1] = Int32GetDatum(slow[i].pid);
		values[2] = TimestampTzGetDatum(slow[i].when);
		values[3] = MILLISECONDS(slow[i].microseconds);
		values[4] = CStringGetTextDatum(slow[i].description);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
