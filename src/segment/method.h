/*
 * method.h - a kind of sealed segments: how they are chosen for a merge, made, and read
 *
 * src/segment calls the functions of an index's SegmentMethod and knows no method by name.  Each
 * method is a room of its own with one table of functions, which src/am/handler.c registers.
 */
#ifndef VECTOR_SEGMENT_METHOD_H
#define VECTOR_SEGMENT_METHOD_H

#include "segment/attributes.h"
#include "segment/directory.h"
#include "segment/row.h"

/* See cache.h. */
typedef struct CachedIndex CachedIndex;
typedef struct CachedSegment CachedSegment;

/* See sealed.h. */
typedef struct SealedScan SealedScan;

typedef enum BuildPhase
{
	BUILD_LOADING, BUILD_GRAPH, BUILD_WRITING
} BuildPhase;

/* Reports how far a build or a merge is: the phase, and nodes done of how many. */
typedef void (*BuildProgress) (BuildPhase phase, uint64 done, uint64 total);

/* Shows a property of a segment: of one of several items, or (-1) of all. */
typedef void (*SegmentShow) (void *arg, const char *property, int64 item, double value);

typedef struct SegmentMethod SegmentMethod;
typedef struct SegmentMaking SegmentMaking;

/* Segments that are to be replaced, the inputs, and what makes their replacements. */
typedef struct SegmentJob
{
	Relation	index;
	Relation	heap;			/* NULL if it is not open */
	MemoryContext context;		/* holds everything that belongs to the job */
	MemoryContext caller;
	const SegmentMethod *method;
	Space		space;
	uint32		m;				/* graphs: the index's m */
	CachedIndex *cached;		/* held; set once the inputs are chosen */
	SegmentEntry *inputs;		/* claimed; `rows` of a sealed input counts its live rows */
	int			input_count;
	bool		renewed;		/* what the segments share is to be made again */
	bool		hurried;		/* rows are inserted faster than they are sealed */
	BuildProgress progress;		/* or NULL */

	/* For builds to call for each segment that is ready; reserves an extent and has it written. */
	void		(*ready) (SegmentMaking *making, void *arg);
	void	   *arg;
} SegmentJob;

/*
 * Segments being made, from rows or from other segments.  The state of each method's builds and
 * merges begins with this struct.
 */
struct SegmentMaking
{
	/*
	 * Set before `write`: the columns of the segment, or NULL.  The extent has blocks for them;
	 * `write` leaves room (attributes_place), and whoever set them writes them.
	 */
	const SegmentAttributes *attributes;

	/*
	 * Builds: adds a row, which may complete a segment first; completes the last segment.  Both are
	 * NULL for merges, whose only segment is ready from the beginning.
	 */
	void		(*add) (SegmentMaking *making, const SegmentRow *row);
	void		(*finish) (SegmentMaking *making);

	/*
	 * Of the segment that is ready: the number of blocks that it needs, and of its source rows.
	 * Those of a build are the rows added since the previous segment was ready; those of a merge
	 * are all rows of the inputs, one input after the other.  A merge of rows that all are dead
	 * needs no block, and there is no segment.
	 */
	uint32		blocks;
	uint64		rows;
	/* Writes the segment into a reserved extent, and sets the entry's number of rows. */
	void		(*write) (SegmentMaking *making, SegmentEntry *output);

	/*
	 * After `write`: the number in the segment of the i-th source row; of a dead one NO_ROW,
	 * already when the segment is ready.
	 */
	uint32		(*row_number) (SegmentMaking *making, uint64 i);

	/* After the segments are published, or failed to be: releases what is still held.  Or NULL. */
	void		(*end) (SegmentMaking *making);
};

/*
 * What is different in a segment once its cold blocks are in an object store (tiering.h).  It may
 * have arrays in addition, which save searches from reading cold blocks.
 */
