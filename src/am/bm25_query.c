/*
 * bm25_query.c - queries of words, with the statistics of an index: the operator <@>
 *
 * The score of a text is computed from the text, by the tokenizer, the weights and the statistics
 * of the index that the query names.  The planner names it (planner/words.c) where the text is a
 * column, or an expression, that an index has.
 */
#include "am/bm25_query.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/index.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pg_list.h"
#include "optimizer/optimizer.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "am/bm25_index.h"

static void
refuse_unnamed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("no bm25 index is known whose statistics the score is by"),
			 errdetail("The index of a column, or of an expression, is found where the query reads "
					   "it from its table."),
			 errhint("Create an index with CREATE INDEX ... USING bm25, or name one with "
					 "to_bm25query('words', 'index').")));
}

/* The columns of the table that an index contains, as pull_varattnos gives them. */
static Bitmapset *
index_columns(Relation index)
{
	Bitmapset  *columns = NULL;

	for (int i = 0; i < index->rd_index->indnatts; i++)
		if (index->rd_index->indkey.values[i] > 0)
			columns = bms_add_member(columns, index->rd_index->indkey.values[i] -
									 FirstLowInvalidHeapAttributeNumber);
	pull_varattnos((Node *) RelationGetIndexExpressions(index), 1, &columns);
	pull_varattnos((Node *) RelationGetIndexPredicate(index), 1, &columns);
	return columns;
}

/*
 * Statistics tell about rows: only who may read what the index is made of gets them.  Policies of
 * the table do not limit them.
 */
static void
check_privileges(Relation index, Oid table)
{
	Bitmapset  *columns;
	int			column = -1;

	if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return;
	columns = index_columns(index);
	while ((column = bms_next_member(columns, column)) >= 0)
		if (pg_attribute_aclcheck(table, column + FirstLowInvalidHeapAttributeNumber, GetUserId(),
								  ACL_SELECT) != ACLCHECK_OK)
			break;
	if (column >= 0 || bms_is_empty(columns))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table));
}

/* Opens the index that a query names, after its table as everything does. */
static Relation
open_named(Oid oid)
{
	Oid			table = IndexGetRelation(oid, true);
	Relation	index = NULL;
	const char *name;

	if (OidIsValid(table))
	{
		LockRelationOid(table, AccessShareLock);
		index = try_relation_open(oid, AccessShareLock);
	}
	name = index ? RelationGetRelationName(index) : get_rel_name(oid);
	if (!name)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the index of a query of words does not exist"),
				 errdetail("Its OID is %u.", oid)));
	if (!index || !bm25_is_index(index))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a bm25 index", name)));
	check_privileges(index, table);
	return index;
}

/* Whether an index is another, or one of its partitions. */
static bool
is_part_of(Relation index, Oid whole)
{
	return RelationGetRelid(index) == whole ||
		(index->rd_rel->relispartition &&
		 list_member_oid(get_partition_ancestors(RelationGetRelid(index)), whole));
}

Oid
bm25_named_index(const Node *query)
{
	const FuncExpr *call = (const FuncExpr *) query;
	const Const *named;

	if (IsA(query, Const))
		return ((const Const *) query)->constisnull ? InvalidOid :
			((BM25Query *) PG_DETOAST_DATUM(((const Const *) query)->constvalue))->index;
	/* to_bm25query(text, index); that of a query of words may keep another index */
	if (!IsA(query, FuncExpr) || list_length(call->args) != 2 ||
		exprType(linitial(call->args)) != TEXTOID)
		return InvalidOid;
	named = lsecond(call->args);
	return IsA(named, Const) && named->consttype == REGCLASSOID && !named->constisnull ?
		DatumGetObjectId(named->constvalue) : InvalidOid;
}

bool
bm25_can_order(Relation index, Node *query)
{
	Oid			named = bm25_named_index(query);

	return OidIsValid(named) && is_part_of(index, named);
}

/* Sums the statistics of an index, and sets those of the terms. */
static void
add_statistics(Relation index, Match *match, WordsCount *count)
{
	if (index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX)
	{
		ListCell   *cell;

		foreach(cell, find_all_inheritors(RelationGetRelid(index), AccessShareLock, NULL))
		{
			Relation	part = relation_open(lfirst_oid(cell), NoLock);

			if (part->rd_rel->relkind == RELKIND_INDEX)
				bm25_add_statistics(part, match->terms, match->term_count, count);
			relation_close(part, NoLock);
		}
	}
	else
		bm25_add_statistics(index, match->terms, match->term_count, count);
}

