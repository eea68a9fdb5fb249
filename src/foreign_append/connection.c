/*
 * connection.c - a statement over the connection of a foreign scan
 *
 * When a foreign scan of postgres_fdw begins, it has a connection in a transaction that goes with
 * the local one.  Neither is told to others, so they are read from the scan's state.  Its first
 * members have been these in PostgreSQL 14 to 18.  Two of them are pointers into the plan: if these
 * are not found where they should be, the state is of an unknown version, and nothing is read.
 *
 * An error leaves to postgres_fdw what is under way: it cancels this when it rolls back.
 *
 * libpq is the one that postgres_fdw has loaded, so that this library can be loaded without it.
 */
#include "foreign_append/foreign_append_internal.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#ifndef WIN32
#include <dlfcn.h>
#endif

/* What the state of a scan begins with, in contrib/postgres_fdw/postgres_fdw.c (PgFdwScanState). */
typedef struct FdwScanState
{
	Relation	table;
	TupleDesc	columns;
	AttInMetadata *input;
	char	   *statement;
	List	   *retrieved;
	PGconn	   *connection;
} FdwScanState;

#define PLAN_SQL		0
#define PLAN_RETRIEVED	1
#define LAST_KNOWN_VERSION	180000

#define LIBPQ_FUNCTIONS(use) \
	use(PQclear) use(PQconsumeInput) use(PQerrorMessage) use(PQgetisnull) use(PQgetResult) \
	use(PQgetvalue) use(PQisBusy) use(PQnfields) use(PQntuples) use(PQresultErrorField) \
	use(PQresultStatus) use(PQsendQueryParams) use(PQsocket) use(PQtransactionStatus)

#define MEMBER(name)	__typeof__(name) *name;
static struct
{
	LIBPQ_FUNCTIONS(MEMBER)
	bool		found;
} libpq;

static bool
load_libpq(void)
{
#ifndef WIN32
#define FIND(name) \
	libpq.name = (__typeof__(libpq.name)) dlsym(RTLD_DEFAULT, #name); \
	libpq.found = libpq.found && libpq.name != NULL;

	if (!libpq.found)
	{
		libpq.found = true;
		LIBPQ_FUNCTIONS(FIND)
	}
#endif
	return libpq.found;
}

static List *
plan_private(const ForeignAnswer *answer)
{
	return ((ForeignScan *) answer->scan->ss.ps.plan)->fdw_private;
}

static const char *
statement_of(const ForeignAnswer *answer)
{
	return strVal(list_nth(plan_private(answer), PLAN_SQL));
}

static List *
retrieved_of(const ForeignAnswer *answer)
{
	return list_nth(plan_private(answer), PLAN_RETRIEVED);
}

void
find_connection(ForeignAnswer *answer)
{
	const FdwScanState *state = answer->scan->fdw_state;
	ListCell   *cell;

	if (PG_VERSION_NUM / 10000 * 10000 > LAST_KNOWN_VERSION || state == NULL ||
		answer->scan->ss.ps.qual != NULL || !load_libpq() ||
		GetMemoryChunkSpace(unconstify(FdwScanState *, state)) < sizeof(FdwScanState) ||
		state->statement != statement_of(answer) || state->retrieved != retrieved_of(answer) ||
		state->input->tupdesc != state->columns)
		return;
	foreach(cell, state->retrieved)
		if (lfirst_int(cell) <= 0)
			return;
	answer->connection = state->connection;
	answer->input = state->input;
}

bool
is_idle(const ForeignAnswer *answer)
{
	return libpq.PQtransactionStatus(answer->connection) == PQTRANS_INTRANS;
}

/* Raises the error of a result, or of the connection if there is none, as postgres_fdw does. */
static void
raise_error(const ForeignAnswer *answer)
{
	const PGresult *result = answer->result;
	const char *state = libpq.PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = libpq.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = libpq.PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = libpq.PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	const char *context = libpq.PQresultErrorField(result, PG_DIAG_CONTEXT);

	if (message == NULL)
		message = pchomp(libpq.PQerrorMessage(answer->connection));
	ereport(ERROR,
			errcode(state == NULL ? ERRCODE_CONNECTION_FAILURE :
					MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])),
			errmsg_internal("%s", message[0] == '\0' ? "no message of the other server" : message),
			detail ? errdetail_internal("%s", detail) : 0,
			hint ? errhint("%s", hint) : 0,
			context ? errcontext("%s", context) : 0,
			errcontext("remote SQL command: %s", statement_of(answer)));
}

void
send_statement(ForeignAnswer *answer, const char *const *parameters)
{
	int			count = list_length(((ForeignScan *) answer->scan->ss.ps.plan)->fdw_exprs);

	if (!libpq.PQsendQueryParams(answer->connection, statement_of(answer), count, NULL, parameters,
								 NULL, NULL, 0))
		raise_error(answer);
}

/* Waits until a result can be had without waiting. */
static void
wait_for_result(const ForeignAnswer *answer)
{
	while (libpq.PQisBusy(answer->connection))
	{
		int			events = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE |
											   WL_EXIT_ON_PM_DEATH,
											   libpq.PQsocket(answer->connection), -1L,
											   PG_WAIT_EXTENSION);

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if ((events & WL_SOCKET_READABLE) && !libpq.PQconsumeInput(answer->connection))
			raise_error(answer);
	}
}

void
receive_result(ForeignAnswer *answer)
{
	for (;;)
	{
		PGresult   *result;

		wait_for_result(answer);
		result = libpq.PQgetResult(answer->connection);
		if (result == NULL)
			break;
		free_result(answer);
		answer->result = result;
	}
	if (answer->result == NULL || libpq.PQresultStatus(answer->result) != PGRES_TUPLES_OK)
		raise_error(answer);
	if (libpq.PQnfields(answer->result) != list_length(retrieved_of(answer)))
		ereport(ERROR, errcode(ERRCODE_FDW_ERROR),
				errmsg("another server returned %d columns instead of %d",
					   libpq.PQnfields(answer->result), list_length(retrieved_of(answer))));
	answer->next = 0;
}

void
free_result(ForeignAnswer *answer)
{
	if (answer->result != NULL)
		libpq.PQclear(answer->result);
	answer->result = NULL;
}

HeapTuple
next_tuple(ForeignAnswer *answer)
{
	const AttInMetadata *input = answer->input;
	int			natts = input->tupdesc->natts;
	int			row = answer->next;
	int			column = 0;
	Datum	   *values;
	bool	   *nulls;
	ListCell   *cell;

	if (row >= libpq.PQntuples(answer->result))
		return NULL;
	answer->next++;
	values = palloc0(sizeof(Datum) * natts);
	nulls = palloc(sizeof(bool) * natts);
	memset(nulls, true, natts);
	foreach(cell, retrieved_of(answer))
	{
		int			i = lfirst_int(cell) - 1;
		char	   *text = libpq.PQgetisnull(answer->result, row, column) ? NULL :
			libpq.PQgetvalue(answer->result, row, column);

		values[i] = InputFunctionCall(&input->attinfuncs[i], text, input->attioparams[i],
									  input->atttypmods[i]);
		nulls[i] = text == NULL;
		column++;
	}
	return heap_form_tuple(input->tupdesc, values, nulls);
}
