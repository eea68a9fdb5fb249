/*
 * documents.c - the documents of rows, made again from packed lists
 *
 * Rows are taken in runs of one window.  The lists of all terms, in their order, give the postings
 * of a run, which are then sorted by row, so that each row's terms ascend.  A run has as many rows
 * as have postings that fit into memory; it is at least one row.
 */
#include "inverted_segment/documents.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "inverted_segment/dictionary.h"
#include "inverted_segment/packed.h"
#include "segment/memory.h"

/* Room for terms at first. */
#define FIRST_TERMS		4096

/* The least number of postings that are gathered. */
#define LEAST_POSTINGS	65536

typedef struct ListedTerm
{
	const char *text;
	uint32		length;
	uint32		next;			/* no window before has the term, from the one of the run on */
	uint64		list;
} ListedTerm;

typedef struct ListedPosting
{
	uint32		row;			/* of the run */
	uint32		term;
	uint32		frequency;
} ListedPosting;

typedef struct Documents
{
	SealedScan *scan;
	ListedTerm *terms;
	uint32		count;
	uint32		window;
	uint32		first;			/* row of the run, in its window */
	uint32		end;
	ListedPosting *postings;
	Size		posting_count;
	Size		most;			/* of them */
	uint32	   *starts;			/* of the rows of the run in `entries` */
	DocumentEntry *entries;
} Documents;

/* Reads the dictionary. */
static void
read_terms(Documents *documents)
{
	DictionaryReader *reader = palloc(sizeof(DictionaryReader));
	uint32		room = FIRST_TERMS;

	documents->terms = palloc_array(ListedTerm, room);
	for (bool found = dictionary_seek(reader, documents->scan, "", 0); found;
		 found = dictionary_next(reader))
	{
		char	   *text = palloc(Max(reader->length, 1));

		CHECK_FOR_INTERRUPTS();
		if (documents->count == room)
		{
			room *= 2;
			documents->terms = repalloc_huge(documents->terms, sizeof(ListedTerm) * (Size) room);
		}
		memcpy(text, reader->text, reader->length);
		documents->terms[documents->count++] =
			(ListedTerm) {text, reader->length, 0, reader->number};
	}
	pfree(reader);
}

/* Adds the postings of a term that are in the run; false if they are too many. */
static bool
add_postings(Documents *documents, PackedReader *reader, uint32 term, const PackedChunk *chunk)
{
	packed_begin(reader, documents->scan, chunk);
	while (packed_next(reader, documents->first))
		for (uint32 i = 0; i < reader->count; i++)
		{
			if (reader->rows[i] < documents->first)
				continue;
			if (reader->rows[i] >= documents->end)
				return true;
			if (documents->posting_count == documents->most)
				return false;
			documents->postings[documents->posting_count++] = (ListedPosting) {
				reader->rows[i] - documents->first, term, reader->frequencies[i]
			};
		}
	return true;
}

/* Adds those of a term, which other windows may have alone; false if they are too many. */
static bool
add_term(Documents *documents, PackedReader *reader, uint32 term)
{
	ListedTerm *listed = &documents->terms[term];
	uint32		windows;
	uint32		i = 0;
	PackedChunk *chunks = packed_read_chunks(documents->scan, listed->list, &windows, NULL);
	bool		fits = true;

	while (i < windows && chunks[i].window < documents->window)
		i++;
	listed->next = i < windows ? chunks[i].window : PG_UINT32_MAX;
	if (listed->next == documents->window)
		fits = add_postings(documents, reader, term, &chunks[i]);
	pfree(chunks);
	return fits;
}

/*
 * Gathers the postings of the run; false if they are too many.  A list is read for a window that
 * has some of it, and once before.
 */
static bool
gather(Documents *documents)
{
	PackedReader *reader = palloc(sizeof(PackedReader));
	bool		fits = true;

	documents->posting_count = 0;
	for (uint32 term = 0; fits && term < documents->count; term++)
	{
		CHECK_FOR_INTERRUPTS();
		if (documents->terms[term].next <= documents->window)
			fits = add_term(documents, reader, term);
	}
	pfree(reader);
	return fits;
}

/* Gathers the postings of a run that begins here, and has as many rows as fit. */
static void
gather_run(Documents *documents)
{
	while (!gather(documents))
	{
		uint32		rows = documents->end - documents->first;

		if (rows > 1)
			documents->end = documents->first + rows / 2;
		else
		{
			documents->most *= 2;
			documents->postings = repalloc_huge(documents->postings, documents->most *
												sizeof(ListedPosting));
		}
	}
}

