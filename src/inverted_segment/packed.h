/*
 * packed.h - reading the packed lists of a segment, and what else it has of the lengths of rows
 */
#ifndef VECTOR_INVERTED_SEGMENT_PACKED_H
#define VECTOR_INVERTED_SEGMENT_PACKED_H

#include "inverted/lengths.h"
#include "inverted/packed.h"
#include "inverted/score.h"
#include "segment/sealed.h"

/* A word that was sought in the dictionary: see words_each_list. */
#define FOUND_WORDS		256
#define NO_LIST			PG_UINT64_MAX
typedef struct FoundWord
{
	uint64		list;			/* its place; NO_LIST: no row has the word */
	uint32		rows;			/* that have it; 0 with a list: not known */
	uint8		length;			/* 0: none has been sought */
	char		word[27];
} FoundWord;

/* CachedSegment.loaded of a segment with packed lists. */
typedef struct PackedLengths
{
	FoundWord	found[FOUND_WORDS]; /* by hash, the last ones */
	LengthClass classes[LENGTH_CLASSES];
	uint8		of_row[FLEXIBLE_ARRAY_MEMBER];	/* its class */
} PackedLengths;

static inline bool
sealed_is_packed(const SealedHeader *header)
{
	return header->packed.lengths > 0;
}

/* Whether the rows of a segment of words have no documents. */
static inline bool
sealed_lacks_documents(const SealedHeader *header)
{
	return sealed_is_packed(header) && header->level[0].blocks == 0;
}

extern void packed_load(CachedSegment *segment, Relation index);

/* A list's rows of a window. */
typedef struct PackedChunk
{
	uint64		place;			/* of its bytes, in the payloads of the lists */
	uint32		size;
	uint32		count;			/* rows */
	uint32		window;
	uint8		largest;		/* see SealedPacked */
} PackedChunk;

/*
 * Reads what a list has in each window, which ascend; the array is palloc'd.  Raises an error if
 * the segment is damaged.  `end`, if not NULL, is set to the place after the list.
 */
extern PackedChunk *packed_read_chunks(SealedScan *scan, uint64 place, uint32 *count,
									   uint64 *end);

/* Reads the postings of a window, a block or the rest at a time. */
typedef struct PackedReader
{
	SealedScan *scan;
	PackedChunk chunk;
	uint32		rows_in_window;
	PackedEntry entries[INVERTED_WINDOW / PACKED_BLOCK];
	uint32		block;			/* the next one; the rest comes after the last */
	uint64		place;			/* of its bytes */
	uint32		next;			/* the row after the last one before it */
	uint32		passed;			/* postings before it */

	/* what has been read */
	uint32		count;
	uint32		most;			/* no frequency is more than this */
	uint16		rows[PACKED_BLOCK];
	uint32		frequencies[PACKED_BLOCK];
} PackedReader;

extern void packed_begin(PackedReader *reader, SealedScan *scan, const PackedChunk *chunk);

/*
 * Reads the next block that may have this row or later ones; false if there is none.  Then `passed`
 * counts the postings before those that were read, and these.
 */
extern bool packed_next(PackedReader *reader, uint32 row);

/* Checks what a segment has in place of terms; see SegmentMethod.check_vector. */
extern void *packed_check(SealedScan *scan);
extern void packed_check_vector(SealedScan *scan, const void *checked, uint32 row,
								const char *payload);

#endif							/* VECTOR_INVERTED_SEGMENT_PACKED_H */
