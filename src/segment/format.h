/*
 * format.h - the format of an index on disk
 *
 * Block 0 is the directory: the parameters of the index, and its segments, each a contiguous extent
 * of blocks.  Every other block belongs to the extent that covers it, or is free.
 *
 * The page of a block is a PostgreSQL page header, a BlockHeader that names the segment and the
 * block's place in it, and from byte 64 on PAYLOAD_SIZE bytes of payload.  Arrays longer than a
 * block continue in the next block's payload.
 *
 * A sealed extent has one block for the SealedHeader, then columns of attributes, the rotated mean,
 * the entries, the tombstones, the TIDs by row, and for a graph groups of codes of 32 nodes,
 * relative to the mean, and its levels from level 0 up.  For lists it has a SealedList for each,
 * groups of codes of 32 rows list by list, fine codes by row, and as level 0 nodes without
 * neighbours, where row i is node i.  A flat extent has only such nodes after the TIDs.  An
 * inverted one has terms, chunks and postings after the TIDs, or lengths and lists, and then such
 * nodes, which differ in size, or none.  A growing extent has one block for the GrowingHeader,
 * then the mean that codes are relative to, groups of the TIDs and codes of 32 rows, the rows'
 * vectors, and their attributes.
 * Centroids, which the lists of several segments share, have one block for the CentroidsHeader, the
 * centroids, and the codebooks.
 *
 * Numbers are in the byte order of the machine, as in all of PostgreSQL's files.
 *
 * A segment has the version of the format that it was written in, and keeps it until it is merged.
 * The directory's version is the newest of them: it rises with the first change that a newer
 * library makes.  A header has a block of its own, whose other bytes are zero, so fields that a
 * later version adds to a header are zero in older segments.  Anything else that a library must
 * know about an index without a new version is a bit of Directory.features.
 */
#ifndef VECTOR_SEGMENT_FORMAT_H
#define VECTOR_SEGMENT_FORMAT_H

#include "pg_compat.h"

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "storage/block.h"
#include "storage/bufpage.h"
#include "storage/itemptr.h"

#include "attribute/column.h"
#include "graph/build.h"
#include "quantize/axes.h"

#define SEGMENT_MAGIC		0x56534547	/* "VSEG"; pgvector's are 0xA953A953 and 0x14FF1A7 */
#define SEGMENT_VERSION		3
#define SEGMENT_OLDEST_VERSION	2	/* the oldest version that is read */

/* The bits of Directory.features that this library knows. */
#define FEATURE_ATTRIBUTES	0x1		/* rows have attributes: columns beside the vector */
#define FEATURE_STORED		0x2		/* some extents are EXTENT_STORED */
#define FEATURE_CURVES		0x4		/* there are SEGMENT_CURVES */
#define FEATURE_PACKED		0x8		/* segments of words may have packed lists: SealedPacked */
#define SEGMENT_FEATURES \
	(FEATURE_ATTRIBUTES | FEATURE_STORED | FEATURE_CURVES | FEATURE_PACKED)

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
	BLOCK_VECTORS,
	BLOCK_LISTS,
	BLOCK_CODES,
	BLOCK_FINE,
	BLOCK_CENTROIDS_HEADER,
	BLOCK_CENTROIDS,
	BLOCK_CODEBOOKS,
	BLOCK_ATTRIBUTES,
	BLOCK_LINKS,
	BLOCK_MANIFEST,
	BLOCK_TERMS,
	BLOCK_CHUNKS,
	BLOCK_POSTINGS,
	BLOCK_AXES,
	BLOCK_DICTIONARY,
	BLOCK_CURVES,
	BLOCK_LENGTHS,
	BLOCK_WORD_LISTS
} BlockKind;

/* Follows the page header in every block but the directory. */
typedef struct BlockHeader
{
	uint32		uid;			/* of the segment */
	uint32		place;			/* block within the extent */
	uint16		kind;			/* BlockKind */
	uint16		version;
} BlockHeader;

/* What is indexed and how; fixed when the index is created. */
typedef enum SpaceElement
{
	SPACE_F32, SPACE_F16, SPACE_BF16, SPACE_I8, SPACE_SPARSE, SPACE_BIT,
	SPACE_WORDS					/* documents of terms: see text/document.h */
} SpaceElement;

