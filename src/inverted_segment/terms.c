/*
 * terms.c - numbers terms by a hash table, and writes the dictionary
 */
#include "inverted_segment/terms.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "segment/format.h"
#include "text/document.h"
#include "text/number.h"

/* The room for terms at first, a power of two; and of a piece of memory for texts. */
#define FIRST_ROOM		4096
#define TEXTS_SIZE		65536

#define NO_TERM			PG_UINT32_MAX

typedef struct Term
{
	const char *text;
	uint32		length;
	uint32		hash;
} Term;

struct TermTable
{
	MemoryContext context;
	Term	   *terms;			/* by number */
	uint32		count;
	uint32		room;
	uint32	   *places;			/* numbers by hash, twice as many as there is room for terms */
	char	   *texts;			/* where the next text goes, */
	Size		left;			/* and what is left there */
};

/* An entry that is to be written. */
typedef struct NewEntry
{
	const char *text;
	uint32		length;
	uint64		place;			/* of the list, or number of the block */
} NewEntry;

/* A level of the dictionary that is being written. */
typedef struct LevelWriter
{
	BufFile    *file;
	uint16		level;
	uint32		blocks;			/* written, of all levels */
	char		block[PAYLOAD_SIZE];
	DictionaryBlock head;
	NewEntry	last;			/* of the block */
	NewEntry   *parents;		/* the first entry of each block, which they name */
	uint32		parent_count;
} LevelWriter;

static uint32 *
make_places(TermTable *table)
{
	Size		size = sizeof(uint32) * 2 * (Size) table->room;
	uint32	   *places = MemoryContextAllocHuge(table->context, size);

	memset(places, 0xFF, size);
	return places;
}

TermTable *
terms_begin(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector terms",
												  ALLOCSET_DEFAULT_SIZES);
	TermTable  *table = MemoryContextAllocZero(context, sizeof(TermTable));

	table->context = context;
	table->room = FIRST_ROOM;
	table->terms = MemoryContextAlloc(context, sizeof(Term) * table->room);
	table->places = make_places(table);
	return table;
}

void
terms_end(TermTable *table)
{
	MemoryContextDelete(table->context);
}

uint32
terms_count(const TermTable *table)
{
	return table->count;
}

Size
terms_memory(const TermTable *table)
{
	return MemoryContextMemAllocated(table->context, true);
}

/* The place of a term, or where it is to go. */
static uint32 *
find_place(const TermTable *table, const Term *term)
{
	uint32		mask = 2 * table->room - 1;

	for (uint32 i = term->hash & mask;; i = (i + 1) & mask)
	{
		uint32	   *place = &table->places[i];
		const Term *other = &table->terms[*place];

		if (*place == NO_TERM ||
			(other->hash == term->hash && other->length == term->length &&
			 memcmp(other->text, term->text, term->length) == 0))
			return place;
	}
}

static void
grow(TermTable *table)
{
	if (table->room > PG_INT32_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("index has too many terms"),
				 errhint("Partition the table.")));
	table->room *= 2;
	table->terms = repalloc_huge(table->terms, sizeof(Term) * (Size) table->room);
	pfree(table->places);
	table->places = make_places(table);
	for (uint32 i = 0; i < table->count; i++)
		*find_place(table, &table->terms[i]) = i;
}

static const char *
copy_text(TermTable *table, const char *text, Size length)
{
	char	   *copy;

	if (table->left < length)
	{
		table->left = Max(TEXTS_SIZE, length);
		table->texts = MemoryContextAlloc(table->context, table->left);
	}
	copy = table->texts;
	memcpy(copy, text, length);
	table->texts += length;
	table->left -= length;
	return copy;
}

uint32
terms_number(TermTable *table, const char *text, Size length)
{
	Term		term = {
		text, (uint32) length, hash_bytes((const unsigned char *) text, (int) length)
	};
	uint32	   *place = find_place(table, &term);

	if (*place != NO_TERM)
		return *place;
	if (table->count == table->room)
	{
		grow(table);
		place = find_place(table, &term);
	}
	term.text = copy_text(table, text, length);
	table->terms[table->count] = term;
	*place = table->count;
	return table->count++;
}

static int
compare_entries(const void *a, const void *b)
{
	const NewEntry *x = a;
	const NewEntry *y = b;

	return document_compare(x->text, x->length, y->text, y->length);
}

static void
write_block(LevelWriter *writer)
{
	memcpy(writer->block, &writer->head, sizeof(DictionaryBlock));
	memset(writer->block + writer->head.size, 0, PAYLOAD_SIZE - writer->head.size);
	BufFileWrite(writer->file, writer->block, PAYLOAD_SIZE);
	writer->blocks++;
	writer->head.count = 0;
}

/* The number of bytes that two texts begin with. */
static uint32
count_shared(const NewEntry *a, const NewEntry *b)
{
	uint32		most = Min(a->length, b->length);
	uint32		shared = 0;

	while (shared < most && a->text[shared] == b->text[shared])
		shared++;
	return shared;
}

/* Writes what an entry says before its text; returns its size. */
static Size
write_head(const NewEntry *entry, uint32 shared, unsigned char *out)
{
	unsigned char *p = number_put(out, shared);

	p = number_put(p, entry->length - shared);
	return number_put(p, entry->place) - out;
}

static void
put_entry(LevelWriter *writer, const NewEntry *entry)
{
	DictionaryBlock *head = &writer->head;
	uint32		shared = head->count > 0 ? count_shared(&writer->last, entry) : 0;
	unsigned char bytes[3 * NUMBER_ROOM];
	Size		size = write_head(entry, shared, bytes);

	if (head->count > 0 && head->size + size + entry->length - shared > PAYLOAD_SIZE)
		write_block(writer);
	if (head->count == 0)
	{
		shared = 0;
		size = write_head(entry, shared, bytes);
		*head = (DictionaryBlock) {writer->level, 0, sizeof(DictionaryBlock)};
		writer->parents[writer->parent_count++] =
			(NewEntry) {entry->text, entry->length, writer->blocks};
	}
	memcpy(writer->block + head->size, bytes, size);
	memcpy(writer->block + head->size + size, entry->text + shared, entry->length - shared);
	head->size += (uint32) size + entry->length - shared;
	head->count++;
	writer->last = *entry;
}

uint32
terms_write(TermTable *table, const uint64 *places, BufFile *file)
{
	LevelWriter *writer = MemoryContextAllocZero(table->context, sizeof(LevelWriter));
	uint32		count = table->count;
	NewEntry   *entries = MemoryContextAllocHuge(table->context,
												 sizeof(NewEntry) * Max((Size) count, 1));

	for (uint32 i = 0; i < count; i++)
		entries[i] = (NewEntry) {table->terms[i].text, table->terms[i].length, places[i]};
	qsort(entries, count, sizeof(NewEntry), compare_entries);
	writer->file = file;
	while (count > 0)
	{
		writer->parents = MemoryContextAllocHuge(table->context, sizeof(NewEntry) * (Size) count);
		writer->parent_count = 0;
		for (uint32 i = 0; i < count; i++)
		{
			CHECK_FOR_INTERRUPTS();
			put_entry(writer, &entries[i]);
		}
		write_block(writer);
		writer->level++;
		pfree(entries);
		entries = writer->parents;
		count = writer->parent_count > 1 ? writer->parent_count : 0;
	}
	return writer->blocks;
}
