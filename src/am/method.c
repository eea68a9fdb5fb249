/*
 * method.c - the table of access methods, their handlers, and which of them an index is of
 */
#include "am/method.h"

#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_proc.h"
#include "commands/vacuum.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "am/index.h"
#include "am/scan.h"

#define ADDRESS_OF_VECTOR_AM(method) &method##_am,
static const VectorAm *const ams[] = {VECTOR_AMS(ADDRESS_OF_VECTOR_AM)};

/* The C symbols of their handlers, in the same order. */
#define HANDLER_OF_VECTOR_AM(method) #method "handler",
static const char *const handlers[] = {VECTOR_AMS(HANDLER_OF_VECTOR_AM)};

void
vector_am_init(void)
{
	for (int i = 0; i < lengthof(ams); i++)
	{
		segment_register(ams[i]->segments);
		ams[i]->init();
		MarkGUCPrefixReserved(ams[i]->name);
	}
	scan_bound_init();
	scan_explain_init();
}

static const VectorAm *
find_am(const IndexAmRoutine *routine)
{
	for (int i = 0; routine != NULL && i < lengthof(ams); i++)
		if (routine->amoptions == ams[i]->options)
			return ams[i];
	return NULL;
}

const VectorAm *
vector_am_of(Relation index)
{
	return find_am(index->rd_indam);
}

/* The C symbol of an access method's handler; NULL if there is no such method. */
static char *
handler_symbol(Oid am)
{
	HeapTuple	tuple = SearchSysCache1(AMOID, ObjectIdGetDatum(am));
	Oid			handler;
	Datum		symbol;
	bool		isnull;
	char	   *result;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	handler = ((Form_pg_am) GETSTRUCT(tuple))->amhandler;
	ReleaseSysCache(tuple);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(handler));
	if (!HeapTupleIsValid(tuple))
		return NULL;
	symbol = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	result = isnull ? NULL : TextDatumGetCString(symbol);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * A handler is called only if its symbol is that of one of our methods.  Others are in libraries
 * that may not even exist any more; that must not keep a worker from the indexes of this one.
 */
const VectorAm *
vector_am_by_oid(Oid am)
{
	char	   *symbol = handler_symbol(am);

	for (int i = 0; symbol != NULL && i < lengthof(ams); i++)
		if (strcmp(symbol, handlers[i]) == 0)
			return find_am(GetIndexAmRoutineByAmId(am, true));
	return NULL;
}

bool
vector_am_plans(const IndexOptInfo *index)
{
	return (void *) index->amcostestimate == (void *) vectorcostestimate;
}

/* The result of a handler. */
static IndexAmRoutine *
make_routine(const VectorAm *am)
{
	IndexAmRoutine *amroutine = makeNode(IndexAmRoutine);

	amroutine->amstrategies = 0;
	amroutine->amsupport = am->support_count;
	amroutine->amcanorderbyop = true;
	amroutine->amoptionalkey = true;
	amroutine->amcanparallel = am->parallel_size != NULL;
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
	amroutine->amcostestimate = vectorcostestimate;
	amroutine->amoptions = am->options;
	amroutine->ambuildphasename = am->phase_name;
	amroutine->amvalidate = vectorvalidate;
	amroutine->ambeginscan = am->begin_scan;
	amroutine->amrescan = am->rescan;
	amroutine->amgettuple = am->next_row;
	amroutine->amendscan = am->end_scan;
	amroutine->amestimateparallelscan = am->parallel_size;
	amroutine->aminitparallelscan = am->parallel_init;
	amroutine->amparallelrescan = am->parallel_rescan;
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
