/*
 * packed_check.c - checks of a segment with packed lists: they fit the lengths and documents of the
 * rows, and the dictionary names each of them once
 */
#include "inverted_segment/packed.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "inverted/words.h"
#include "inverted_segment/dictionary.h"
#include "inverted_segment/documents.h"

typedef struct PackedCheck
{
	SealedScan *scan;
	PackedReader reader;
	uint64	   *sums;			/* of each row: see term_hash */
	double		length;			/* of the rows that have been checked */
	uint64		least;
	uint64		greatest;
} PackedCheck;

/*
 * The sum of a row's tells whether a text has the same terms: looking each up in the dictionary
 * takes a hundred times as long.
 */
static uint64
term_hash(const char *term, Size length, uint64 frequency)
{
	return hash_bytes_extended((const unsigned char *) term, (int) length, frequency);
}

static void
bad_term(const SealedScan *scan, const DictionaryReader *reader)
{
	sealed_damaged(scan->index, "In segment %u, the list of a term of %u bytes is wrong.",
				   scan->segment->part.uid, reader->length);
}

static void
bad_row(const SealedScan *scan, uint32 row)
{
	sealed_damaged(scan->index, "In segment %u, the lists do not fit row %u.",
				   scan->segment->part.uid, row);
}

/* Whether the bound of a chunk is above the parts of its rows. */
static bool
bound_holds(PackedCheck *check, const PackedChunk *chunk)
{
	const SealedHeader *header = &check->scan->segment->header;
	const SealedWords *words = &header->words;
	const PackedLengths *lengths = check->scan->segment->loaded;
	const BM25Formula formula = {words->k1, words->b, words->mean};
	const WordsFormula built = {formula, words->least, words->greatest};
	double		largest = words_largest(&built, &formula, chunk->largest);

	packed_begin(&check->reader, check->scan, chunk);
	while (packed_next(&check->reader, 0))
		for (uint32 i = 0; i < check->reader.count; i++)
		{
			uint32		row = chunk->window * INVERTED_WINDOW + check->reader.rows[i];
			uint64		greatest = lengths->classes[lengths->of_row[row]].greatest;

			if (bm25_part(&formula, (double) check->reader.frequencies[i] / header->packed.scale,
						  (double) greatest / header->packed.scale) > largest)
				return false;
		}
	return check->reader.passed == chunk->count;
}

static int
compare_places(const void *a, const void *b)
{
	const uint64 *x = a;
	const uint64 *y = b;

	return x[0] < y[0] ? -1 : x[0] > y[0];
}

/* Lists follow each other without gaps, from the first byte on. */
static void
check_places(const SealedScan *scan, uint64 *places, uint32 count)
{
	const SealedPacked *packed = &scan->segment->header.packed;
	uint64		end = 0;

	bool		sound = count == packed->terms;

	qsort(places, count, 2 * sizeof(uint64), compare_places);
	for (Size i = 0; i < count; i++)
	{
		sound &= places[2 * i] == end;
		end = places[2 * i + 1];
	}
	if (!sound || extent_blocks_for(end, 1, false) != packed->list_blocks)
		sealed_damaged(scan->index, "The dictionary of segment %u is wrong.",
					   scan->segment->part.uid);
}

/* Reads the dictionary, whose texts ascend, and all lists. */
static void
check_terms(PackedCheck *check)
{
	SealedScan *scan = check->scan;
	DictionaryReader *reader = palloc(sizeof(DictionaryReader));
	Size		room = Max((Size) scan->segment->header.packed.terms, 1);
	uint64	   *places = MemoryContextAllocHuge(CurrentMemoryContext, 2 * sizeof(uint64) * room);
	char		last[DICTIONARY_MAX_TEXT];
	uint32		length = 0;
	uint32		count = 0;

	for (bool found = dictionary_seek(reader, scan, "", 0); found;
		 found = dictionary_next(reader))
	{
		PackedChunk *chunks;
		uint32		windows;

		CHECK_FOR_INTERRUPTS();
		if (count == scan->segment->header.packed.terms ||
			(count > 0 && document_compare(reader->text, reader->length, last, length) <= 0))
			bad_term(scan, reader);
		places[2 * (Size) count] = reader->number;
		chunks = packed_read_chunks(scan, reader->number, &windows,
									&places[2 * (Size) count + 1]);
		for (uint32 i = 0; i < windows; i++)
			if (!bound_holds(check, &chunks[i]))
				bad_term(scan, reader);
		pfree(chunks);
		length = reader->length;
		memcpy(last, reader->text, length);
		count++;
	}
	check_places(scan, places, count);
	pfree(places);
	pfree(reader);
}

