/*
 * extent.h - blocks of an extent: reading and writing arrays that run through their payloads
 */
#ifndef VECTOR_SEGMENT_EXTENT_H
#define VECTOR_SEGMENT_EXTENT_H

#include "pg_compat.h"

#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "segment/format.h"

/* Blocks that an array takes: elements do not cross blocks if `whole`. */
extern uint32 extent_blocks_for(uint64 count, Size size, bool whole);

/* Makes a page one of an extent, its payload zero. */
extern void extent_init_page(Page page, uint32 uid, uint32 place, BlockKind kind);

/* Raises a serialization failure if a page is not the block of the segment that it should be. */
extern void extent_wrong_page(Relation index, BlockNumber block)
	__attribute__((noreturn));

static inline void
extent_check_page(Relation index, Page page, BlockNumber block, uint32 uid)
{
	if (unlikely(BlockGetHeader(page)->uid != uid))
		extent_wrong_page(index, block);
}

/*
 * Long work looks here whether to stop or to stand back, without any content lock.  A background
 * worker sets extent_give_way to a function that gives way to others, by an error.  VACUUM with a
 * cost limit sleeps when the blocks that it went to have reached that.
 */
extern void (*extent_give_way) (void);
extern void extent_vacuum_delay(void);

#define CHECK_FOR_OTHERS() \
do { \
	CHECK_FOR_INTERRUPTS(); \
	if (VacuumCostActive) \
		extent_vacuum_delay(); \
	if (extent_give_way) \
		extent_give_way(); \
} while (0)

/* Makes the file at least so long, with zeros. */
extern void extent_extend_file(Relation index, BlockNumber blocks);

/* A block of a segment, pinned and locked. */
extern Buffer extent_lock(Relation index, BlockNumber block, uint32 uid, int lock);

/*
 * Copies `size` bytes that begin `offset` bytes into the payloads from a block on.  Takes share
 * locks.
 */
extern void extent_read(Relation index, BlockNumber first, uint32 uid, uint64 offset, void *out,
						Size size);

/* Reads things from an array of an extent, faster where they come in order. */
typedef struct ExtentReader
{
	Relation	index;
	BlockNumber first;			/* of the array */
	uint32		uid;
	BlockNumber block;			/* that the copy is of */
	char	   *scratch;		/* things that run on in the next block */
	Size		room;
	PGAlignedBlock copy;
} ExtentReader;

extern void extent_reader_begin(ExtentReader *reader, Relation index, BlockNumber first,
								uint32 uid);

/* The bytes from an offset into the payloads on, until the next call. */
extern const char *extent_reader_get(ExtentReader *reader, uint64 offset, Size size);

/* Writes an extent's blocks in order; each is logged when it is complete. */
typedef struct ExtentWriter
{
	Relation	index;
	BlockNumber first;
	uint32		uid;
	uint32		place;			/* of the block that is being filled */
	BlockKind	kind;
	Size		used;			/* bytes of its payload; PAYLOAD_SIZE: there is none */
	Size		filled;			/* after which they are zero */
	PGAlignedBlock page;
} ExtentWriter;

extern void extent_writer_begin(ExtentWriter *writer, Relation index, BlockNumber first,
								uint32 uid);

/* Goes on at a block of the extent, with a kind of blocks. */
extern void extent_writer_seek(ExtentWriter *writer, uint32 place, BlockKind kind);
extern void extent_writer_put(ExtentWriter *writer, const void *data, Size size);
/* Leaves so many bytes zero. */
extern void extent_writer_skip(ExtentWriter *writer, uint64 size);
/* Leaves the rest of the block zero where fewer than `size` bytes of it are left. */
extern void extent_writer_keep_whole(ExtentWriter *writer, Size size);
extern void extent_writer_end(ExtentWriter *writer);

#endif							/* VECTOR_SEGMENT_EXTENT_H */
