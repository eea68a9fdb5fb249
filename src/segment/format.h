/*
 * format.h - what an index looks like on disk
 *
 * Block 0 is the directory: how the index was made, and its segments, each a contiguous extent of
 * blocks.  Every other block belongs to the extent that the directory says, or to nobody.
 *
 * A block's page is a PostgreSQL page header, a BlockHeader that names the segment and the block's
 * place in it, and from byte 64 on PAYLOAD_SIZE bytes.  Arrays that are longer than a block run on
 * in the next block's payload.
 *
 * A sealed extent: one block SealedHeader, then the rotated mean, the entries, the tombstones, TIDs
 * by row, the graph's levels from level 0 up.  A growing extent: one block GrowingHeader, then the
 * mean that codes are relative to, groups of 32 rows' TIDs and codes, then the rows' vectors.
 * Numbers are in the machine's byte order, as everywhere in PostgreSQL's files.
 */
#ifndef VECTOR_SEGMENT_FORMAT_H
#define VECTOR_SEGMENT_FORMAT_H

#include "pg_compat.h"

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "storage/block.h"
#include "storage/bufpage.h"
#include "storage/itemptr.h"

#include "graph/build.h"

#define SEGMENT_MAGIC		0x56534547	/* "VSEG"; pgvector's are 0xA953A953 and 0x14FF1A7 */
#define SEGMENT_VERSION		1

#define DIRECTORY_BLOCK		0
#define PAYLOAD_START		64
#define PAYLOAD_SIZE		(BLCKSZ - PAYLOAD_START)

typedef enum BlockKind
{
	BLOCK_DIRECTORY = 1,
	BLOCK_SEALED_HEADER,
	BLOCK_MEAN,
	BLOCK_ENTRIES,
	BLOCK_TOMBSTONES,
	BLOCK_TIDS,
	BLOCK_NODES,
	BLOCK_GROWING_HEADER,
	BLOCK_GROUPS,
	BLOCK_VECTORS
} BlockKind;

/* After the page header of every block but the directory. */
typedef struct BlockHeader
{
	uint32		uid;			/* of the segment */
	uint32		place;			/* block within the extent */
	uint16		kind;			/* BlockKind */
	uint16		version;
} BlockHeader;

/* What is indexed and how: fixed when the index is made. */
typedef enum SpaceElement
{
	SPACE_F32, SPACE_F16, SPACE_BF16, SPACE_I8, SPACE_SPARSE, SPACE_BIT
} SpaceElement;

typedef enum SpaceMetric
{
	SPACE_L2, SPACE_IP, SPACE_COSINE, SPACE_L1, SPACE_HAMMING, SPACE_JACCARD
} SpaceMetric;

/* How a node keeps its own vector: as it is, as halves with a scale, as bytes with a range. */
typedef enum SpaceStorage
{
	STORAGE_FULL, STORAGE_HALF, STORAGE_SQ8
} SpaceStorage;

typedef enum SegmentKind
{
	SEGMENT_GROWING = 1,
	SEGMENT_SEALED,
	SEGMENT_RESERVED,			/* being written, while its first block's page lock is held */
	SEGMENT_RETIRED				/* free once no snapshot is older than the stamp */
} SegmentKind;

typedef struct SegmentEntry
{
	uint32		uid;
	uint16		kind;			/* SegmentKind */
	uint16		unused;
	BlockNumber first;
	uint32		blocks;
	uint64		rows;			/* sealed: rows; growing: rows that it has room for */
	FullTransactionId stamp;	/* retired: the next transaction id at that time */
	TimestampTz created;
} SegmentEntry;

typedef struct Directory
{
	uint32		magic;
	uint16		version;
	uint8		element;		/* SpaceElement */
	uint8		metric;			/* SpaceMetric */
	uint8		storage;		/* SpaceStorage */
	uint8		unused[3];
	int32		dims;
	uint32		m;
	uint32		ef_construction;
	uint32		next_uid;
	uint64		seed;			/* of the rotation */
	uint64		change;			/* counts the changes of the directory */
	uint32		count;			/* entries */
	uint32		reserved;
	SegmentEntry entries[FLEXIBLE_ARRAY_MEMBER];
} Directory;

#define DIRECTORY_MAX_ENTRIES \
	((BLCKSZ - PAYLOAD_START - offsetof(Directory, entries)) / sizeof(SegmentEntry))

/*
 * How the nodes of a graph lie: `per` to a run of `span` blocks from its start on; or, per = 0, one
 * after the other through the payloads, addressed by id * unit.
 */