typedef enum SpaceMetric
{
	SPACE_L2, SPACE_IP, SPACE_COSINE, SPACE_L1, SPACE_HAMMING, SPACE_JACCARD
} SpaceMetric;

/*
 * How a row's vector is stored: as it is, as halves with a scale, as bytes with a range, or not at
 * all (lists and METHOD_DISK).  Version 3 has graphs of an index with storage full whose nodes all
 * have bytes, which stand for their vectors exactly; the step of such a node is not 0.
 */
typedef enum SpaceStorage
{
	STORAGE_FULL, STORAGE_HALF, STORAGE_SQ8, STORAGE_NONE,
	STORAGE_BYTES				/* full, but as bytes: of a segment, never of an index */
} SpaceStorage;

/* How sealed segments are searched. */
typedef enum SpaceMethod
{
	METHOD_GRAPH, METHOD_LISTS,
	METHOD_FLAT,				/* all rows are compared: of a segment, never of an index */
	METHOD_DISK,				/* a graph whose walk reads no vectors */
	METHOD_INVERTED				/* lists of the rows that have a dimension */
} SpaceMethod;

#define SEGMENT_METHODS		(METHOD_INVERTED + 1)

/* Whether an index may have a method. */
static inline bool
method_is_of_index(uint8 method)
{
	return method < SEGMENT_METHODS && method != METHOD_FLAT;
}

/*
 * What lists store beside or instead of vectors.  All but NONE and PQ have 1-bit RaBitQ codes; fine
 * codes are of the kind of the name, for RABITQ only with more than one bit.
 */
typedef enum SpaceQuantizer
{
	QUANTIZER_NONE, QUANTIZER_RABITQ, QUANTIZER_SQ8, QUANTIZER_SQ4, QUANTIZER_PQ
} SpaceQuantizer;

typedef enum SegmentKind
{
	SEGMENT_GROWING = 1,
	SEGMENT_SEALED,
	SEGMENT_RESERVED,			/* being written, while there is a claim on it */
	SEGMENT_RETIRED,			/* free once no snapshot is older than the stamp */
	SEGMENT_CENTROIDS,			/* of lists; new rows go to the newest ones */
	SEGMENT_CURVES				/* what recall searches have; the newest ones hold */
} SegmentKind;

/* Where those blocks of an extent are that only the best candidates of a search need. */
typedef enum ExtentWhere
{
	EXTENT_LOCAL,				/* in the file, like all others */
	EXTENT_STORED				/* in an object store, as the manifest says */
} ExtentWhere;

typedef struct SegmentEntry
{
	uint32		uid;
	uint8		kind;			/* SegmentKind */
	uint8		method;			/* sealed: SpaceMethod */
	uint8		version;		/* format version of its blocks */
	uint8		where;			/* ExtentWhere */
	BlockNumber first;
	uint32		blocks;			/* in the file */
	uint32		rows;			/* sealed: rows; growing: room for rows; centroids: lists;
								 * curves: 0 */
	uint32		stored;			/* blocks in an object store */
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
	uint8		method;			/* SpaceMethod */
	uint8		quantizer;		/* SpaceQuantizer */
	uint8		bits;			/* RABITQ, METHOD_DISK: of a code, for a dimension */
	int32		dims;
	uint32		m;				/* graph */
	uint32		ef_construction;
	uint32		lists;			/* lists: the option; 0: by the number of rows */
	uint32		pq_m;			/* PQ: sub-quantizers */
	uint32		next_uid;
	uint64		seed;			/* of the rotation */
	uint64		change;			/* counts the changes of the directory */
	uint32		count;			/* entries */
	uint32		features;		/* bits; a library must know all to use the index */
	float		max_alpha;		/* METHOD_DISK; see GraphBuild.alpha */
	uint32		digest[2];		/* SPACE_WORDS: of what documents are made by */
	float		k1;				/* likewise: by which weights are computed */
	float		b;
	uint32		spare[1];		/* zero */
	SegmentEntry entries[FLEXIBLE_ARRAY_MEMBER];
} Directory;

#define DIRECTORY_MAX_ENTRIES \
	((BLCKSZ - PAYLOAD_START - offsetof(Directory, entries)) / sizeof(SegmentEntry))

/*
 * How the nodes of a graph are placed: `per` to a run of `span` blocks, from its start on; or, if
 * per = 0, packed through the payloads, addressed by id * unit.
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

/*
 * Lists: groups of codes are placed `per` to a block, or, if per = 0, packed through the payloads;
 * likewise fine codes.
 */
