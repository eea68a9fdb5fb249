/*
 * functions.c - the functions that name a fusion
 *
 * A rank is known to a scan of the whole order only, so a call has no value of its own.  Where the
 * planner has made a scan that fuses the arms (paths.c), that scan's rows have the value, and no
 * call is left.
 */
#include "fusion/fusion_internal.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "planner/planner.h"

extern PGDLLEXPORT Datum sparsevec_negative_inner_product(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(vector_rrf);
PG_FUNCTION_INFO_V1(vector_weighted);

static Datum
refuse(FunctionCallInfo fcinfo)
{
	char	   *name = get_func_name(fcinfo->flinfo->fn_oid);

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s() can only be computed by a search in its order", name),
			 errdetail("It needs ORDER BY %s(...), ascending, as the first key, without FOR UPDATE,"
					   " TABLESAMPLE or groups.  Each of its orders must read columns of one and"
					   " the same table, and other arguments none.", name),
			 errhint("Use a subquery: SELECT ..., %s(...) AS score FROM ... ORDER BY score"
					 " LIMIT 10.", name)));
}

Datum
vector_rrf(PG_FUNCTION_ARGS)
{
	return refuse(fcinfo);
}

Datum
vector_weighted(PG_FUNCTION_ARGS)
{
	return refuse(fcinfo);
}

FusionKind
fusion_kind(Oid funcid)
{
	FmgrInfo	function;

	if (funcid < FirstNormalObjectId || get_func_rettype(funcid) != FLOAT8OID)
		return FUSION_NONE;
	fmgr_info(funcid, &function);
	if (function.fn_addr == vector_rrf)
		return FUSION_RRF;
	return function.fn_addr == vector_weighted ? FUSION_WEIGHTED : FUSION_NONE;
}

bool
is_fusion(const Node *node)
{
	return IsA(node, FuncExpr) && fusion_kind(((const FuncExpr *) node)->funcid) != FUSION_NONE;
}

List *
fusion_arms(const FuncExpr *call)
{
	return list_truncate(list_copy(call->args), list_length(call->args) - OPTIONS);
}

/* The function of an arm that is an operator of an extension, or InvalidOid. */
static Oid
function_of(const Expr *arm)
{
	const OpExpr *order = (const OpExpr *) arm;

	return IsA(arm, OpExpr) && order->opno >= FirstNormalObjectId ? get_opcode(order->opno) :
		InvalidOid;
}

bool
fusion_is_of_words(const Expr *arm)
{
	Oid			oid = function_of(arm);
	Oid			support = OidIsValid(oid) ? get_func_support(oid) : InvalidOid;
	FmgrInfo	function;

	if (support < FirstNormalObjectId)
		return false;
	fmgr_info(support, &function);
	return function.fn_addr == bm25_score_support;
}

bool
fusion_is_score(const Expr *arm)
{
	Oid			oid = function_of(arm);
	FmgrInfo	function;

	if (!OidIsValid(oid))
		return false;
	fmgr_info(oid, &function);
	return function.fn_addr == sparsevec_negative_inner_product || fusion_is_of_words(arm);
}

Expr *
fusion_option(const FuncExpr *call, int option)
{
	return list_nth(call->args, list_length(call->args) - OPTIONS + option);
}