typedef struct NodeLayout
{
	uint32		per;
	uint32		span;
	uint32		unit;			/* per = 0: bytes */
	uint32		size;			/* of a node; 0 if they differ */
	uint32		degree;
	/* offsets in a node */
	uint32		ids;
	uint32		a;
	uint32		b;
	uint32		codes;
	uint32		vector;
} NodeLayout;

typedef struct SealedLevel
{
	BlockNumber first;			/* block within the extent */
	uint32		blocks;
	uint32		nodes;
} SealedLevel;

typedef struct SealedHeader
{
	uint32		nodes;			/* of level 0 */
	uint32		rows;			/* row i < nodes is node i's; more where vectors are equal */
	uint32		padded;			/* rotated dimensions, 0: plain nodes */
	uint32		levels;
	BlockNumber mean;			/* block within the extent; `padded` floats */
	BlockNumber tombstones;		/* a bit a row */
	BlockNumber tids;			/* a SealedRow a row */
	uint32		entry;			/* id of the entry node in the top level */
	BlockNumber entries;		/* if coded: GraphEntryGroups */
	uint32		entry_count;
	NodeLayout	layout;
	SealedLevel level[GRAPH_LEVELS];
} SealedHeader;

/* At the start of the payload of the first tombstone block: how many bits are set in all. */
typedef struct TombstoneHeader
{
	uint32		dead;
	uint32		unused;
} TombstoneHeader;

typedef struct SealedRow
{
	ItemPointerData tid;
	uint16		unused;
	uint32		node;			/* id */
} SealedRow;

/* The head of a node. */
typedef struct SealedNode
{
	ItemPointerData tid;		/* its first row's */
	uint16		links;			/* how many neighbours */
	uint32 extra; /* the first of its other rows; above level 0, its id one level down */
	uint32		extras;			/* how many */
	float		error;			/* at most the distance between the vector and what is stored */
	float		low;			/* sq8: a value is low + step * byte; half: step * half */
	float		step;
	float		scale;			/* cosine: one over the vector's norm; ip: the norm */
	uint32		row;			/* its first row's number */
} SealedNode;

typedef struct GrowingHeader
{
	uint32		room;			/* rows, a multiple of 32 */
	uint32		rows;			/* rows used: they are complete */
	uint32		closed;			/* no more rows */
	uint32		padded;			/* rotated dimensions whose signs are kept, 0: none */
	uint32		group_size;
	uint32		groups_per_block;
	BlockNumber groups;			/* block within the extent */
	BlockNumber vectors;
	uint32		vector_blocks;
	BlockNumber mean; /* block within the extent, `padded` floats; 0: codes are of the vectors */
	uint64		used;			/* bytes of the vectors' payloads that are taken */
} GrowingHeader;

/* The head of a group of 32 rows; their codes follow. */
typedef struct GrowingGroup
{
	float		a[CODE_GROUP];
	float		error[CODE_GROUP];
	uint32		offset[CODE_GROUP];	/* where the vector is: in units of 4 bytes of payload */
	uint16		b[CODE_GROUP];
	ItemPointerData tids[CODE_GROUP];
	uint32		dead;			/* a bit a row */
	uint32		unused[7];
} GrowingGroup;

StaticAssertDecl(sizeof(BlockHeader) == 12, "format of BlockHeader");
StaticAssertDecl(SizeOfPageHeaderData + sizeof(BlockHeader) <= PAYLOAD_START, "room of headers");
StaticAssertDecl(sizeof(SegmentEntry) == 40, "format of SegmentEntry");
StaticAssertDecl(offsetof(Directory, entries) == 56, "format of Directory");
StaticAssertDecl(sizeof(NodeLayout) == 40, "format of NodeLayout");
StaticAssertDecl(sizeof(SealedHeader) == 80 + 12 * GRAPH_LEVELS, "format of SealedHeader");
StaticAssertDecl(sizeof(GraphEntryGroup) == 320, "format of GraphEntryGroup");
StaticAssertDecl(sizeof(SealedRow) == 12, "format of SealedRow");
StaticAssertDecl(sizeof(SealedNode) == 36, "format of SealedNode");
StaticAssertDecl(sizeof(GrowingHeader) == 48, "format of GrowingHeader");
StaticAssertDecl(sizeof(GrowingGroup) == 672, "format of GrowingGroup");

#define BlockGetHeader(page)	((BlockHeader *) PageGetContents(page))
#define BlockGetPayload(page)	((char *) (page) + PAYLOAD_START)
#define BlockGetDirectory(page)	((Directory *) BlockGetPayload(page))

#endif							/* VECTOR_SEGMENT_FORMAT_H */