typedef struct SealedLists
{
	uint32		centroids;		/* uid of the centroids' segment; 0: a graph, no lists */
	uint32		count;
	BlockNumber list;			/* block within the extent: a SealedList each */
	BlockNumber codes;			/* groups; 0: none */
	BlockNumber fine;			/* 0: none */
	uint32		code_bytes;		/* of a row's code, without its factors */
	uint32		group_size;
	uint32		groups_per_block;
	uint32		fine_size;
	uint32		fines_per_block;
	float		distance;		/* mean squared distance of the rows from their centroids */
} SealedLists;

/* Rows of a list have consecutive numbers, and its codes begin a group. */
typedef struct SealedList
{
	uint32		row;			/* the first */
	uint32		rows;
	uint32		group;			/* the first */
} SealedList;

/*
 * What a search of a METHOD_DISK segment walks by: arrays by the numbers of nodes, of codes, each
 * after its DiskCode, and, if the segment has no vectors, of DiskNodes; and one of cells.  A code
 * is relative to the centroid of a cell, which is a code after its DiskCell, relative to the mean,
 * or, if cell_bits is DISK_CELL_FLOATS, floats.
 *
 * A segment with vectors may have axes, an AxesPlan and the axes (quantize/axes.h).  Its codes are
 * along these, each after a DiskShortCode, and its cells are runs of DISK_CELL_NODES nodes.
 *
 * Elements are placed as many to a block as fit, or packed through the payloads
 * (elements_per_block).  If the segment has vectors, nodes of level 0, the segment's cold blocks,
 * have both vector and neighbours.
 */
typedef struct SealedDisk
{
	BlockNumber codes;			/* block within the extent; 0: another kind of segment */
	BlockNumber links;			/* block within the extent; 0: they are in the nodes of level 0 */
	uint32		code_size;		/* of a DiskCode or DiskShortCode and its code */
	uint32		link_size;		/* of a DiskNode with its neighbours */
	uint16		bits;			/* of a code, for a dimension */
	uint16		degree;			/* the largest number of neighbours */
	uint16		id_size;		/* bytes of a neighbour's number */
	uint16		cell_bits;		/* of a centroid's code, for a dimension */
	BlockNumber cells;			/* block within the extent */
	uint32		cell_size;		/* of a DiskCell and its code */
	uint32		cell_count;
} SealedDisk;

#define DISK_CELL_FLOATS	32

typedef struct DiskCode
{
	float		a;				/* see FineFactors */
	uint16		b;				/* bfloat16 */
	uint16		error;			/* bfloat16, rounded up */
	uint32		cell;
} DiskCode;

typedef struct DiskShortCode
{
	uint16		a;				/* both are bfloat16 */
	uint16		b;
} DiskShortCode;

/* A centroid is `scale` times the levels of its code, counted from their middle. */
typedef struct DiskCell
{
	float		scale;
	float		norm;			/* squared */
} DiskCell;

/* A node's rows and neighbours, whose numbers follow, the least significant byte first. */
typedef struct DiskNode
{
	ItemPointerData tid;		/* TID of its first row, which has the node's number */
	uint16		links;			/* how many neighbours */
	uint32		extra;			/* the first of its other rows */
	uint32		extras;			/* how many */
} DiskNode;

/*
 * What a search of a METHOD_INVERTED segment reads: arrays of a SealedTerm for each dimension that
 * a row has, in ascending order, and of a SealedChunk for each window of a dimension's rows, as
 * many to a block as fit; and blocks of postings, all full but the last one.
 */
typedef struct SealedInverted
{
	BlockNumber terms;			/* block within the extent; 0: another kind of segment */
	BlockNumber chunks;
	BlockNumber postings;
	uint32		term_count;
	uint32		chunk_count;
	uint32		posting_blocks;
} SealedInverted;

typedef struct SealedTerm
{
	uint32		dim;
	uint32		chunk;			/* the first */
	uint32		chunks;
} SealedTerm;

/*
 * Of SPACE_WORDS: the dimension of a term is its number, and a dictionary has the texts of the
 * terms in bytewise order, in blocks (DictionaryBlock): levels of a tree, the lowest one first, its
 * root in the last block.  A row's weights are those of inverted/words.h.
 */