/* Sorts the postings by row. */
static void
sort_postings(Documents *documents)
{
	uint32		rows = documents->end - documents->first;
	uint32	   *starts = documents->starts;

	memset(starts, 0, sizeof(uint32) * (rows + 2));
	documents->entries = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(DocumentEntry) *
												Max(documents->posting_count, 1));
	for (Size i = 0; i < documents->posting_count; i++)
		starts[documents->postings[i].row + 2]++;
	for (uint32 row = 2; row < rows + 2; row++)
		starts[row] += starts[row - 1];
	for (Size i = 0; i < documents->posting_count; i++)
	{
		const ListedPosting *posting = &documents->postings[i];
		const ListedTerm *term = &documents->terms[posting->term];

		documents->entries[starts[posting->row + 1]++] =
			(DocumentEntry) {term->text, term->length, posting->frequency};
	}
}

/* Calls back for the rows of the run. */
static void
give_run(Documents *documents, bool dead, DocumentCallback callback, void *arg)
{
	gather_run(documents);
	sort_postings(documents);
	for (uint32 i = 0; i < documents->end - documents->first; i++)
	{
		ListedDocument document = {
			.row = documents->window * INVERTED_WINDOW + documents->first + i,
			.entries = documents->entries + documents->starts[i],
			.count = documents->starts[i + 1] - documents->starts[i]
		};

		if (dead || !cached_row_is_dead(documents->scan->segment, document.row))
			callback(arg, &document);
	}
	pfree(documents->entries);
}

void
documents_each(SealedScan *scan, bool dead, DocumentCallback callback, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector documents",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Documents	documents = {.scan = scan};
	Size		row_memory = sizeof(ListedPosting) + sizeof(DocumentEntry);
	uint64		rows = scan->segment->header.rows;

	read_terms(&documents);
	documents.most = Max(build_memory() / row_memory, LEAST_POSTINGS);
	documents.most = Min(documents.most, PG_INT32_MAX);
	documents.postings = MemoryContextAllocHuge(context, documents.most * sizeof(ListedPosting));
	documents.starts = palloc_array(uint32, INVERTED_WINDOW + 2);
	for (uint64 window = 0; window * INVERTED_WINDOW < rows; window++)
	{
		uint32		in_window = (uint32) Min(INVERTED_WINDOW, rows - window * INVERTED_WINDOW);

		documents.window = (uint32) window;
		for (documents.first = 0; documents.first < in_window; documents.first = documents.end)
		{
			documents.end = in_window;
			give_run(&documents, dead, callback, arg);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* The rows of a merge. */
typedef struct DocumentRows
{
	SealedScan *scan;
	SegmentRowCallback callback;
	void	   *arg;
	MemoryContext context;		/* of the caller */
	PayloadMemory memory;
} DocumentRows;

static void
give_row(void *arg, const ListedDocument *document)
{
	DocumentRows *rows = arg;
	uint32		scale = rows->scan->segment->header.packed.scale;
	Size		size = document_write_entries(document->entries, document->count, scale, NULL);
	SealedRow	sealed;
	SegmentRow	row;
	MemoryContext old;

	sealed_read_row(rows->scan, document->row, &sealed);
	row = (SegmentRow) {.tid = sealed.tid, .size = sizeof(uint32) + size};
	old = MemoryContextSwitchTo(rows->context);
	payload_reserve(&rows->memory, row.size);
	*(uint32 *) rows->memory.payload = (uint32) row.size;
	document_write_entries(document->entries, document->count, scale, (unsigned char *)
						   WORDS_DOCUMENT(rows->memory.payload));
	row.payload = rows->memory.payload;
	rows->callback(rows->arg, document->row, false, &row);
	MemoryContextSwitchTo(old);
}

bool
documents_each_row(SealedScan *scan, SegmentRowCallback callback, void *arg)
{
	DocumentRows rows = {scan, callback, arg, CurrentMemoryContext, {0}};

	if (!sealed_lacks_documents(&scan->segment->header))
		return false;
	documents_each(scan, false, give_row, &rows);
	if (rows.memory.payload)
		pfree(rows.memory.payload);
	return true;
}
