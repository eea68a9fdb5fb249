/*
 * fusion_internal.h - what the functions, the planner's and the executor's part share
 */
#ifndef VECTOR_FUSION_INTERNAL_H
#define VECTOR_FUSION_INTERNAL_H

#include "fusion/fusion.h"

#include "nodes/extensible.h"

/* What EXPLAIN shows. */
#define FUSION_NAME	"Vector Fusion"

/* The arguments of either function after its arms. */
enum
{
	OPTION_METHOD,				/* k of rrf, normalization of weighted */
	OPTION_DEPTH,
	OPTION_WEIGHTS,
	OPTIONS
};

typedef enum FusionKind
{
	FUSION_NONE,
	FUSION_RRF,
	FUSION_WEIGHTED
} FusionKind;

/* Which of the functions this is. */
extern FusionKind fusion_kind(Oid funcid);

/* Of a call with all its arguments, as the planner has it: its arms, and one of the others. */
extern List *fusion_arms(const FuncExpr *call);
extern Expr *fusion_option(const FuncExpr *call, int option);

/* Whether an arm is a negative score of what two things have in common: 0 is no match. */
extern bool fusion_is_score(const Expr *arm);

/* Whether an arm is the score of a text for words, which a scan of an index knows to the bit. */
extern bool fusion_is_of_words(const Expr *arm);

/*
 * Makes the state of a node.  CustomScan.custom_plans are the plans of the arms; each has the
 * columns of ARM_* and a LIMIT of the depth.  custom_exprs are the options, custom_scan_tlist has
 * columns of the table, and the call last.  custom_private has an integer of ARM_IS_* for each arm.
 */
extern const CustomScanMethods fusion_methods;

/* What an arm is. */
enum
{
	ARM_IS_SCORE = 1,			/* see fusion_is_score */
	ARM_IS_INDEXED = 2			/* its plan is an index scan, which knows the distance */
};

enum
{
	ARM_DISTANCE = 1,
	ARM_TABLE,					/* tableoid */
	ARM_TID						/* ctid */
};

#endif							/* VECTOR_FUSION_INTERNAL_H */
