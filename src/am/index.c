/*
 * index.c - what the handlers of all access methods share, and which columns they accept
 */
#include "am/index.h"

#include "catalog/pg_type.h"
#include "commands/vacuum.h"

IndexAmRoutine *
index_routine(void)
{
	IndexAmRoutine *amroutine = makeNode(IndexAmRoutine);

	amroutine->amstrategies = 0;
	amroutine->amcanorderbyop = true;
	amroutine->amoptionalkey = true;
#if PG_VERSION_NUM >= 170000
	amroutine->amcanbuildparallel = true;
#endif
	amroutine->amparallelvacuumoptions = VACUUM_OPTION_NO_PARALLEL;
	amroutine->amkeytype = InvalidOid;
	amroutine->aminsert = vectorinsert;
	amroutine->ambulkdelete = vectorbulkdelete;
	amroutine->amvacuumcleanup = vectorvacuumcleanup;
	return amroutine;
}

DirectoryOptions
index_column_options(Relation index, const char *am)
{
	DirectoryOptions options = {.dims = TupleDescAttr(index->rd_att, 0)->atttypmod};

	if (TupleDescAttr(index->rd_att, 0)->atttypid == VARBITOID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("type not supported for %s index", am)));
	space_of_index(index, &options.element, &options.metric);
	if (options.dims < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column does not have dimensions")));
	if (options.element == SPACE_BIT && options.dims > INDEX_MAX_BITS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column cannot have more than %d dimensions for %s index",
						INDEX_MAX_BITS, am)));
	return options;
}