BM25Scorer *
bm25_scorer(const BM25Query *query, Relation scanned)
{
	BM25Scorer *scorer = palloc(sizeof(BM25Scorer));
	Relation	index = scanned;
	WordsCount	count = {0};
	BM25Formula formula;

	if (OidIsValid(query->index) && (!scanned || query->index != RelationGetRelid(scanned)))
		index = open_named(query->index);
	if (!index)
		refuse_unnamed();
	if (scanned && !is_part_of(scanned, RelationGetRelid(index)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" cannot order by a query of index \"%s\"",
						RelationGetRelationName(scanned), RelationGetRelationName(index))));
	bm25_settings(scanned ? scanned : index, &scorer->settings);
	scorer->match = words_match(&scorer->settings, query->query, bm25query_length(query));
	count.found = palloc0_array(uint64, Max(scorer->match->term_count, 1));
	add_statistics(index, scorer->match, &count);
	for (uint32 i = 0; i < scorer->match->term_count; i++)
		scorer->match->terms[i].documents = count.found[i];
	formula = (BM25Formula) {
		.k1 = scorer->settings.k1,
		.b = scorer->settings.b,
		.mean_length = count.documents > 0 ?
		count.length / count.documents : 0
	};
	match_weigh(scorer->match, count.documents, &formula);
	pfree(count.found);
	if (index != scanned)
		relation_close(index, NoLock);
	return scorer;
}

/* What a call of the operator keeps for the next one. */
typedef struct ScorerCache
{
	MemoryContext context;		/* of the rest */
	BM25Query  *query;
	BM25Scorer *scorer;

	/* The snapshot: statistics are those of one moment in a statement, and new in the next. */
	TransactionId xmin;
	TransactionId xmax;
	uint32		running;
	CommandId	command;
} ScorerCache;

static bool
is_same_snapshot(const ScorerCache *cache, Snapshot snapshot)
{
	return cache->xmin == snapshot->xmin && cache->xmax == snapshot->xmax &&
		cache->running == snapshot->xcnt && cache->command == snapshot->curcid;
}

/* The scorer of a query, as a call of the operator needs it. */
static BM25Scorer *
cached_scorer(FmgrInfo *function, const BM25Query *query)
{
	ScorerCache *cache = function->fn_extra;
	Snapshot	snapshot = GetActiveSnapshot();
	MemoryContext caller;

	if (cache && cache->scorer && is_same_snapshot(cache, snapshot) &&
		VARSIZE(cache->query) == VARSIZE(query) &&
		memcmp(cache->query, query, VARSIZE(query)) == 0)
		return cache->scorer;
	if (!cache)
	{
		cache = MemoryContextAllocZero(function->fn_mcxt, sizeof(ScorerCache));
		cache->context = AllocSetContextCreate(function->fn_mcxt, "vector words",
											   ALLOCSET_DEFAULT_SIZES);
		function->fn_extra = cache;
	}
	cache->scorer = NULL;
	MemoryContextReset(cache->context);
	caller = MemoryContextSwitchTo(cache->context);
	cache->query = memcpy(palloc(VARSIZE(query)), query, VARSIZE(query));
	cache->xmin = snapshot->xmin;
	cache->xmax = snapshot->xmax;
	cache->running = snapshot->xcnt;
	cache->command = snapshot->curcid;
	cache->scorer = bm25_scorer(query, NULL);
	MemoryContextSwitchTo(caller);
	return cache->scorer;
}

static Datum
score(FunctionCallInfo fcinfo, bool is_array)
{
	BM25Scorer *scorer = cached_scorer(fcinfo->flinfo, PG_GETARG_BM25QUERY_P(1));
	Size		size;
	char	   *document = words_document(&scorer->settings, PG_GETARG_DATUM(0), is_array, &size);
	double		score = 0;

	if (document && !match_document(scorer->match, document, size, &score))
		elog(ERROR, "document of a text is damaged");
	/* as an index has it */
	PG_RETURN_FLOAT8(score > 0 ? -(float) score : 0);
}

/* bm25_score(text, bm25query): less is better, 0 is no match. */
PG_FUNCTION_INFO_V1(bm25_text_query);
Datum
bm25_text_query(PG_FUNCTION_ARGS)
{
	return score(fcinfo, false);
}

PG_FUNCTION_INFO_V1(bm25_array_query);
Datum
bm25_array_query(PG_FUNCTION_ARGS)
{
	return score(fcinfo, true);
}

/* bm25_score(text, text): the planner puts the index into the query; this is where it cannot. */
PG_FUNCTION_INFO_V1(bm25_text_text);
Datum
bm25_text_text(PG_FUNCTION_ARGS)
{
	refuse_unnamed();
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(bm25_array_text);
Datum
bm25_array_text(PG_FUNCTION_ARGS)
{
	refuse_unnamed();
	PG_RETURN_NULL();
}
