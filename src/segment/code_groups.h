/*
 * code_groups.h - 1-bit and product codes of rows, in groups of CODE_GROUP
 *
 * A segment has them in one array: of lists each list begins a group, of a graph row i is in group
 * i / CODE_GROUP.  Groups can be read in order or here and there.
 */
#ifndef VECTOR_SEGMENT_CODE_GROUPS_H
#define VECTOR_SEGMENT_CODE_GROUPS_H

#include "segment/sealed.h"

/* Rows may be missed if estimates are off by more standard deviations than this. */
#define CODE_SIGMAS		3.0f

typedef struct CodeGroups
{
	BlockNumber first;			/* block within the extent */
	uint32		size;			/* of a group */
	uint32		per_block;		/* 0: packed through the payloads */
} CodeGroups;

/* The code of a row. */
typedef struct RowCode
{
	float		a;
	uint16		b;				/* bfloat16 */
	uint16		error;			/* bfloat16, rounded up */
	const uint8 *code;
} RowCode;

typedef struct CodeWriter
{
	ExtentWriter extent;
	CodeGroups	groups;
	ListGroup  *group;			/* that is being filled */
	uint32		count;			/* of rows in it */
} CodeWriter;

typedef struct CodeReader
{
	SealedScan *scan;
	CodeGroups	groups;
	BlockNumber open;			/* the block that is open, if one is */
	BlockToken	token;
	const char *payload;
	char	   *copy;			/* of a group that crosses blocks */
} CodeReader;

/* How many elements of a size fit into a block; 0: they are packed without gaps. */
extern uint32 elements_per_block(Size size);

/* The number of blocks for `count` such elements. */
extern uint32 elements_blocks(uint64 count, Size size, uint32 per_block);

/* The offset of the i-th in the payloads of its array. */
static inline uint64
elements_offset(uint32 i, Size size, uint32 per_block)
{
	return per_block > 0 ? (uint64) (i / per_block) * PAYLOAD_SIZE + i % per_block * size :
		(uint64) i * size;
}

/* The size of a group of codes of this many bytes. */
static inline uint32
code_group_size(uint32 code_bytes)
{
	return sizeof(ListGroup) + code_bytes * CODE_GROUP;
}

/* The own codes of a segment's nodes, by their first rows. */
static inline CodeGroups
sealed_codes(const SealedHeader *header)
{
	return (CodeGroups) {
		header->codes, header->code_size, elements_per_block(header->code_size)
	};
}

extern void code_writer_begin(CodeWriter *writer, Extent extent, CodeGroups groups);
extern void code_writer_put(CodeWriter *writer, const RowCode *row);
/* Ends a group before it is full. */
extern void code_writer_flush(CodeWriter *writer);
extern void code_writer_end(CodeWriter *writer);

extern void code_reader_begin(CodeReader *reader, SealedScan *scan, CodeGroups groups);
/* A group, contiguous; valid until the next call. */
extern const ListGroup *code_reader_get(CodeReader *reader, uint32 group);
extern void code_reader_end(CodeReader *reader);
extern void code_reader_prefetch(const CodeReader *reader, uint32 group);

#endif							/* VECTOR_SEGMENT_CODE_GROUPS_H */
