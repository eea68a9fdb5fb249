/*
 * words_build.c - makes the packed lists of words
 */
#include "inverted_segment/words_build.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "inverted/lengths.h"
#include "inverted/packed.h"
#include "inverted/words.h"
#include "inverted_segment/dictionary_build.h"
#include "inverted_segment/terms.h"
#include "order.h"
#include "segment/space.h"
#include "segment/temporary.h"
#include "segment/wait_point.h"
#include "text/document.h"
#include "text/number.h"

/* Room for the lengths of rows at first. */
#define FIRST_LENGTHS	4096

/* Bytes that are written in order, in memory that grows. */
typedef struct Bytes
{
	unsigned char *bytes;
	Size		count;
	Size		room;
} Bytes;

struct WordsBuild
{
	Relation	index;
	bool		documents;		/* are kept */
	uint32		scale;

	/* of the rows */
	uint64	   *lengths;		/* in units */
	uint32		rows;
	uint32		room;
	double		sum;			/* of the lengths, in units of 1 */

	/* of the lists */
	BM25Formula formula;		/* of the segment's weights */
	LengthClass classes[LENGTH_CLASSES];	/* of lengths */
	uint32		class_count;
	BufFile    *lists;
	uint64		size;			/* of them */
	uint32		terms;			/* that have a list */
	uint32		dim;			/* of the list that is being made */
	uint32		windows;		/* of it */
	uint32		last_window;
	Bytes		heads;
	Bytes		postings;
	BufFile    *dictionary_file;
	DictionaryBuild *dictionary;
};

WordsBuild *
words_build_begin(Relation index, double k1, double b)
{
	WordsBuild *build = palloc0(sizeof(WordsBuild));

	build->index = index;
	build->formula.k1 = (float) k1;
	build->formula.b = (float) b;
	build->room = FIRST_LENGTHS;
	build->lengths = palloc(sizeof(uint64) * build->room);
	return build;
}

static void
open_document(const WordsBuild *build, const char *payload, DocumentReader *reader)
{
	if (!document_open(reader, WORDS_DOCUMENT(payload), WORDS_DOCUMENT_SIZE(payload)))
		sealed_damaged(build->index, "A document is damaged.");
}

bool
words_build_takes(const WordsBuild *build, const char *payload, bool *kept)
{
	DocumentReader reader;

	open_document(build, payload, &reader);
	*kept = reader.positions;
	return build->rows == 0 ||
		(reader.scale == build->scale && reader.positions == build->documents);
}

uint64
words_build_add(WordsBuild *build, PostingRuns *runs, const char *payload)
{
	DocumentReader reader;
	DocumentTerm term;

	open_document(build, payload, &reader);
	build->scale = reader.scale;
	build->documents = reader.positions;
	if (build->rows == build->room)
	{
		build->room *= 2;
		build->lengths = repalloc_huge(build->lengths, sizeof(uint64) * (Size) build->room);
	}
	while (document_next(&reader, &term))
	{
		if (term.frequency == 0 || term.frequency > DOCUMENT_MAX_FREQUENCY)
			reader.damaged = true;
		else
			runs_add_term(runs, term.term, (uint32) term.length, (Posting) {
				.row = build->rows, .frequency = (uint32) term.frequency
			});
	}
	if (reader.damaged || reader.length >> 48 != 0)
		sealed_damaged(build->index, "A document is damaged.");
	build->lengths[build->rows++] = reader.length;
	build->sum += (double) reader.length / reader.scale;
	return reader.length;
}

static void
bytes_reserve(Bytes *bytes, Size more)
{
	if (bytes->count + more <= bytes->room)
		return;
	bytes->room = Max(2 * bytes->room, bytes->count + more);
	bytes->bytes = bytes->bytes ? repalloc_huge(bytes->bytes, bytes->room) :
		MemoryContextAllocHuge(CurrentMemoryContext, bytes->room);
}

static void
bytes_add_number(Bytes *bytes, uint64 number)
{
	bytes_reserve(bytes, NUMBER_ROOM);
	bytes->count = number_put(bytes->bytes + bytes->count, number) - bytes->bytes;
}

static void
write_bytes(WordsBuild *build, const void *bytes, Size size)
{
	BufFileWrite(build->lists, (void *) bytes, size);
	build->size += size;
}

/* Names the list that is to be made in the dictionary. */
static void
begin_list(WordsBuild *build, const WindowPostings *window)
{
	if (build->terms == PG_INT32_MAX)
		terms_refuse();
	build->terms++;
	dictionary_build_add(build->dictionary, window->term, window->length, build->size);
}

/* Writes the list that has been made. */
static void
write_list(WordsBuild *build)
{
	unsigned char number[NUMBER_ROOM];

	if (build->windows == 0)
		return;
	write_bytes(build, number, number_put(number, build->windows) - number);
	write_bytes(build, build->heads.bytes, build->heads.count);
	write_bytes(build, build->postings.bytes, build->postings.count);
	build->heads.count = build->postings.count = 0;
	build->windows = 0;
}

