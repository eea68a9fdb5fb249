/*
 * filter.h - conditions in JSON, as those of a WHERE
 */
#ifndef VECTOR_HYBRID_FILTER_H
#define VECTOR_HYBRID_FILTER_H

#include "pg_compat.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

/* The values that a statement takes as $1, $2, ... */
typedef struct Parameters
{
	int			count;
	int			allocated;
	Oid		   *types;
	Datum	   *values;
} Parameters;

/* Adds a value; returns its number. */
extern int	parameter_add(Parameters *parameters, Oid type, Datum value);

/* Appends an operator, with its schema. */
extern void append_operator(StringInfo sql, Oid operator);

/*
 * Appends ` AND condition` for each condition of a filter on a table, which is named t in the
 * statement.
 */
extern void append_filter(StringInfo sql, Relation table, Jsonb *filter, Parameters *parameters);

#endif							/* VECTOR_HYBRID_FILTER_H */
