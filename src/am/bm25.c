/*
 * bm25.c - the access method and its options
 */
#include "am/bm25.h"

#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "am/bm25_index.h"
#include "am/bm25_query.h"
#include "am/inverted.h"
#include "inverted_segment/method.h"

#define DEFAULT_K1	1.2
#define DEFAULT_B	0.75
#define MAX_K1		100

static relopt_kind bm25_relopt_kind;

static void
validate_text_config(const char *value)
{
	if (value != NULL)
		(void) tokenizer_by_name(value);
}

static void
validate_weights(const char *value)
{
	WordsSettings settings = {0};

	if (value != NULL)
		words_set_weights(&settings, value);
}

static void
bm25_init(void)
{
	relopt_kind kind = bm25_relopt_kind = index_relopt_kind(&inverted_segment_method);

	add_string_reloption(kind, "text_config",
						 "Text search configuration, or other tokenizer, that makes words of texts",
						 NULL, validate_text_config, AccessExclusiveLock);
	add_string_reloption(kind, "weights", "Weights of the elements of an array of texts", NULL,
						 validate_weights, AccessExclusiveLock);
	add_real_reloption(kind, "k1", "How slowly the frequency of a word saturates",
					   DEFAULT_K1, 0, MAX_K1, ShareUpdateExclusiveLock);
	add_real_reloption(kind, "b", "How much the length of a text counts", DEFAULT_B, 0, 1,
					   ShareUpdateExclusiveLock);
	add_bool_reloption(kind, "positions", "Keeps the places of words, for phrases", false,
					   AccessExclusiveLock);
}

static void
bm25_no_settings(void)
{
}

static bytea *
bm25options(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		INDEX_OPTION_ELEMENTS,
		{.optname = "text_config", .opttype = RELOPT_TYPE_STRING,
		.offset = offsetof(Bm25Options, text_config)},
		{.optname = "weights", .opttype = RELOPT_TYPE_STRING,
		.offset = offsetof(Bm25Options, weights)},
		{.optname = "k1", .opttype = RELOPT_TYPE_REAL, .offset = offsetof(Bm25Options, k1)},
		{.optname = "b", .opttype = RELOPT_TYPE_REAL, .offset = offsetof(Bm25Options, b)},
		{.optname = "positions", .opttype = RELOPT_TYPE_BOOL,
		.offset = offsetof(Bm25Options, positions)}
	};

	return (bytea *) build_reloptions(reloptions, validate, bm25_relopt_kind,
									  sizeof(Bm25Options), table, lengthof(table));
}

static DirectoryOptions
bm25_directory_options(Relation index)
{
	DirectoryOptions directory = index_column_options(index);
	WordsSettings settings;

	bm25_settings(index, &settings);
	directory.k1 = (float) settings.k1;
	directory.b = (float) settings.b;
	bm25_digest(index, directory.digest);
	return directory;
}

static bool
bm25_make_value(Relation index, Datum value, Datum *made)
{
	WordsSettings settings;
	bool		is_array = OidIsValid(get_element_type(
		TupleDescAttr(RelationGetDescr(index), 0)->atttypid));
	Size		size;
	char	   *document;
	char	   *payload;

	bm25_settings(index, &settings);
	bm25_warn_outdated(index);
	document = words_document(&settings, value, is_array, &size);
	if (document == NULL)
		return false;
	if (size > WORDS_MAX_SIZE - sizeof(uint32))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text has too many words for index \"%s\"",
						RelationGetRelationName(index))));
	payload = palloc_extended(sizeof(uint32) + size, MCXT_ALLOC_HUGE);
	*(uint32 *) payload = (uint32) (sizeof(uint32) + size);
	memcpy(payload + sizeof(uint32), document, size);
	pfree(document);
	*made = PointerGetDatum(payload);
	return true;
}

static void
bm25_prepare_query(Relation index, Datum query, SpaceQuery *prepared)
{
	memset(prepared, 0, sizeof(*prepared));
	prepared->scale = 1;
	prepared->match = bm25_scorer((BM25Query *) PG_DETOAST_DATUM(query), index)->match;
	bm25_warn_outdated(index);
}

static const IndexSupport bm25_support[] = {
	SUPPORT_SCORE, SUPPORT_NONE, SUPPORT_NONE, SUPPORT_NONE, SUPPORT_NONE, SUPPORT_COMPARE
};

const VectorAm bm25_am = {
	.name = "bm25",
	.segments = &inverted_segment_method,
	.init = bm25_init,
	.settings = bm25_no_settings,
	.support = bm25_support,
	.support_count = lengthof(bm25_support),
	.options = bm25options,
	.directory_options = bm25_directory_options,
	.depend = bm25_depend,
	.is_outdated = bm25_is_outdated,
	.make_value = bm25_make_value,
	.prepare_query = bm25_prepare_query,
	.can_order = bm25_can_order,
	.build = inverted_table_build,
	.phase_name = inverted_phase_name,
	.count_work = bm25_count_work,
	.scan = &inverted_scan_method,
	.is_auto = inverted_is_auto
};
