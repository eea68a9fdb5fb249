/*
 * words.c - documents of PostgreSQL's values, and queries of words
 */
#include "text/words.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/memutils.h"

/* Terms are copied into pieces of memory of this size, which none of them exceeds. */
#define PIECE	65536

/* Texts that are being read. */
typedef struct WordsRun
{
	const WordsSettings *settings;
	DocumentText text;
	size_t		capacity;
	DocumentField *fields;		/* neighbours with the same weight are one */
	uint32		offset;			/* what a field's positions count from */
	uint32		last;			/* position */
	char	   *piece;
	size_t		piece_used;
} WordsRun;

/* One of a list of weights, in hundredths. */
static uint32
parse_weight(const char **p, const char *list)
{
	char	   *end;
	double		weight = strtod(*p, &end);
	double		hundredths = rint(weight * 100);

	while (*end == ' ')
		end++;
	if (end == *p || (*end != '\0' && *end != ',') || !(hundredths >= 1) ||
		hundredths > WORDS_MAX_WEIGHT * 100 || fabs(hundredths - weight * 100) > 1e-6)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid weights: \"%s\"", list),
				 errdetail("Weights are numbers with commas between them, from 0.01 to %d, of at "
						   "most two decimals.", WORDS_MAX_WEIGHT)));
	*p = *end == ',' ? end + 1 : end;
	if (*end == ',' && **p == '\0')
		*p = end;				/* nothing after the comma is no weight, and an error */
	return (uint32) hundredths;
}

void
words_set_weights(WordsSettings *settings, const char *list)
{
	bool		whole = true;

	settings->weight_count = 0;
	settings->scale = 1;
	if (!list)
		return;
	for (const char *p = list; *p != '\0' || p == list;)
	{
		uint32		weight = parse_weight(&p, list);

		if (settings->weight_count == WORDS_MAX_WEIGHTS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("an index can have at most %d weights", WORDS_MAX_WEIGHTS)));
		settings->weights[settings->weight_count++] = weight;
		whole &= weight % 100 == 0;
	}
	if (!whole)
		settings->scale = 100;
	else
		for (int i = 0; i < settings->weight_count; i++)
			settings->weights[i] /= 100;
}

/* A copy of a term that stays with the run. */
static const char *
keep_term(WordsRun *run, const char *term, int length)
{
	char	   *copy;

	if (!run->piece || PIECE - run->piece_used < length)
	{
		run->piece = palloc(PIECE);
		run->piece_used = 0;
	}
	copy = run->piece + run->piece_used;
	memcpy(copy, term, length);
	run->piece_used += length;
	return copy;
}

static void
add_term(void *state, const char *term, int length, uint32 position)
{
	WordsRun   *run = state;
	DocumentText *text = &run->text;

	if (text->count == run->capacity)
	{
		run->capacity = Max(64, 2 * run->capacity);
		text->occurrences = text->occurrences ?
			repalloc_huge(text->occurrences, run->capacity * sizeof(DocumentOccurrence)) :
			palloc(run->capacity * sizeof(DocumentOccurrence));
	}
	text->occurrences[text->count++] = (DocumentOccurrence) {
		.term = keep_term(run, term, length),
		.length = length,
		.position = run->offset + position,
		.field = text->field_count - 1
	};
	run->last = run->offset + position;
}

/* Reads a field, the number-th of the value. */
static void
add_field(WordsRun *run, const text *body, int number)
{
	const WordsSettings *settings = run->settings;
	uint32		weight = number < settings->weight_count ? settings->weights[number] :
		settings->scale;

	if (run->text.field_count == 0 || run->fields[run->text.field_count - 1].weight != weight)
		run->fields[run->text.field_count++].weight = weight;
	run->offset = run->last > 0 ? run->last + DOCUMENT_FIELD_GAP : 0;
	tokenize(&settings->tokenizer, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body), add_term, run);
	run->fields[run->text.field_count - 1].last = run->last;
}

static void
add_array(WordsRun *run, ArrayType *array)
{
	Datum	   *texts;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &count);
	run->fields = palloc0(sizeof(DocumentField) * Max(count, 1));
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			add_field(run, DatumGetTextPP(texts[i]), i);
}

char *
words_document(const WordsSettings *settings, Datum value, bool is_array, Size *size)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "vector document",
												  ALLOCSET_DEFAULT_SIZES);
	WordsRun	run = {
		.settings = settings,
		.text = {.scale = settings->scale, .positions = settings->positions}
	};
	char	   *document = NULL;

	MemoryContextSwitchTo(context);
	if (is_array)
		add_array(&run, DatumGetArrayTypeP(value));
	else
	{
		run.fields = palloc0(sizeof(DocumentField));
		add_field(&run, DatumGetTextPP(value), 0);
	}
	run.text.fields = run.fields;
	document_sort(&run.text);
	MemoryContextSwitchTo(caller);
	if (run.text.count > 0)
	{
		*size = document_write(&run.text, NULL);
		if (!AllocSizeIsValid(*size))
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("text has too many terms")));
		document = palloc(*size);
		document_write(&run.text, (unsigned char *) document);
	}
	MemoryContextDelete(context);
	return document;
}

typedef struct QueryRun
{
	MatchInput *inputs;
	size_t		count;
	size_t		capacity;
} QueryRun;

static void
add_query_term(void *state, const QueryTerm *term)
{
	QueryRun   *run = state;

	if (run->count == run->capacity)
	{
		run->capacity = Max(8, 2 * run->capacity);
		run->inputs = run->inputs ?
			repalloc_huge(run->inputs, run->capacity * sizeof(MatchInput)) :
			palloc(run->capacity * sizeof(MatchInput));
	}
	run->inputs[run->count++] = (MatchInput) {
		.term = pnstrdup(term->term, term->length),
		.length = term->length,
		.clause = term->clause,
		.position = term->position,
		.occur = term->occur,
		.prefix = term->prefix
	};
}

static void *
resize(void *context, void *p, size_t size)
{
	return p ? repalloc_huge(p, size) : MemoryContextAllocHuge(context, size);
}

Match *
words_match(const WordsSettings *settings, const char *query, int length)
{
	QueryRun	run = {0};
	Match	   *match;

	tokenize_query(&settings->tokenizer, query, length, add_query_term, &run);
	match = match_make(MemoryContextAllocHuge(CurrentMemoryContext, match_size(run.count)),
					   run.inputs, run.count,
					   (MatchMemory) {.resize = resize, .arg = CurrentMemoryContext});
	if (run.inputs)
		pfree(run.inputs);
	return match;
}
