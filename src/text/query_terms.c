/*
 * query_terms.c - from the text of a query to its terms
 */
#include "text/text.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

/* What is known of the clause whose terms come. */
typedef struct ClauseRun
{
	QueryClause clause;
	int			number;			/* counts the clauses that have terms */
	bool		has_terms;
	uint32		last_position;
	QueryTermCallback emit;
	void	   *state;
} ClauseRun;

static void
note_position(void *state, const char *term, int length, uint32 position)
{
	((ClauseRun *) state)->last_position = position;
}

static void
take_term(void *state, const char *term, int length, uint32 position)
{
	ClauseRun  *run = state;
	QueryTerm	query_term = {
		.occur = run->clause.occur,
		.term = term,
		.length = length,
		.position = position,
		.prefix = run->clause.prefix && position == run->last_position
	};

	/* words that are wanted and not in quotes are each wanted by themselves */
	if (!run->has_terms || (run->clause.occur == QUERY_OPTIONAL && !run->clause.phrase))
		run->number++;
	run->has_terms = true;
	query_term.clause = run->number;
	run->emit(run->state, &query_term);
}

void
tokenize_query(const Tokenizer *tokenizer, const char *query, int length, QueryTermCallback emit,
			   void *state)
{
	QueryReader reader = query_begin(query, length, GetDatabaseEncoding() == PG_UTF8);
	ClauseRun	run = {.emit = emit, .state = state};

	while (query_next(&reader, &run.clause))
	{
		run.has_terms = false;
		/* which word is the last one is known at the end only */
		if (run.clause.prefix)
			tokenize(tokenizer, run.clause.text, run.clause.length, note_position, &run);
		tokenize(tokenizer, run.clause.text, run.clause.length, take_term, &run);
	}
}

static void
add_row(void *state, const QueryTerm *term)
{
	static const char *const occurs[] = {
		[QUERY_OPTIONAL] = "optional",
		[QUERY_REQUIRED] = "required",
		[QUERY_EXCLUDED] = "excluded"
	};
	ReturnSetInfo *result = state;
	bool		nulls[5] = {false};
	Datum		values[5] = {
		Int32GetDatum(term->clause),
		CStringGetTextDatum(occurs[term->occur]),
		PointerGetDatum(cstring_to_text_with_len(term->term, term->length)),
		Int32GetDatum((int32) term->position),
		BoolGetDatum(term->prefix)
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	pfree(DatumGetPointer(values[1]));
	pfree(DatumGetPointer(values[2]));
}

/* vector_tokenize_query(config, query): a row for each term of a query. */
PG_FUNCTION_INFO_V1(vector_tokenize_query);
Datum
vector_tokenize_query(PG_FUNCTION_ARGS)
{
	Tokenizer	tokenizer = tokenizer_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	text	   *query = PG_GETARG_TEXT_PP(1);

	InitMaterializedSRF(fcinfo, 0);
	tokenize_query(&tokenizer, VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query), add_row,
				   fcinfo->resultinfo);
	return (Datum) 0;
}
