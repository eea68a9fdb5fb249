/*
 * extent.h - blocks of an extent: reading and writing arrays that run through their payloads
 *
 * An Extent is the handle of a segment's blocks: by it they are written, read and claimed.  A place
 * is the number of a block within its extent.  Blocks from some place on may be in an object store;
 * they can be read by an extent that has the object (cached_extent).
 */
#ifndef VECTOR_SEGMENT_EXTENT_H
#define VECTOR_SEGMENT_EXTENT_H

#include "pg_compat.h"

#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "segment/format.h"
#include "tier/tier.h"

/* Arrays of an object that are read in order at the same time, as a merge does. */
#define STORED_STREAMS		4

/* The object that has the cold blocks of an extent.  It is read with the owner's credentials. */
typedef struct StoredObject
{
	TierObject	tier;
	uint32		uid;			/* that its pages have */
	uint32		segment;		/* that it is read for: its uid */
	uint32		turn;			/* the stream that a new one replaces */
	struct
	{
		uint32		next;		/* page after those that were read last, of which so many */
		uint32		ahead;		/* were read at once */
	}			streams[STORED_STREAMS];
} StoredObject;

typedef struct Extent
{
	Relation	index;
	uint32		uid;			/* of the segment; each of its blocks has it */
	BlockNumber first;			/* block in the index's file */
	uint32		blocks;			/* there */
	ExtentWhere where;			/* the others are */
	StoredObject *object;		/* that has the others, where they are read; see manifest.h */
	BufferAccessStrategy ring;	/* of buffers for blocks that are read once; NULL: any buffers */
} Extent;

static inline Extent
extent_of(Relation index, const SegmentEntry *entry)
{
	return (Extent) {index, entry->uid, entry->first, entry->blocks,
		(ExtentWhere) entry->where, NULL, NULL};
}

/* Whether the block at a place of an extent is in the file, as all are but cold ones. */
static inline bool
extent_has(const Extent *extent, BlockNumber place)
{
	return likely(place < extent->blocks);
}

/* The block of the file that is at a place of an extent. */
static inline BlockNumber
extent_block(const Extent *extent, BlockNumber place)
{
	Assert(place < extent->blocks);
	return extent->first + place;
}

/* Number of blocks that an array takes; if `whole`, elements do not cross blocks. */
extern uint32 extent_blocks_for(uint64 count, Size size, bool whole);

/* Makes a page a page of an extent, with a payload of zeros. */
extern void extent_init_page(Page page, uint32 uid, uint32 place, BlockKind kind);

/* Raises a serialization failure: a page is not the expected block of the segment. */
extern void extent_wrong_page(const Extent *extent, BlockNumber place)
	__attribute__((noreturn));

static inline void
extent_check_page(const Extent *extent, BlockNumber place, Page page)
{
	if (unlikely(BlockGetHeader(page)->uid != extent->uid))
		extent_wrong_page(extent, place);
}

/* Raises the error for a damaged index. */
#define sealed_damaged(index, ...) \
	ereport(ERROR, \
			(errcode(ERRCODE_INDEX_CORRUPTED), \
			 errmsg("index \"%s\" is damaged", RelationGetRelationName(index)), \
			 errdetail(__VA_ARGS__), errhint("Please REINDEX it.")))

/*
 * Where a process may wait for other processes, or leave by an error, it holds no content lock:
 * these hold interrupts off.
 */
#define AssertNoContentLock()	Assert(InterruptHoldoffCount == 0)

/*
 * Long work calls this, without any content lock, to find out whether to stop or to give way.  A
 * background worker sets extent_give_way to a function that gives way to other processes by an
 * error.  VACUUM with a cost limit sleeps when the cost of the blocks it has accessed reaches that.
 */
extern void (*extent_give_way) (void);
extern void extent_vacuum_delay(void);

#define CHECK_FOR_OTHERS() \
do { \
	AssertNoContentLock(); \
	CHECK_FOR_INTERRUPTS(); \
	if (VacuumCostActive) \
		extent_vacuum_delay(); \
	if (extent_give_way) \
		extent_give_way(); \
} while (0)

