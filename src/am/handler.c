/*
 * handler.c - what PostgreSQL is told of the access methods when it loads the library or asks a
 * handler
 */
#include "am/index.h"

#include "commands/vacuum.h"
#include "utils/guc.h"

#include "am/depend.h"
#include "am/effort.h"
#include "am/method.h"
#include "am/participants.h"
#include "am/returned.h"
#include "am/sample_query.h"
#include "am/scan.h"
#include "am/slow.h"
#include "flat_segment/method.h"

void
vector_am_init(void)
{
	/* no access method is of it alone; others make segments of few rows flat */
	segment_register(&flat_segment_method);
	for (int i = 0; vector_ams[i] != NULL; i++)
	{
		segment_register(vector_ams[i]->segments);
		vector_ams[i]->init();
		if (vector_am_is_foreign(i))
			continue;
		vector_ams[i]->settings();
		MarkGUCPrefixReserved(vector_ams[i]->name);
	}
	effort_init();
	depend_init();
	scan_bound_init();
	scan_explain_init();
	if (process_shared_preload_libraries_in_progress)
		participants_preload();
	slow_init();
	sample_query_init();
}

bool
vector_am_plans(const IndexOptInfo *index)
{
	return (void *) index->amcostestimate == (void *) vectorcostestimate;
}

bool
vector_am_plans_any(const RelOptInfo *rel)
{
	ListCell   *cell;

	foreach(cell, rel->indexlist)
		if (vector_am_plans(lfirst(cell)))
			return true;
	return false;
}

/* The result of a handler. */
static IndexAmRoutine *
make_routine(const VectorAm *am)
{
	IndexAmRoutine *amroutine = makeNode(IndexAmRoutine);

	amroutine->amstrategies = 0;
	amroutine->amsupport = am->support_count;
	amroutine->amcanorderbyop = true;
	amroutine->amcanmulticol = true;
	amroutine->amoptionalkey = true;
	amroutine->amsearcharray = true;
	amroutine->amsearchnulls = true;
	amroutine->amcanparallel = am->parallel;
#if PG_VERSION_NUM >= 170000
	amroutine->amcanbuildparallel = true;
#endif
	amroutine->amparallelvacuumoptions = VACUUM_OPTION_NO_PARALLEL;
	amroutine->amkeytype = InvalidOid;
	amroutine->ambuild = vectorbuild;
	amroutine->ambuildempty = vectorbuildempty;
	amroutine->aminsert = vectorinsert;
	amroutine->ambulkdelete = vectorbulkdelete;
	amroutine->amvacuumcleanup = vectorvacuumcleanup;
	amroutine->amcanreturn = vectorcanreturn;
	amroutine->amcostestimate = vectorcostestimate;
	amroutine->amoptions = am->options;
	amroutine->ambuildphasename = am->phase_name;
	amroutine->amvalidate = vectorvalidate;
	amroutine->ambeginscan = vectorbeginscan;
	amroutine->amrescan = vectorrescan;
	amroutine->amgettuple = vectorgettuple;
	amroutine->amendscan = vectorendscan;
	amroutine->amestimateparallelscan = am->parallel ? vectorestimateparallelscan : NULL;
	amroutine->aminitparallelscan = am->parallel ? vectorinitparallelscan : NULL;
	amroutine->amparallelrescan = am->parallel ? vectorparallelrescan : NULL;
	return amroutine;
}

#define DEFINE_HANDLER(method) \
PG_FUNCTION_INFO_V1(method##handler); \
Datum \
method##handler(PG_FUNCTION_ARGS) \
{ \
	PG_RETURN_POINTER(make_routine(&method##_am)); \
}

VECTOR_AMS(DEFINE_HANDLER)

/*
 * Support functions that pgvector's operator classes name.  The library knows a type by the
 * class's distance function; these only mark the class as one of pgvector's.
 */
#define DEFINE_SUPPORT(symbol) \
PG_FUNCTION_INFO_V1(symbol); \
Datum \
symbol(PG_FUNCTION_ARGS) \
{ \
	PG_RETURN_POINTER(NULL); \
}

DEFINE_SUPPORT(hnsw_halfvec_support)
DEFINE_SUPPORT(hnsw_bit_support)
DEFINE_SUPPORT(hnsw_sparsevec_support)
DEFINE_SUPPORT(ivfflat_halfvec_support)
DEFINE_SUPPORT(ivfflat_bit_support)
