/*
 * document.c - the terms of a text as a string of bytes
 */
#include "text/document.h"

#include <stdlib.h>
#include <string.h>

#include "text/number.h"

#define HAS_POSITIONS	1

int
document_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t		common = a_length < b_length ? a_length : b_length;
	int			order = common > 0 ? memcmp(a, b, common) : 0;

	return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int
compare_occurrences(const void *left, const void *right)
{
	const DocumentOccurrence *a = left;
	const DocumentOccurrence *b = right;
	int			order = document_compare(a->term, a->length, b->term, b->length);

	return order ? order : (a->position > b->position) - (a->position < b->position);
}

void
document_sort(DocumentText *text)
{
	if (text->count > 1)
		qsort(text->occurrences, text->count, sizeof(DocumentOccurrence), compare_occurrences);
}

/* Where bytes go; nowhere, if out is NULL. */
typedef struct Output
{
	unsigned char *out;
	size_t		size;
} Output;

static void
put_bytes(Output *output, const void *bytes, size_t size)
{
	if (output->out && size > 0)
		memcpy(output->out + output->size, bytes, size);
	output->size += size;
}

static void
put_number(Output *output, uint64_t number)
{
	unsigned char bytes[NUMBER_ROOM];

	put_bytes(output, bytes, (size_t) (number_put(bytes, number) - bytes));
}

/* The occurrences of a term, from the first to the one before `end`. */
static void
put_positions(Output *output, const DocumentOccurrence *first, const DocumentOccurrence *end)
{
	uint32_t	last = 0;

	for (; first < end; first++)
	{
		/* a word may have a term twice */
		if (first->position == last)
			continue;
		put_number(output, first->position - last);
		last = first->position;
	}
}

/* How often a term occurs, in units. */
static uint64_t
count_units(const DocumentText *text, const DocumentOccurrence *first,
			const DocumentOccurrence *end)
{
	uint64_t	frequency = 0;

	for (const DocumentOccurrence *occurrence = first; occurrence < end; occurrence++)
		frequency += text->fields[occurrence->field].weight;
	return frequency < DOCUMENT_MAX_FREQUENCY ? frequency : DOCUMENT_MAX_FREQUENCY;
}

static void
put_entry(Output *output, const DocumentEntry *entry)
{
	put_number(output, entry->length);
	put_bytes(output, entry->term, entry->length);
	put_number(output, entry->frequency);
}

static void
put_term(Output *output, const DocumentText *text, const DocumentOccurrence *first,
		 const DocumentOccurrence *end)
{
	DocumentEntry entry = {first->term, first->length, (uint32_t) count_units(text, first, end)};

	put_entry(output, &entry);
	if (text->positions)
	{
		Output		counted = {0};

		put_positions(&counted, first, end);
		put_number(output, counted.size);
		put_positions(output, first, end);
	}
}

/* The end of the occurrences of the term at `first`. */
static const DocumentOccurrence *
term_end(const DocumentText *text, const DocumentOccurrence *first)
{
	const DocumentOccurrence *end = first;

	while (end < text->occurrences + text->count && end->length == first->length &&
		   memcmp(end->term, first->term, first->length) == 0)
		end++;
	return end;
}

static void
put_head(Output *output, unsigned char flags, uint32_t scale, uint64_t length, uint64_t terms)
{
	put_bytes(output, &flags, 1);
	put_number(output, scale);
	put_number(output, length);
	put_number(output, terms);
}

size_t
document_write_entries(const DocumentEntry *entries, size_t count, uint32_t scale,
					   unsigned char *out)
{
	Output		output = {.out = out};
	uint64_t	length = 0;

	for (size_t i = 0; i < count; i++)
		length += entries[i].frequency;
	put_head(&output, 0, scale, length, count);
	for (size_t i = 0; i < count; i++)
		put_entry(&output, &entries[i]);
	return output.size;
}

size_t
document_write(const DocumentText *text, unsigned char *out)
{
	Output		output = {.out = out};
	const DocumentOccurrence *last = text->occurrences + text->count;
	const DocumentOccurrence *end;
	uint64_t	length = 0;
	uint64_t	terms = 0;

	for (const DocumentOccurrence *first = text->occurrences; first < last; first = end)
	{
		end = term_end(text, first);
		terms++;
		length += count_units(text, first, end);
	}
	put_head(&output, text->positions ? HAS_POSITIONS : 0, text->scale, length, terms);
	if (text->positions)
	{
		put_number(&output, text->field_count);
		for (uint32_t i = 0; i < text->field_count; i++)
		{
			put_number(&output, text->fields[i].weight);
			put_number(&output, text->fields[i].last - (i > 0 ? text->fields[i - 1].last : 0));
		}
	}
	for (const DocumentOccurrence *first = text->occurrences; first < last; first = end)
	{
		end = term_end(text, first);
		put_term(&output, text, first, end);
	}
	return output.size;
}