/*
 * Says that the payload of a block is used up to here.  What lies beyond is zero, and neither
 * logged nor compared by GenericXLog, so nothing may be written there before this is called.
 * Blocks of version 2 count as used to their end, which a library of that version relies on.
 */
static inline void
extent_use(Page page, Size used)
{
	PageHeader	header = (PageHeader) page;

	header->pd_lower = (LocationIndex) Max(header->pd_lower, PAYLOAD_START + used);
}

/* Extends the file by zeros to at least this many blocks. */
extern void extent_extend_file(Relation index, BlockNumber blocks);

/* A block at a place of an extent, pinned and locked: for those who change it. */
extern Buffer extent_lock(Extent extent, BlockNumber place, int lock);

/* Copies the header of an extent, with which its first block, of this kind, begins. */
extern void extent_read_header(Extent extent, BlockKind kind, void *out, Size size);

/* The page at a place that is not in the file, until tier_close. */
extern Page stored_open(const Extent *extent, BlockNumber place, TierPin *pin);

/* Where it is in memory, if it can be opened without waiting; only for prefetching. */
extern const char *stored_peek(const Extent *extent, BlockNumber place);

/* Brings near what a look for it reads; see tier_bring_near. */
extern void stored_bring_near(const Extent *extent, BlockNumber place, bool slot);

/* The page of the object at a place that is not in the file. */
extern TierPage stored_page(const Extent *extent, BlockNumber place);

/*
 * Has all of these pages of segments of an index read together that are not at hand; `once`: they
 * will hardly be needed again.
 */
extern void stored_fetch(Relation index, TierPage *pages, int count, bool once);

/* Copies the page at a place of an extent, wherever it is. */
extern void extent_read_page(Extent extent, BlockNumber place, Page page);

/* Writes a copy of a page to a place of an extent, whose uid it gets. */
extern void extent_put_page(Extent extent, BlockNumber place, Page page);

/*
 * Copies `size` bytes that start at byte `offset` of the payloads from a place on.  Takes share
 * locks, one at a time.
 */
extern void extent_read(Extent extent, BlockNumber place, uint64 offset, void *out, Size size);

/*
 * Copies the block at a place of an extent to the same place of another: with its payload, or with
 * an empty one.  Locks the one in share mode, and then the other.
 */
extern void extent_copy_block(Extent from, Extent to, BlockNumber place, bool empty);

/* Reads elements of an array in an extent; reading in order is faster. */
typedef struct ExtentReader
{
	Extent		extent;
	BlockNumber start;			/* place where the array begins */
	BlockNumber place;			/* that `copy` is a copy of */
	char	   *scratch;		/* for elements that cross blocks */
	Size		room;
	PGAlignedBlock copy;
} ExtentReader;

extern void extent_reader_begin(ExtentReader *reader, Extent extent, BlockNumber start);

/* The `size` bytes at an offset of the payloads; valid until the next call. */
extern const char *extent_reader_get(ExtentReader *reader, uint64 offset, Size size);

/* Writes an extent's blocks in order; each is logged when it is complete. */
typedef struct ExtentWriter
{
	Extent		extent;
	BlockNumber place;			/* of the block being filled */
	BlockKind	kind;
	Size		used;			/* bytes of its payload; PAYLOAD_SIZE: there is no block */
	Size		filled;			/* all bytes after these are zero */
	PGAlignedBlock page;
} ExtentWriter;

extern void extent_writer_begin(ExtentWriter *writer, Extent extent);

/* Continues at a place of the extent, with a kind of blocks. */
extern void extent_writer_seek(ExtentWriter *writer, BlockNumber place, BlockKind kind);
extern void extent_writer_put(ExtentWriter *writer, const void *data, Size size);
/* Leaves this many bytes zero. */
extern void extent_writer_skip(ExtentWriter *writer, uint64 size);
/* If fewer than `size` bytes of the block are left, leaves them zero. */
extern void extent_writer_keep_whole(ExtentWriter *writer, Size size);
extern void extent_writer_end(ExtentWriter *writer);

#endif							/* VECTOR_SEGMENT_EXTENT_H */
