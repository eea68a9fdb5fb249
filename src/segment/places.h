/*
 * places.h - whether what a header says of its segment can be true
 *
 * Blocks may be damaged.  What they say of rows and nodes is looked at where it is used; but sizes
 * and places, by which all of it is found, are in headers, and are checked when one is read.
 */
#ifndef VECTOR_SEGMENT_PLACES_H
#define VECTOR_SEGMENT_PLACES_H

#include "segment/extent.h"
#include "segment/space.h"

/* An array of an extent. */
typedef struct ArrayPlace
{
	const char *what;			/* it is, for errors */
	BlockNumber first;			/* block within the extent */
	uint64		count;
	uint64		size;			/* of an element */
	uint32		per_block;		/* 0: packed through the payloads */
} ArrayPlace;

/* Whether an array is within an extent of so many blocks, after its header. */
extern bool place_is_within(uint32 blocks, const ArrayPlace *array);

/* Raises an error if an array of a segment is not. */
extern void sealed_check_place(Extent extent, const SealedHeader *header,
							   const ArrayPlace *array);

/* Raises an error that the header of a segment is wrong. */
extern void sealed_wrong_header(Relation index, uint32 uid, const char *what)
	__attribute__((noreturn));

/* Checks what headers of sealed segments have in common, with what the directory says of one. */
extern void sealed_check_header(Relation index, const Space *space, const SegmentEntry *entry,
								const SealedHeader *header);

/*
 * Bytes of a payload of a space in which they differ, by the payload's first number; raises an
 * error if there is none of this size.
 */
extern Size sealed_payload_size(Relation index, const Space *space, uint32 first);

#endif							/* VECTOR_SEGMENT_PLACES_H */