typedef struct SealedWords
{
	BlockNumber dictionary;		/* block within the extent; 0: dimensions are numbers */
	uint32		blocks;			/* of the dictionary */
	float		k1;				/* by which weights were computed, */
	float		b;
	float		mean;			/* and the mean length */
	float		least;			/* length of a row, */
	float		greatest;
	uint32		length[2];		/* and the sum of all: a double */
} SealedWords;

/*
 * Of SPACE_WORDS, in place of terms, chunks and postings: `classes` classes of lengths in units, 16
 * bytes each, and then the class of each row, a byte (inverted/lengths.h); and the lists
 * of terms, one after the other without gaps.  The dictionary names terms by the bytes before their
 * lists, and its entries have numbers (text/number.h) in place of the fields of a DictionaryEntry.
 *
 * A list has the number of windows that it has rows in.  Then it has for each window the number of
 * windows before it that follow the last one, the number of rows, a byte, and the bytes of the
 * window's postings; and then these, all of them as inverted/packed.h has them.  The byte, divided
 * by 255, is at least tf / (tf + K) of every row; it times k1 + 1 is a weight.
 *
 * If rows have no documents, level 0 has no blocks, and a SealedRow has the row's length.
 */
typedef struct SealedPacked
{
	BlockNumber lengths;		/* block within the extent; 0: there are SealedTerms */
	uint32		classes;
	BlockNumber lists;
	uint32		list_blocks;
	uint32		terms;
	uint32		scale;			/* units that are 1 */
} SealedPacked;

/*
 * The head of a block of the dictionary.  Texts follow, each after a DictionaryEntry, without gaps.
 * Entries of the lowest level name terms; an entry of another one names a block of the dictionary
 * and has the first text there.
 */
typedef struct DictionaryBlock
{
	uint16		level;
	uint16		count;			/* entries */
	uint32		size;			/* bytes of the block */
} DictionaryBlock;

typedef struct DictionaryEntry
{
	uint16		shared;			/* bytes that are those of the text before */
	uint16		rest;			/* bytes that follow */
	uint16		number[2];		/* the lower half first */
} DictionaryEntry;

/* Rows of a dimension whose numbers are those of a window. */
typedef struct SealedChunk
{
	uint64		first;			/* posting */
	uint32		count;
	uint32		window;
	float		low;			/* see ImpactRange */
	float		step;
} SealedChunk;

#define BLOCK_POSTING_COUNT	(PAYLOAD_SIZE / (sizeof(uint16) + sizeof(uint8)))

/* Row numbers, relative to the window, and codes of weights. */
typedef struct PostingBlock
{
	uint16		rows[BLOCK_POSTING_COUNT];
	uint8		codes[BLOCK_POSTING_COUNT];
} PostingBlock;

/* The head of a group of rows of a list or a graph; their codes follow. */
typedef struct ListGroup
{
	float		a[CODE_GROUP];
	uint16		b[CODE_GROUP];	/* bfloat16 */
	uint16		error[CODE_GROUP];	/* bfloat16, rounded up: see RabitqFactors.error */
} ListGroup;

typedef struct CentroidsHeader
{
	uint32		lists;
	uint32		width;			/* floats of a centroid */
	uint64		rows;			/* number of rows of the index at the training */
	float		distance;		/* mean squared distance of the sample from its centroids */
	uint32		codebook_size;	/* bytes */
	BlockNumber centroids;		/* block within the extent; floats, one after the other */
	BlockNumber codebooks;
} CentroidsHeader;

#define SEGMENT_MAX_ATTRIBUTES	31	/* an index has 32 columns at most */

/*
 * A column of attributes: see attribute/column.h.  The parts of all columns follow each other
 * without gaps, in the blocks after the header.  First come the columns of the index, then, in
 * their order, those of the elements of attributes that are arrays.
 */
typedef struct SealedAttribute
{
	uint16		width;			/* bytes of a value, or ATTRIBUTE_VARYING */
	uint16		code_size;
	uint32		values;			/* number of distinct values */
	uint32		nulls;			/* rows without a value, or with an element that is NULL */
	BlockNumber part[ATTRIBUTE_PARTS];	/* block within the extent where a part begins, */
	uint16		start[ATTRIBUTE_PARTS];	/* and byte of its payload */
	uint16		unused;
	uint32		entries;		/* of the lists of elements of arrays; 0: a column of values */
	uint32		spare[3];		/* zero */
} SealedAttribute;