typedef struct SegmentTiering
{
	/* Where the blocks begin that go to the store; 0: it is not worth it. */
	BlockNumber (*cold) (const SealedHeader *header);

	/*
	 * Places these arrays from a place on, or (0) says that there are none; returns the number of
	 * their blocks.  `write` writes them from those of the segment.  NULL: none, for both.
	 */
	uint32		(*place) (SealedHeader *header, BlockNumber place);
	void		(*write) (SealedScan *scan, const SealedHeader *header, Extent output);
} SegmentTiering;

struct SegmentMethod
{
	SpaceMethod id;
	const char *name;			/* that vector_segments() shows */

	/* Sets the fields of a Space in which this method differs from a graph; or NULL. */
	void		(*init_space) (Space *space, const Directory *directory);

	/*
	 * Choosing.  row_memory is what a row takes while segments are built, in bytes; NULL if
	 * may_merge is always true.
	 */
	Size		(*row_memory) (const Space *space, uint32 m);
	/* The number of blocks that a segment may have; NULL: as many as its rows need. */
	uint64		(*max_blocks) (const Space *space);
	/* Whether sealed segments can be merged without building, with a few bytes of memory a row. */
	bool		(*may_merge) (const Space *space);
	/* Whether searches gain so much by fewer segments that idle workers should merge them. */
	bool		(*gains_by_merging) (const Space *space);
	/* Whether a sealed segment may be replaced; NULL: always. */
	bool		(*allows) (Relation index, const Space *space, const SegmentEntry *entry);
	/* Whether what all segments share is out of date; NULL: never. */
	bool		(*is_outdated) (Relation index, const Space *space, const Directory *directory);

	/*
	 * Making.  The method for segments of this few rows, which may be another; NULL: always this
	 * one.
	 */
	const SegmentMethod *(*for_rows) (const Space *space, uint64 rows);
	/* Whether the inputs are to be merged, rather than built from their rows. */
	bool		(*merges) (const SegmentJob *job);
	SegmentMaking *(*from_segments) (const SegmentJob *job);
	SegmentMaking *(*from_rows) (const SegmentJob *job);
	/* After a replacement: retires what only replaced segments shared; or NULL. */
	void		(*retire) (Relation index);

	/*
	 * Reading.  Loads what every search of a segment needs, in the segment's memory context, and
	 * releases what is not in that (NULL: nothing, for both).
	 */
	void		(*load) (CachedSegment *segment, Relation index);
	void		(*unload) (CachedSegment *segment);

	/* NULL: segments are not tiered. */
	const SegmentTiering *tiering;

	/* How it is searched: see search.h. */
	const struct SegmentReader *reader;

	/* Shows what a segment consists of, besides what all have: see vector_inspect.  Or NULL. */
	void		(*inspect) (SealedScan *scan, SegmentShow show, void *arg);

	/*
	 * Calls back for each live row, in order, of a segment whose rows have no nodes of level 0;
	 * false: they have.  NULL: all have.
	 */
	bool		(*each_row) (SealedScan *scan, SegmentRowCallback callback, void *arg);

	/* Raises an error if a segment is damaged.  Returns what check_vector is given, or NULL. */
	void	   *(*check) (SealedScan *scan);

	/*
	 * Raises an error if what a segment without vectors has of a row does not fit the row's vector;
	 * NULL if `check` compares all with vectors.
	 */
	void		(*check_vector) (SealedScan *scan, const void *checked, uint32 row,
								 const char *payload);
};

extern void segment_register(const SegmentMethod *method);

/* The method of an index: its sealed segments are made by it, or by what it hands few rows to. */
extern const SegmentMethod *segment_method(const Space *space);

/* The method of a sealed segment; NULL for one that is not registered. */
extern const SegmentMethod *segment_method_of(const SegmentEntry *entry);

/* The space of an index, by its directory. */
extern void segment_space(const Directory *directory, Space *space);

#endif							/* VECTOR_SEGMENT_METHOD_H */
