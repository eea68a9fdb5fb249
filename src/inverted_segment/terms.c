/*
 * terms.c - numbers terms by a hash table, and sorts them
 */
#include "inverted_segment/terms.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "text/document.h"

/* The room for terms at first, a power of two; and of a piece of memory for texts. */
#define FIRST_ROOM		4096
#define TEXTS_SIZE		65536

#define NO_TERM			PG_UINT32_MAX

typedef struct Term
{
	const char *text;
	uint32		length;
	uint32		hash;			/* once they are sorted: the number */
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
	Size		text_memory;	/* of all texts */
};

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

Size
terms_memory(const TermTable *table)
{
	Size		room = table->count == table->room ? 2 * (Size) table->room : table->room;

	return room * (sizeof(Term) + 2 * sizeof(uint32)) + table->text_memory + TEXTS_SIZE;
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

void
terms_refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("index has too many terms"),
			 errhint("Partition the table.")));
}

static void
grow(TermTable *table)
{
	if (table->room > PG_INT32_MAX / 2)
		terms_refuse();
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
		table->text_memory += table->left;
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
compare_terms(const void *a, const void *b)
{
	const Term *x = a;
	const Term *y = b;

	return document_compare(x->text, x->length, y->text, y->length);
}

const uint32 *
terms_sort(TermTable *table)
{
	for (uint32 i = 0; i < table->count; i++)
		table->terms[i].hash = i;
	qsort(table->terms, table->count, sizeof(Term), compare_terms);
	for (uint32 i = 0; i < table->count; i++)
		table->places[table->terms[i].hash] = i;
	return table->places;
}

const char *
terms_text(const TermTable *table, uint32 rank, uint32 *length)
{
	*length = table->terms[rank].length;
	return table->terms[rank].text;
}