typedef struct SealedHeader
{
	uint32		nodes;			/* of level 0 */
	uint32		rows;			/* row i < nodes is the first of node i; the others follow */
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
	SealedLists lists;

	/* since version 3 */
	uint32		blocks;			/* of the extent, wherever they are */
	BlockNumber cold;			/* first of the blocks that only the best candidates need */
	BlockNumber codes;			/* groups of nodes' own codes, by first row; 0: none */
	uint32		code_size;		/* of a group */
	uint32		attribute_count;
	SealedAttribute attributes[SEGMENT_MAX_ATTRIBUTES];
	SealedDisk	disk;
	/* EXTENT_STORED, else 0: the first of the blocks that only a stored extent has, which */
	BlockNumber added;			/* come before the cold ones: arrays of its method, */
	BlockNumber manifest;		/* and the manifest, up to `cold` */
	SealedInverted inverted;
	BlockNumber axes;			/* METHOD_DISK: block within the extent; 0: none */
	SealedWords words;
	SealedPacked packed;
	uint32		exact;			/* a coded graph: estimates must not round the query */
	uint32		spare[2];		/* zero */
} SealedHeader;

/*
 * Where the cold blocks of a stored extent are: they are one object, in order, whose pages are as
 * those of the file, but for their place in the WAL.  The CRC-32C of each page follows.
 */
typedef struct StoredManifest
{
	uint32		blocks;			/* of the object */
	uint32		uid;			/* that its pages have */
	Oid			server;			/* the object store, */
	uint32		unused;
	TimestampTz stored;
	uint8		sha256[32];		/* of the object */
	char		server_name[64];	/* and its name, by which it is found after an upgrade */
	char		key[320];
} StoredManifest;

/* At the start of the payload of the first tombstone block: how many bits are set in all. */
typedef struct TombstoneHeader
{
	uint32		dead;
	uint32		unused;
} TombstoneHeader;

typedef struct SealedRow
{
	ItemPointerData tid;
	uint16		upper;			/* SealedPacked without documents: see sealed_row_length */
	uint32		node;			/* id */
} SealedRow;

/* The length of a row without a document, in units. */
static inline uint64
sealed_row_length(const SealedRow *row)
{
	return (uint64) row->upper << 32 | row->node;
}

static inline void
sealed_set_row_length(SealedRow *row, uint64 length)
{
	row->upper = (uint16) (length >> 32);
	row->node = (uint32) length;
}

#define SEALED_ROWS			(PAYLOAD_SIZE / sizeof(SealedRow))	/* of a block */

/* The head of a node. */
typedef struct SealedNode
{
	ItemPointerData tid;		/* TID of its first row */
	uint16		links;			/* how many neighbours */
	uint32 extra; /* the first of its other rows; above level 0, its id one level down */
	uint32		extras;			/* how many */
	float		error;			/* at most the distance between the vector and what is stored */
	float		low;			/* bytes, sq8: a value is low + step * byte; half: step * half */
	float		step;			/* 0, and if storage is lossy -1: the vector is stored as it is */
	float		scale;			/* cosine: one over the vector's norm; ip: the norm */
	uint32		row;			/* number of its first row */
} SealedNode;

typedef struct GrowingHeader
{
	uint32		room;			/* rows */
	uint32		rows;			/* number of rows, all of them complete */
	uint32		closed;			/* no more rows */
	uint32		padded;			/* rotated dimensions that have signs; 0: none */
	uint32		group_size;
	uint32		groups_per_block;
	BlockNumber groups;			/* block within the extent */
	BlockNumber vectors;
	uint32		vector_blocks;
	BlockNumber mean; /* block within the extent, `padded` floats; 0: codes are of the vectors */
	uint64		used;			/* bytes of the vectors' payloads in use */
	uint32		burials;		/* changes of tombstones */

	/* of an index with attributes, else 0 */
	BlockNumber attributes;		/* block within the extent: records, each after its size (uint16) */
	uint32		attribute_blocks;
	uint32		waiting;		/* bytes of the last records, which are not in these blocks yet */
	uint64		attribute_used; /* bytes of all records */
	uint32		spare[14];		/* zero */
} GrowingHeader;

