/*
 * dictionary.h - finds terms by their texts: their numbers, or, in a segment with packed lists, the
 * places of these
 */
#ifndef VECTOR_INVERTED_SEGMENT_DICTIONARY_H
#define VECTOR_INVERTED_SEGMENT_DICTIONARY_H

#include "segment/sealed.h"

/* The longest text, in bytes. */
#define DICTIONARY_MAX_TEXT		2048

/* A reader of the dictionary. */
typedef struct DictionaryReader
{
	SealedScan *scan;
	uint32		block;
	uint32		done;			/* entries of the block that have been read */
	Size		place;			/* of the next one */
	uint32		level;			/* of the block */
	uint32		count;
	Size		size;

	/* the entry that has been read */
	uint32		shared;			/* bytes that are those of the one before it in the block */
	uint64		number;
	uint32		length;
	char		text[DICTIONARY_MAX_TEXT];
	char		bytes[PAYLOAD_SIZE];	/* a copy of the block */
} DictionaryReader;

/*
 * Reads the first term that is not less than a text, in the order of bytes, and the ones after it;
 * false if there is none.
 */
extern bool dictionary_seek(DictionaryReader *reader, SealedScan *scan, const char *text,
							Size length);
extern bool dictionary_next(DictionaryReader *reader);

/* Whether the term that has been read begins with a text. */
extern bool dictionary_begins(const DictionaryReader *reader, const char *text, Size length);

#endif							/* VECTOR_INVERTED_SEGMENT_DICTIONARY_H */
