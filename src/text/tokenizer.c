/*
 * tokenizer.c - tokenizers by name, and what SQL sees of them
 */
#include "text/text.h"

#include "catalog/namespace.h"
#include "common/string.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/regproc.h"
#include "utils/tuplestore.h"

#include "text/samples.h"

static bool
parse_ngram(const char *name, Tokenizer *tokenizer)
{
	int			end = 0;

	if (pg_strncasecmp(name, "ngram", 5) != 0 ||
		sscanf(name + 5, " ( %9d , %9d ) %n", &tokenizer->min, &tokenizer->max, &end) != 2 ||
		end == 0 || name[5 + end] != '\0')
		return false;
	if (tokenizer->min < 1 || tokenizer->min > tokenizer->max || tokenizer->max > TEXT_MAX_NGRAM)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid lengths of n-grams: %d and %d", tokenizer->min, tokenizer->max),
				 errdetail("They must be between 1 and %d, the lesser one first.",
						   TEXT_MAX_NGRAM)));
	tokenizer->kind = TOKENIZER_NGRAM;
	return true;
}

bool
tokenizer_find(const char *name, Tokenizer *tokenizer)
{
	*tokenizer = (Tokenizer) {.kind = TOKENIZER_CONFIG};
	if (parse_ngram(name, tokenizer))
		return true;
	if (pg_strcasecmp(name, "unicode") == 0)
	{
		tokenizer->kind = TOKENIZER_UNICODE;
		return true;
	}
	tokenizer->config = get_ts_config_oid(qualified_name_list(name), true);
	return OidIsValid(tokenizer->config);
}

Tokenizer
tokenizer_by_name(const char *name)
{
	Tokenizer	tokenizer;

	if (!tokenizer_find(name, &tokenizer))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("text search configuration \"%s\" does not exist", name),
				 errhint("Tokenizers are text search configurations, with their schema unless "
						 "that is pg_catalog, \"unicode\", and \"ngram(min,max)\".")));
	return tokenizer;
}

void
tokenize(const Tokenizer *tokenizer, const char *text, int length, TermCallback emit, void *state)
{
	switch (tokenizer->kind)
	{
		case TOKENIZER_CONFIG:
			tokenize_config(tokenizer->config, text, length, emit, state);
			break;
		case TOKENIZER_UNICODE:
			tokenize_unicode(text, length, emit, state);
			break;
		case TOKENIZER_NGRAM:
			tokenize_ngram(tokenizer, text, length, emit, state);
			break;
	}
}

static void
add_row(void *state, const char *term, int length, uint32 position)
{
	ReturnSetInfo *result = state;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	values[0] = PointerGetDatum(cstring_to_text_with_len(term, length));
	values[1] = Int32GetDatum((int32) position);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	pfree(DatumGetPointer(values[0]));
}

/* vector_tokenize(config, text): a row for each term. */
PG_FUNCTION_INFO_V1(vector_tokenize);
Datum
vector_tokenize(PG_FUNCTION_ARGS)
{
	Tokenizer	tokenizer = tokenizer_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	text	   *body = PG_GETARG_TEXT_PP(1);

	InitMaterializedSRF(fcinfo, 0);
	tokenize(&tokenizer, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body), add_row, fcinfo->resultinfo);
	return (Datum) 0;
}

static void
add_answer(void *state, const char *term, int length, uint32 position)
{
	appendStringInfo(state, "%u %d ", position, length);
	appendBinaryStringInfo(state, term, length);
}

bytea *
tokenizer_digest(const Tokenizer *tokenizer)
{
	StringInfoData answers;

	initStringInfo(&answers);
	for (int i = 0; i < lengthof(text_samples); i++)
	{
		const char *sample = text_samples[i];
		int			length = strlen(sample);

		/* other encodings may lack its characters */
		if (GetDatabaseEncoding() != PG_UTF8 && !pg_is_ascii(sample))
			continue;
		tokenize(tokenizer, sample, length, add_answer, &answers);
		appendStringInfoChar(&answers, '\n');
	}
	return DatumGetByteaP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(
		cstring_to_text_with_len(answers.data, answers.len))));
}

/* vector_text_digest(config) */
PG_FUNCTION_INFO_V1(vector_text_digest);
Datum
vector_text_digest(PG_FUNCTION_ARGS)
{
	Tokenizer	tokenizer = tokenizer_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	PG_RETURN_BYTEA_P(tokenizer_digest(&tokenizer));
}