/* The payload of the first block of a growing segment. */
typedef struct GrowingFirst
{
	GrowingHeader header;
	char		records[1024];	/* those that wait */
} GrowingFirst;

/*
 * The head of a group of 32 rows; their codes follow, and, in an index with attributes, the offsets
 * of the rows' records, in units of 4 bytes (uint32).
 */
typedef struct GrowingGroup
{
	float		a[CODE_GROUP];
	float		error[CODE_GROUP];
	uint32		offset[CODE_GROUP];	/* of the vector in the payloads, in units of 4 bytes */
	uint16		b[CODE_GROUP];
	ItemPointerData tids[CODE_GROUP];
	uint32		dead;			/* a bit a row */
	uint32		unused[7];
} GrowingGroup;

StaticAssertDecl(sizeof(BlockHeader) == 12, "format of BlockHeader");
StaticAssertDecl(SizeOfPageHeaderData + sizeof(BlockHeader) <= PAYLOAD_START, "room of headers");
StaticAssertDecl(sizeof(SegmentEntry) == 40, "format of SegmentEntry");
StaticAssertDecl(offsetof(Directory, entries) == 88, "format of Directory");
StaticAssertDecl(sizeof(NodeLayout) == 40, "format of NodeLayout");
StaticAssertDecl(sizeof(SealedLists) == 44, "format of SealedLists");
StaticAssertDecl(sizeof(SealedList) == 12, "format of SealedList");
StaticAssertDecl(sizeof(SealedDisk) == 36, "format of SealedDisk");
StaticAssertDecl(sizeof(DiskCode) == 12, "format of DiskCode");
StaticAssertDecl(sizeof(DiskShortCode) == 4, "format of DiskShortCode");
StaticAssertDecl(sizeof(AxesPlan) == 88, "format of AxesPlan");
StaticAssertDecl(sizeof(DiskCell) == 8, "format of DiskCell");
StaticAssertDecl(sizeof(DiskNode) == 16, "format of DiskNode");
StaticAssertDecl(sizeof(SealedInverted) == 24, "format of SealedInverted");
StaticAssertDecl(sizeof(SealedWords) == 36, "format of SealedWords");
StaticAssertDecl(sizeof(SealedPacked) == 24, "format of SealedPacked");
StaticAssertDecl(sizeof(DictionaryBlock) == 8, "format of DictionaryBlock");
StaticAssertDecl(sizeof(DictionaryEntry) == 8, "format of DictionaryEntry");
StaticAssertDecl(sizeof(SealedTerm) == 12, "format of SealedTerm");
StaticAssertDecl(sizeof(SealedChunk) == 24, "format of SealedChunk");
StaticAssertDecl(sizeof(PostingBlock) <= PAYLOAD_SIZE, "a block of postings");
StaticAssertDecl(sizeof(ListGroup) == 256, "format of ListGroup");
StaticAssertDecl(sizeof(CentroidsHeader) == 32, "format of CentroidsHeader");
StaticAssertDecl(DIRECTORY_MAX_ENTRIES == 201, "as many as version 2 had");
StaticAssertDecl(sizeof(SealedAttribute) == 60, "format of SealedAttribute");
StaticAssertDecl(offsetof(SealedHeader, blocks) == 124 + 12 * GRAPH_LEVELS,
				 "format of SealedHeader of version 2");
StaticAssertDecl(sizeof(SealedHeader) == 2244, "format of SealedHeader");
StaticAssertDecl(sizeof(StoredManifest) == 440, "format of StoredManifest");
StaticAssertDecl(sizeof(GraphEntryGroup) == 320, "format of GraphEntryGroup");
StaticAssertDecl(sizeof(SealedRow) == 12, "format of SealedRow");
StaticAssertDecl(sizeof(SealedNode) == 36, "format of SealedNode");
StaticAssertDecl(sizeof(GrowingHeader) == 128, "format of GrowingHeader");
StaticAssertDecl(sizeof(GrowingFirst) == 1152, "format of GrowingFirst");
StaticAssertDecl(sizeof(GrowingGroup) == 672, "format of GrowingGroup");

#define BlockGetHeader(page)	((BlockHeader *) PageGetContents(page))
#define BlockGetPayload(page)	((char *) (page) + PAYLOAD_START)
#define BlockGetDirectory(page)	((Directory *) BlockGetPayload(page))

#endif							/* VECTOR_SEGMENT_FORMAT_H */