/* Whether a row's document has the terms that lists have of it. */
static bool
fits_document(SealedScan *scan, const ListedDocument *listed, const SealedRow *sealed)
{
	const SealedNode *node = sealed_read_node(scan, 0, sealed->node);
	const char *payload = (const char *) node + scan->segment->header.layout.vector;
	DocumentReader reader;
	DocumentTerm term;
	uint32		count = 0;

	if (node->row != listed->row ||
		!ItemPointerEquals((ItemPointer) &sealed->tid, (ItemPointer) &node->tid) ||
		!document_check(WORDS_DOCUMENT(payload), WORDS_DOCUMENT_SIZE(payload)) ||
		!document_open(&reader, WORDS_DOCUMENT(payload), WORDS_DOCUMENT_SIZE(payload)) ||
		reader.scale != scan->segment->header.packed.scale)
		return false;
	for (; document_next(&reader, &term); count++)
	{
		const DocumentEntry *entry = &listed->entries[count];

		if (count == listed->count || entry->frequency != term.frequency ||
			document_compare(entry->term, entry->length, term.term, term.length) != 0)
			return false;
	}
	return count == listed->count;
}

static void
check_row(void *arg, const ListedDocument *listed)
{
	PackedCheck *check = arg;
	SealedScan *scan = check->scan;
	const SealedHeader *header = &scan->segment->header;
	const PackedLengths *lengths = scan->segment->loaded;
	uint64		length = 0;
	SealedRow	sealed;
	uint8		class;

	for (uint32 i = 0; i < listed->count; i++)
	{
		const DocumentEntry *entry = &listed->entries[i];

		length += entry->frequency;
		check->sums[listed->row] += term_hash(entry->term, entry->length, entry->frequency);
	}
	sealed_read_row(scan, listed->row, &sealed);
	class = lengths->of_row[listed->row];
	if (class >= header->packed.classes || length < lengths->classes[class].least ||
		length > lengths->classes[class].greatest ||
		(sealed_lacks_documents(header) ? sealed_row_length(&sealed) != length :
		 !fits_document(scan, listed, &sealed)))
		bad_row(scan, listed->row);
	check->length += (double) length / header->packed.scale;
	check->least = Min(check->least, length);
	check->greatest = Max(check->greatest, length);
}

/* What the header says of the lengths of all rows. */
static void
check_lengths(const PackedCheck *check)
{
	const SealedHeader *header = &check->scan->segment->header;
	double		length;

	memcpy(&length, header->words.length, sizeof(length));
	if (length != check->length ||
		header->words.least != (float) ((double) check->least / header->packed.scale) ||
		header->words.greatest != (float) ((double) check->greatest / header->packed.scale))
		sealed_damaged(check->scan->index, "The lengths of the rows of segment %u are wrong.",
					   check->scan->segment->part.uid);
}

void *
packed_check(SealedScan *scan)
{
	PackedCheck *check = palloc0(sizeof(PackedCheck));
	Size		size = sizeof(uint64) * Max((Size) scan->segment->header.rows, 1);
	uint64	   *sums = MemoryContextAllocExtended(CurrentMemoryContext, size,
												  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	check->scan = scan;
	check->sums = sums;
	check->least = PG_UINT64_MAX;
	check_terms(check);
	documents_each(scan, true, check_row, check);
	check_lengths(check);
	pfree(check);
	return sums;
}

/* The lengths are equal, and the sums, so the row has the terms of its lists. */
void
packed_check_vector(SealedScan *scan, const void *checked, uint32 row, const char *payload)
{
	const uint64 *sums = checked;
	DocumentReader reader;
	DocumentTerm term;
	SealedRow	sealed;
	uint64		sum = 0;

	if (!sealed_lacks_documents(&scan->segment->header))
		return;
	sealed_read_row(scan, row, &sealed);
	if (!document_open(&reader, WORDS_DOCUMENT(payload), WORDS_DOCUMENT_SIZE(payload)) ||
		reader.scale != scan->segment->header.packed.scale ||
		reader.length != sealed_row_length(&sealed))
		bad_row(scan, row);
	while (document_next(&reader, &term))
		sum += term_hash(term.term, term.length, term.frequency);
	if (sum != sums[row])
		bad_row(scan, row);
}
