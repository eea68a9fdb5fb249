/*
 * arm.h - the searches whose ranks are fused
 */
#ifndef VECTOR_HYBRID_ARM_H
#define VECTOR_HYBRID_ARM_H

#include "pg_compat.h"

#include "utils/rel.h"

typedef enum ArmKind
{
	ARM_VECTOR,
	ARM_TEXT,
	ARM_SPARSE,
	ARMS
} ArmKind;

/* One search: of which column, by which operator, for what. */
typedef struct Arm
{
	Oid			query_type;
	Oid			operand;		/* of the operator; InvalidOid: as the column's type */
	bool		asked;			/* else nothing below is set */
	Datum		query;
	int			parameter;		/* its number in the statement */
	double		weight;
	AttrNumber	column;
	Oid			type;			/* the operator's, on the left side */
	Oid			operator;
	Oid			index;
} Arm;

/*
 * Finds the column of a table that an arm searches, by what indexes the table has: the one of this
 * name, or if that is NULL, the only one.
 */
extern void arm_find(Arm *arms, ArmKind kind, Relation table, const char *name);

/* Distances below this match the query at all; NULL if all rows do. */
extern const char *arm_matches(const Arm *arms, ArmKind kind);

#endif							/* VECTOR_HYBRID_ARM_H */
