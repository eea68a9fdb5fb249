/*
 * bm25_index.c - the options of an index of words, and how many documents it has
 */
#include "am/bm25_index.h"

#include "catalog/pg_ts_config.h"
#include "catalog/objectaddress.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "am/depend.h"
#include "segment/growing.h"

bool
bm25_is_index(Relation relation)
{
	return vector_am_of(relation) == &bm25_am;
}

/* The name in the option text_config; an error if there is none. */
static const char *
config_name(Relation index)
{
	const Bm25Options *options = (const Bm25Options *) index->rd_options;

	if (options == NULL || options->text_config == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("index \"%s\" does not say how its texts are split into words",
						RelationGetRelationName(index)),
				 errhint("Give the option text_config, as in WITH (text_config = 'english').")));
	return (const char *) options + options->text_config;
}

/*
 * The tokenizer of an index.  A name that is not found may be that of a configuration which has got
 * another one, or a schema that is not searched here: the index depends on it, and if on no other
 * one, it is what the option means.
 */
static Tokenizer
index_tokenizer(Relation index)
{
	Tokenizer	tokenizer;
	List	   *configs;

	if (tokenizer_find(config_name(index), &tokenizer))
		return tokenizer;
	configs = depend_needed(RelationGetRelid(index), TSConfigRelationId);
	if (list_length(configs) != 1)
		return tokenizer_by_name(config_name(index));
	tokenizer.config = linitial_oid(configs);
	list_free(configs);
	return tokenizer;
}

void
bm25_settings(Relation index, WordsSettings *settings)
{
	const Bm25Options *options = (const Bm25Options *) index->rd_options;

	memset(settings, 0, sizeof(*settings));
	settings->tokenizer = index_tokenizer(index);
	words_set_weights(settings, options->weights > 0 ?
					  (const char *) options + options->weights : NULL);
	settings->k1 = options->k1;
	settings->b = options->b;
	settings->positions = options->positions;
}

/*
 * A dependency on the configuration that the options named at an earlier build stays, because it
 * may be that of an expression of the index as well.
 */
void
bm25_depend(Relation index)
{
	WordsSettings settings;
	ObjectAddress on;

	bm25_settings(index, &settings);
	if (settings.tokenizer.kind != TOKENIZER_CONFIG)
		return;
	ObjectAddressSet(on, TSConfigRelationId, settings.tokenizer.config);
	depend_on(RelationGetRelid(index), &on);
	(void) depend_above(RelationGetRelid(index), true);
}

void
bm25_digest(Relation index, uint32 digest[2])
{
	WordsSettings settings;
	StringInfoData parts;
	bytea	   *terms;
	uint64		hash;

	bm25_settings(index, &settings);
	terms = tokenizer_digest(&settings.tokenizer);
	initStringInfo(&parts);
	appendBinaryStringInfo(&parts, VARDATA_ANY(terms), VARSIZE_ANY_EXHDR(terms));
	appendStringInfo(&parts, "%d %u", settings.positions, settings.scale);
	for (int i = 0; i < settings.weight_count; i++)
		appendStringInfo(&parts, " %u", settings.weights[i]);
	hash = hash_bytes_extended((const unsigned char *) parts.data, parts.len, 0);
	digest[0] = (uint32) hash;
	digest[1] = (uint32) (hash >> 32);
	pfree(parts.data);
	pfree(terms);
}

bool
bm25_is_outdated(Relation index)
{
	const Directory *directory = cache_directory(cache_index(index));
	uint32		digest[2];

	bm25_digest(index, digest);
	return memcmp(digest, directory->digest, sizeof(digest)) != 0;
}

/* An index with options that has been looked at in this session. */
typedef struct CheckedIndex
{
	Oid			index;
	Oid			file;
	uint32		options;		/* a hash of them */
} CheckedIndex;

/* Says that the option text_config names nothing that is found. */
static void
warn_renamed(Relation index)
{
	const char *name = config_name(index);
	Tokenizer	tokenizer;
	ObjectAddress config;

	if (tokenizer_find(name, &tokenizer))
		return;
	ObjectAddressSet(config, TSConfigRelationId, index_tokenizer(index).config);
	ereport(WARNING,
			(errmsg("text search configuration \"%s\" of index \"%s\" is not found", name,
					RelationGetRelationName(index)),
			 errdetail("%s is used, which the index was built with.",
					   getObjectDescription(&config, false)),
			 errhint("Say how it is named now: ALTER INDEX %s SET (text_config = '%s').  A dump "
					 "could not be restored without.",
					 quote_identifier(RelationGetRelationName(index)),
					 getObjectIdentity(&config, false))));
}

void
bm25_warn_outdated(Relation index)
{
	static HTAB *checked = NULL;
	CheckedIndex key = {
		RelationGetRelid(index), RelationGetFile(index),
		hash_bytes((const unsigned char *) index->rd_options, VARSIZE(index->rd_options))
	};

	if (checked == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(CheckedIndex), .entrysize = sizeof(CheckedIndex)};

		checked = hash_create("vector indexes of words", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	if (hash_search(checked, &key, HASH_FIND, NULL) != NULL)
		return;
	warn_renamed(index);
	if (bm25_is_outdated(index))
		ereport(WARNING,
				(errmsg("index \"%s\" was built by what made other words of the same texts",
						RelationGetRelationName(index)),
				 errdetail("Its options, a dictionary, or the release of PostgreSQL or of ICU have "
						   "changed.  Searches may miss rows."),
				 errhint("Build it again with REINDEX INDEX.")));
	(void) hash_search(checked, &key, HASH_ENTER, NULL);
}

/* A count of documents, and the terms that are counted. */
typedef struct DocumentCount
{
	Relation	index;
	const MatchTerm *terms;
	uint32		term_count;
	WordsCount *count;
} DocumentCount;

static void
count_growing(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	const DocumentCount *count = arg;

	if (!dead)
		words_count_document(count->index, row->payload, count->terms, count->term_count,
							 count->count);
}

static void
count_segment(const DocumentCount *count, CachedIndex *cached, const SegmentEntry *entry)
{
	const Space *space = cache_space(cached);
	ScanStatistics statistics = {0};
	SealedScan	scan;

	if (entry->kind == SEGMENT_GROWING)
	{
		growing_each_row(count->index, space, entry, GROWING_PAYLOADS, count_growing,
						 (void *) count);
		return;
	}
	sealed_scan_begin(&scan, count->index, space, cache_acquire(cached, count->index, entry),
					  &statistics);
	words_count_segment(&scan, count->terms, count->term_count, count->count);
}

void
bm25_add_statistics(Relation index, const MatchTerm *terms, uint32 term_count,
					WordsCount *count)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector statistics",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CachedIndex *cached = cache_index(index);
	const Directory *directory;
	DocumentCount documents = {index, terms, term_count, count};

	cache_hold(cached);
	directory = cache_directory(cached);
	for (uint32 i = 0; i < directory->count; i++)
		if (segment_is_live(&directory->entries[i]))
			count_segment(&documents, cached, &directory->entries[i]);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
