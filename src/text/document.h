/*
 * document.h - the terms of a text as a string of bytes
 *
 * What an index of words keeps of a row: the distinct terms in ascending order of their bytes, each
 * with its frequency and, if they are wanted, the positions of its words.
 *
 * A text has one or several fields, each with a weight: a term's frequency is the sum of the
 * weights of its occurrences, and the document's length the sum of all frequencies (BM25F).  Both
 * are whole numbers of units; `scale` units are 1.
 *
 *   byte		flags: 1 if there are positions; others are not set
 *   number		scale
 *   number		length, in units
 *   number		distinct terms
 *   fields		if there are positions: a number of fields; each field's weight in units, and its
 *				last position as the difference to the one of the field before
 *   each term	number of bytes, bytes, frequency in units; if there are positions, the number of
 *				bytes that these take, and each as the difference to the one before
 * Numbers are those of number.h.
 *
 * In plain C without PostgreSQL.  Bytes from disk may be damaged: nothing beyond them is read.
 */
#ifndef VECTOR_DOCUMENT_H
#define VECTOR_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Positions between the last word of a field and the first of the next, so that no phrase spans. */
#define DOCUMENT_FIELD_GAP	100

/* A term that occurs more often, in units, counts as often as this. */
#define DOCUMENT_MAX_FREQUENCY	UINT32_MAX

/* An occurrence of a term in a text; positions count through all fields. */
typedef struct DocumentOccurrence
{
	const char *term;
	uint32_t	length;
	uint32_t	position;
	uint32_t	field;
} DocumentOccurrence;

typedef struct DocumentField
{
	uint64_t	weight;			/* in units, not 0 */
	uint32_t	last;			/* position of the last word, of all fields up to here */
} DocumentField;

/* A text whose document is to be written. */
typedef struct DocumentText
{
	DocumentOccurrence *occurrences;
	size_t		count;
	const DocumentField *fields;
	uint32_t	field_count;
	uint32_t	scale;
	bool		positions;		/* are kept */
} DocumentText;

/* Brings the occurrences into the order that document_write needs. */
extern void document_sort(DocumentText *text);

/* Writes the document, and returns its size; out may be NULL. */
extern size_t document_write(const DocumentText *text, unsigned char *out);

/* A term with its frequency in units. */
typedef struct DocumentEntry
{
	const char *term;
	uint32_t	length;
	uint32_t	frequency;
} DocumentEntry;

/*
 * Writes the document, without positions, that has these terms, which ascend; returns its size.
 * `out` may be NULL.
 */
extern size_t document_write_entries(const DocumentEntry *entries, size_t count, uint32_t scale,
									 unsigned char *out);

typedef struct DocumentReader
{
	const unsigned char *p;		/* the next term */
	const unsigned char *end;
	bool		damaged;		/* what was read made no sense */
	bool		positions;
	uint32_t	scale;
	uint64_t	length;			/* in units */
	uint64_t	count;			/* distinct terms */
	uint64_t	left;			/* terms that are not read yet */
	uint32_t	field_count;
	const unsigned char *fields;
} DocumentReader;

typedef struct DocumentTerm
{
	const char *term;
	size_t		length;
	uint64_t	frequency;		/* in units */
	const unsigned char *positions; /* NULL if there are none */
	const unsigned char *positions_end;
} DocumentTerm;

/* Begins to read a document; false if it is damaged. */
extern bool document_open(DocumentReader *reader, const void *document, size_t size);

/* Reads the next term; false at the end, and if the document is damaged. */
extern bool document_next(DocumentReader *reader, DocumentTerm *term);

/* Reads the next position of a term, the last one being 0 at first; false after the last. */
extern bool document_position(DocumentTerm *term, uint32_t *position);

/* Reads the next field, likewise. */
extern bool document_field(DocumentReader *reader, DocumentField *field);

/* Whether all of a document is as document_write makes it. */
extern bool document_check(const void *document, size_t size);

/* Orders terms by their bytes. */
extern int	document_compare(const char *a, size_t a_length, const char *b, size_t b_length);

#endif							/* VECTOR_DOCUMENT_H */