static bool
damaged(DocumentReader *reader)
{
	reader->damaged = true;
	return false;
}

bool
document_open(DocumentReader *reader, const void *document, size_t size)
{
	uint64_t	scale;
	uint64_t	fields;
	uint64_t	skipped;

	*reader = (DocumentReader) {.p = document, .end = (const unsigned char *) document + size};
	if (size < 1 || *reader->p > HAS_POSITIONS)
		return damaged(reader);
	reader->positions = *reader->p++ == HAS_POSITIONS;
	if (!number_get(&reader->p, reader->end, UINT32_MAX, &scale) || scale == 0 ||
		!number_get(&reader->p, reader->end, UINT64_MAX, &reader->length) ||
		!number_get(&reader->p, reader->end, size, &reader->count))
		return damaged(reader);
	reader->scale = (uint32_t) scale;
	reader->left = reader->count;
	if (reader->positions)
	{
		if (!number_get(&reader->p, reader->end, size, &fields))
			return damaged(reader);
		reader->fields = reader->p;
		reader->field_count = (uint32_t) fields;
		for (uint64_t i = 0; i < 2 * fields; i++)
			if (!number_get(&reader->p, reader->end, UINT64_MAX, &skipped))
				return damaged(reader);
	}
	return true;
}

bool
document_field(DocumentReader *reader, DocumentField *field)
{
	uint64_t	step;

	if (reader->field_count == 0)
		return false;
	reader->field_count--;
	if (!number_get(&reader->fields, reader->end, UINT64_MAX, &field->weight) ||
		!number_get(&reader->fields, reader->end, UINT32_MAX - field->last, &step))
		return damaged(reader);
	field->last += (uint32_t) step;
	return true;
}

bool
document_next(DocumentReader *reader, DocumentTerm *term)
{
	uint64_t	length;
	uint64_t	size;

	if (reader->left == 0 || reader->damaged)
		return false;
	reader->left--;
	if (!number_get(&reader->p, reader->end, (uint64_t) (reader->end - reader->p), &length) ||
		length > (uint64_t) (reader->end - reader->p))
		return damaged(reader);
	term->term = (const char *) reader->p;
	term->length = (size_t) length;
	reader->p += length;
	term->positions = term->positions_end = NULL;
	if (!number_get(&reader->p, reader->end, UINT64_MAX, &term->frequency))
		return damaged(reader);
	if (reader->positions)
	{
		if (!number_get(&reader->p, reader->end, (uint64_t) (reader->end - reader->p), &size) ||
			size > (uint64_t) (reader->end - reader->p))
			return damaged(reader);
		term->positions = reader->p;
		reader->p += size;
		term->positions_end = reader->p;
	}
	return true;
}

bool
document_position(DocumentTerm *term, uint32_t *position)
{
	uint64_t	step;

	if (term->positions == term->positions_end)
		return false;
	if (!number_get(&term->positions, term->positions_end, UINT32_MAX - *position, &step))
	{
		term->positions = term->positions_end;
		return false;
	}
	*position += (uint32_t) step;
	return true;
}

/* Whether the fields make sense; gives the last position. */
static bool
check_fields(const DocumentReader *document, uint32_t *last)
{
	DocumentReader reader = *document;
	DocumentField field = {0};

	for (uint32_t i = 0; i < document->field_count; i++)
		if (!document_field(&reader, &field) || field.weight == 0)
			return false;
	*last = field.last;
	return true;
}

/* Whether positions ascend, end at the last one, and take all their bytes. */
static bool
check_positions(const DocumentTerm *document_term, uint32_t last)
{
	DocumentTerm term = *document_term;
	const unsigned char *p = term.positions;
	uint32_t	position = 0;
	uint64_t	step;

	if (p == term.positions_end)
		return false;
	while (p < term.positions_end)
	{
		if (!number_get(&p, term.positions_end, last - position, &step) || step == 0)
			return false;
		position += (uint32_t) step;
	}
	return true;
}

bool
document_check(const void *document, size_t size)
{
	DocumentReader reader;
	DocumentTerm term;
	const char *before = NULL;
	size_t		before_length = 0;
	uint64_t	length = 0;
	uint32_t	last = 0;

	if (!document_open(&reader, document, size) ||
		(reader.positions && !check_fields(&reader, &last)))
		return false;
	while (document_next(&reader, &term))
	{
		if (term.frequency == 0 || term.frequency > reader.length - length ||
			(before && document_compare(before, before_length, term.term, term.length) >= 0) ||
			(reader.positions && !check_positions(&term, last)))
			return false;
		length += term.frequency;
		before = term.term;
		before_length = term.length;
	}
	return !reader.damaged && reader.p == reader.end && length == reader.length;
}
