/*
 * conditions_internal.h - what the files of conditions share: conditions.c and value_test.c
 */
#ifndef VECTOR_AM_CONDITIONS_INTERNAL_H
#define VECTOR_AM_CONDITIONS_INTERNAL_H

#include "am/conditions.h"

/* What the planner and the executor both know of an index. */
typedef struct IndexColumns
{
	PlannerInfo *root;			/* NULL: the executor asks */
	Index		rel;			/* of the table, in the range table */
	int			count;
	AttrNumber	numbers[INDEX_MAX_KEYS];	/* of the table's columns; 0: an expression */
	List	   *expressions;
	const Oid  *families;
	const Oid  *types;			/* of the operator classes */
	const Oid  *collations;
	bool		leakproof;		/* only leakproof operators are wanted */
	bool		all;			/* no condition has been left out */
	bool		tested;			/* there are value tests */
} IndexColumns;

/* The attribute that an expression is, as a column of the index; 0 if it is none. */
extern int	index_column_of(Node *node, const IndexColumns *columns);

/* Whether an expression has one value for a whole scan. */
extern bool is_scan_value(Node *node);

/* A condition on one attribute that is evaluated on the attribute's values. */
typedef struct ValueTest ValueTest;

/*
 * The test that a clause is, or its negation; NULL if it is none.  The planner is given one only if
 * the attribute seems to have so few values that segments are searched by it.
 */
extern ValueTest *value_test_find(Node *clause, bool negated, const IndexColumns *columns);
extern void value_test_prepare(ValueTest *test, PlanState *node);
extern FilterNode *value_test_node(const ValueTest *test, ExprContext *context);

#endif							/* VECTOR_AM_CONDITIONS_INTERNAL_H */
