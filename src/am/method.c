/*
 * method.c - the table of access methods, and which of them an index is of
 */
#include "am/method.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#define ADDRESS_OF_VECTOR_AM(method) &method##_am,
const VectorAm *const vector_ams[] = {VECTOR_AMS(ADDRESS_OF_VECTOR_AM) NULL};

/* The C symbols of their handlers, in the same order. */
#define HANDLER_OF_VECTOR_AM(method) #method "handler",
static const char *const handlers[] = {VECTOR_AMS(HANDLER_OF_VECTOR_AM)};

/* Which of their names are those of methods of other libraries, in the same order. */
static bool foreign[lengthof(handlers)];

static const VectorAm *
find_am(const IndexAmRoutine *routine)
{
	for (int i = 0; routine != NULL && vector_ams[i] != NULL; i++)
		if (routine->amoptions == vector_ams[i]->options)
			return vector_ams[i];
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

	for (int i = 0; symbol != NULL && vector_ams[i] != NULL; i++)
		if (strcmp(symbol, handlers[i]) == 0)
			return find_am(GetIndexAmRoutineByAmId(am, true));
	return NULL;
}

static bool
is_foreign(const VectorAm *am)
{
	char	   *symbol;

	if (am->setting && GetConfigOption(am->setting, true, false) &&
		!(GetConfigOptionFlags(am->setting, true) & GUC_CUSTOM_PLACEHOLDER))
		return true;
	if (!IsTransactionState() || !OidIsValid(MyDatabaseId))
		return false;
	symbol = handler_symbol(get_am_oid(am->name, true));
	return symbol != NULL && strcmp(symbol, psprintf("%shandler", am->name)) != 0;
}

void
vector_am_find_foreign(void)
{
	for (int i = 0; vector_ams[i] != NULL; i++)
		foreign[i] = is_foreign(vector_ams[i]);
}

bool
vector_am_is_foreign(int i)
{
	return foreign[i];
}