/* What no row of a window is above: see SealedPacked. */
static uint8
largest_of(const WordsBuild *build, const WindowPostings *window)
{
	const uint64 *lengths = build->lengths + (Size) window->window * INVERTED_WINDOW;
	double		largest = 0;

	for (uint32 i = 0; i < window->count; i++)
		largest = Max(largest, bm25_part(&build->formula,
										 (double) window->frequencies[i] / build->scale,
										 (double) lengths[window->rows[i]] / build->scale));
	return words_code(largest / (build->formula.k1 + 1));
}

/* Adds the postings of a term in a window. */
static void
add_window(void *arg, const WindowPostings *window)
{
	WordsBuild *build = arg;
	Bytes	   *heads = &build->heads;
	Bytes	   *postings = &build->postings;
	Size		size;

	if (build->windows > 0 && build->dim != window->dim)
		write_list(build);
	if (build->windows == 0)
		begin_list(build, window);
	bytes_reserve(postings, packed_room(window->count));
	size = packed_write(window->rows, window->frequencies, window->count,
						postings->bytes + postings->count);
	postings->count += size;
	bytes_add_number(heads, build->windows == 0 ? window->window :
					 window->window - build->last_window - 1);
	bytes_add_number(heads, window->count);
	bytes_reserve(heads, 1);
	heads->bytes[heads->count++] = largest_of(build, window);
	bytes_add_number(heads, size);
	build->dim = window->dim;
	build->last_window = window->window;
	build->windows++;
}

/* Fixes what is known of lengths when all rows are. */
static void
complete_lengths(WordsBuild *build, SealedHeader *header)
{
	SealedWords *words = &header->words;
	Size		size = sizeof(uint64) * Max((Size) build->rows, 1);
	uint64	   *sorted = MemoryContextAllocHuge(CurrentMemoryContext, size);

	memcpy(sorted, build->lengths, sizeof(uint64) * build->rows);
	qsort(sorted, build->rows, sizeof(uint64), order_uint64s);
	build->class_count = lengths_classify(sorted, build->rows, build->classes);
	words->k1 = (float) build->formula.k1;
	words->b = (float) build->formula.b;
	if (build->rows > 0)
	{
		words->mean = (float) (build->sum / build->rows);
		words->least = (float) ((double) sorted[0] / build->scale);
		words->greatest = (float) ((double) sorted[build->rows - 1] / build->scale);
	}
	memcpy(words->length, &build->sum, sizeof(double));
	build->formula.mean_length = words->mean;
	pfree(sorted);
}

void
words_build_merge(WordsBuild *build, PostingRuns *runs, SealedHeader *header)
{
	complete_lengths(build, header);
	build->lists = BufFileCreateTemp(false);
	build->dictionary_file = BufFileCreateTemp(false);
	build->dictionary = dictionary_build_begin(build->dictionary_file);
	runs_merge(runs, add_window, build);
	write_list(build);
	header->words.blocks = dictionary_build_end(build->dictionary);
}

BlockNumber
words_build_place(const WordsBuild *build, SealedHeader *header, BlockNumber place)
{
	SealedPacked *packed = &header->packed;

	packed->classes = build->class_count;
	packed->scale = build->scale;
	packed->terms = build->terms;
	packed->lengths = place;
	place += extent_blocks_for(sizeof(LengthClass) * build->class_count + build->rows, 1, false);
	packed->lists = place;
	packed->list_blocks = extent_blocks_for(build->size, 1, false);
	place += packed->list_blocks;
	header->words.dictionary = place;
	return place + header->words.blocks;
}

/* Copies a file of so many bytes. */
static void
write_file(ExtentWriter *writer, BufFile *file, uint64 size)
{
	char		buffer[PAYLOAD_SIZE];

	temporary_rewind(file);
	for (uint64 done = 0; done < size; done += sizeof(buffer))
	{
		Size		part = Min(size - done, sizeof(buffer));

		CHECK_FOR_INTERRUPTS();
		temporary_read(file, buffer, part);
		extent_writer_put(writer, buffer, part);
	}
}

void
words_build_write(WordsBuild *build, const SealedHeader *header, ExtentWriter *writer)
{
	extent_writer_seek(writer, header->packed.lengths, BLOCK_LENGTHS);
	extent_writer_put(writer, build->classes, sizeof(LengthClass) * build->class_count);
	for (uint32 row = 0; row < build->rows; row++)
	{
		uint8		class = lengths_class(build->classes, build->class_count,
											  build->lengths[row]);

		WAIT_POINT("write");
		extent_writer_put(writer, &class, 1);
	}
	if (build->size > 0)
	{
		extent_writer_seek(writer, header->packed.lists, BLOCK_WORD_LISTS);
		write_file(writer, build->lists, build->size);
		extent_writer_seek(writer, header->words.dictionary, BLOCK_DICTIONARY);
		write_file(writer, build->dictionary_file, (uint64) header->words.blocks * PAYLOAD_SIZE);
	}
}

void
words_build_end(WordsBuild *build)
{
	BufFileClose(build->lists);
	BufFileClose(build->dictionary_file);
	pfree(build->lengths);
	if (build->heads.bytes)
		pfree(build->heads.bytes);
	if (build->postings.bytes)
		pfree(build->postings.bytes);
	pfree(build);
}
