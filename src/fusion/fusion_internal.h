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

/*
 * Makes the state of a node.  CustomScan.custom_plans are the plans of the arms; each has the
 * columns of ARM_* and a LIMIT of the depth.  custom_exprs are the options, custom_scan_tlist has
 * columns of the table, and the call last.  custom_private has the numbers of the arms that are
 * scores.
 */
extern const CustomScanMethods fusion_methods;

enum
{
	ARM_DISTANCE = 1,
	ARM_TABLE,					/* tableoid */
	ARM_TID						/* ctid */
};

#endif							/* VECTOR_FUSION_INTERNAL_H */
