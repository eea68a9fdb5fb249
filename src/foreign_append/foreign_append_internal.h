/*
 * foreign_append_internal.h - what the planner's, the executor's and the connections' part share
 */
#ifndef VECTOR_FOREIGN_APPEND_INTERNAL_H
#define VECTOR_FOREIGN_APPEND_INTERNAL_H

#include "foreign_append/foreign_append.h"

#include "funcapi.h"
#include "libpq-fe.h"
#include "nodes/execnodes.h"
#include "nodes/extensible.h"

/* What EXPLAIN shows. */
#define FOREIGN_APPEND_NAME	"Vector Foreign Append"

/*
 * Makes the state of a node.  CustomScan.custom_plans are the foreign scans, custom_exprs the
 * LIMIT, and custom_private the bytes of a row.
 */
extern const CustomScanMethods foreign_append_methods;

/* A foreign scan's connection and the types of its columns, which are of postgres_fdw. */
typedef struct ForeignAnswer
{
	ForeignScanState *scan;
	PGconn	   *connection;
	const AttInMetadata *input;
	PGresult   *result;
	int			next;			/* row of the result */
} ForeignAnswer;

/*
 * Sets the connection of a scan that has begun.  Without effect, if the scan is not found to be as
 * it is in known versions of postgres_fdw.
 */
extern void find_connection(ForeignAnswer *answer);

/* Whether a connection has nothing under way, within its transaction. */
extern bool is_idle(const ForeignAnswer *answer);

/* Sends the statement of a scan, with its parameters as text. */
extern void send_statement(ForeignAnswer *answer, const char *const *parameters);

/* Waits for the result of the statement that was sent; an error if it is one. */
extern void receive_result(ForeignAnswer *answer);

extern void free_result(ForeignAnswer *answer);

/* The next row of a result, in memory of the scan's row; NULL after the last. */
extern HeapTuple next_tuple(ForeignAnswer *answer);

#endif							/* VECTOR_FOREIGN_APPEND_INTERNAL_H */
