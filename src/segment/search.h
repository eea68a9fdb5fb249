/*
 * search.h - how a search of an index reads its segments, whatever their kind
 *
 * A search opens every live segment and goes on in rounds.  In a round, a segment is searched
 * further and gives the search the rows that it finds (found).  It may also know rows whose
 * distances have not been computed, only lower bounds: these wait.  A search that needs the nearest
 * rows takes the waiting row with the least bound of all segments (next), until its best results
 * are nearer than all bounds.
 *
 * Rows are left out by their numbers in the segment, for whatever reason: see ExcludedRows.
 */
#ifndef VECTOR_SEGMENT_SEARCH_H
#define VECTOR_SEGMENT_SEARCH_H

#include "segment/sealed.h"

typedef struct SegmentSearch SegmentSearch;
typedef struct SegmentScan SegmentScan;

/* What is left may usually be nearer than estimated by this factor. */
#define SEARCH_MARGIN	1.02f

/*
 * The same for rows that the executor filters, of a search that keeps what it leaves: the LIMIT
 * ends the scan soon after rows of several rounds have passed, before nearer ones come that were
 * left.
 */
#define KEPT_MARGIN		1.04f

/*
 * How far the next round of a segment goes.  The access method sets it; each kind of segments takes
 * what concerns it.
 */
typedef struct SearchEffort
{
	/* graphs */
	uint32		candidates;		/* that are kept */
	uint32		wanted;			/* see graph_search_limit; 0: no limit */
	float		reach;			/* see graph_search_limit */
	float		crowd;			/* see graph_search_expect */
	float		known;			/* no row farther than this is wanted; INFINITY: not known */
	float		within;			/* likewise, until others are asked for: they may wait */
	bool		few;			/* few rows are so near, as others have compared these rows */
	float		sigmas;			/* as CODE_SIGMAS, of codes compared for `within`; 0: as many */
	float		patience;		/* see graph_search_limit */
	bool		extend;			/* further rounds look for `wanted` rows */
	bool		keep;			/* keep other candidates for further rounds */
	uint64		rows;			/* that the LIMIT takes; 0: not known */
	float		margin;			/* like SEARCH_MARGIN */

	/* lists */
	uint32		lists;			/* that will be searched in these and the next rounds */
	uint32		rank;			/* of the list that is searched */
	float		threshold;		/* no row farther than this is wanted */
	bool		estimate;		/* order rows without vectors by estimates, in place of bounds; */
	uint64		fetches;		/* so many visible ones may be fetched from the table */

	/*
	 * Rows of stored segments that wait: so many are read together from the store; or only those
	 * are taken that are at hand.
	 */
	uint32		stored_at_once;
	bool		at_hand;

	/* inverted lists: `candidates`, and */
	double		drop_ratio;		/* of the query's weights, the smallest, that find no rows */
} SearchEffort;

/*
 * What rounds of lists have compared: rows that are not excluded, and all rows whose codes or
 * vectors had to be read for them.
 */
typedef struct ComparedRows
{
	uint64		left;
	uint64		read;
} ComparedRows;

/* One search of an index. */
struct SegmentSearch
{
	Relation	index;
	CachedIndex *cached;		/* held */
	const Space *space;
	const SpaceQuery *query;
	ScanStatistics *statistics;
	SearchEffort effort;
	ComparedRows compared;
	bool		incomplete;		/* see search_leave_out */
	BlockBatch *together;		/* rounds add to it what they have to wait for; NULL: they wait */
	void	   *shared;			/* by scans of one method, which defines it; NULL at first */

	/* Takes a row that a round has found. */
	void		(*found) (SegmentScan *scan, const GraphFound *found);

	/* Whether the search may get this many more rows, with so much more memory; NULL: always. */
	bool		(*allows) (SegmentSearch *search, uint64 rows, Size memory);

	/*
	 * For rows whose vectors the index does not keep: sets distance and bound of a row of the
	 * table; returns false if it is not visible.
	 */
	bool		(*fetch) (SegmentScan *scan, const FoundRow *row, GraphFound *found);

	/*
	 * Of a participant of a parallel scan: takes the next run of the nodes of a divided segment,
	 * which no other participant has; false if none is left.  Their first rows' numbers begin with
	 * a multiple of 64.  NULL: the scan is alone.
	 */
	bool		(*take_run) (SegmentScan *scan, uint32 *first, uint32 *end);

	/* Has rows of the table read together that will probably be fetched. */
	void		(*expect) (SegmentSearch *search, const ItemPointerData *tids, int count);
};

typedef enum SegmentRound
{
	ROUND_DONE,					/* there may be others */
	ROUND_LAST,					/* done, and the last one */
	ROUND_REFUSED,				/* not done, because the search does not allow it */
	ROUND_WAITS					/* not done: goes on once SegmentSearch.together has been read */
} SegmentRound;

/* How a kind of segments is read. */
typedef struct SegmentReader
{
	/*
	 * Opens a segment, in the current memory context; of a sealed one, `segment` is what is held in
	 * memory, else NULL.  A growing segment excludes its dead rows itself.
	 */
	SegmentScan *(*open) (SegmentSearch *search, const SegmentEntry *entry,
						  CachedSegment *segment, const ExcludedRows *excluded);

	/*
	 * Adds to a batch what the next rounds read of an object store in any case.  NULL: that is not
	 * known before.
	 */
	void		(*expect) (SegmentScan *scan, BlockBatch *batch);

	/* Does a round: gives the rows found to search->found.  NULL: all rows wait from the start. */
	SegmentRound (*round) (SegmentScan *scan);

	/*
	 * Whether a row waits, and the least bound of any; computes the distance of that row, or
	 * returns false if it is not visible or no result.  Both are NULL if no rows ever wait.
	 */
	bool		(*waiting) (SegmentScan *scan, float *bound);
	bool		(*next) (SegmentScan *scan, GraphFound *found);

	/* Has what `next` will read of memory brought near, while others are compared; or NULL. */
	void		(*bring_near) (SegmentScan *scan);

	/*
	 * For segments in an object store, of which the next rows are read together, and with those of
	 * other segments: whether `next` can do with what is at hand.  If not, the search has rows
	 * asked for: `unread` is the least bound of those that have not been, like `waiting`, and `ask`
	 * adds to a batch what has to be read of that row.  `asked` says that it has been read.  NULL,
	 * all of them: `next` reads by itself.  `enough` is a distance within which there probably are
	 * as many rows as are wanted, so that what seems to be farther need not be asked for at once;
	 * INFINITY, or NULL: it is not known.
	 */
	bool		(*ready) (SegmentScan *scan);
	bool		(*unread) (SegmentScan *scan, float *bound);
	float		(*enough) (SegmentScan *scan);	/* or NULL */
	void		(*ask) (SegmentScan *scan, BlockBatch *batch);
	void		(*asked) (SegmentScan *scan);	/* or NULL */
	bool		ordered;		/* rows that waited come in the order of their distances */
	bool		divided;		/* participants of a parallel scan each search a part of it */

	/*
	 * Whether rows that a search has found dead are left out of those after it (cache_note_dead).
	 * What a walk of a graph finds depends on the rows that are left out: by these its answers
	 * would depend on what else the session has searched for.
	 */
	bool		leaves_dead;

	/*
	 * Rows that further rounds find are hardly nearer than this, however estimates err; NULL: there
	 * is nothing to be known of them.
	 */
	float		(*left) (SegmentScan *scan);

	/*
	 * A found row and those with an equal vector, palloc'd if more than one; *single has room for
	 * one.  NULL: the TID is the tag, the number is the id.
	 */
	int			(*rows) (SegmentScan *scan, const GraphFound *found, FoundRow *single,
						 FoundRow **rows);
} SegmentReader;

/* A segment that is read; the state of each kind, made by `open`, begins with it. */
struct SegmentScan
{
	const SegmentReader *reader;
	SegmentSearch *search;
	uint32		number;			/* among the segments of the search, which sets it */
	bool		eager;			/* waiting rows are taken in any case: there are no bounds */
};

/*
 * Unless vector.tier_wait is on, a search leaves out what it would have to wait for from an object
 * store.  The first time it issues a warning.
 */
static inline void
search_leave_out(SegmentSearch *search)
{
	if (!search->incomplete)
		ereport(WARNING,
				(errmsg("rows of index \"%s\" that are in an object store are left out",
						RelationGetRelationName(search->index)),
				 errhint("Set vector.tier_wait to on to wait for them.")));
	search->incomplete = true;
}

/* Gives the search of a SegmentScan a row that a round has found. */
static inline void
segment_give_row(void *scan, const GraphFound *found)
{
	((SegmentScan *) scan)->search->found(scan, found);
}

#endif							/* VECTOR_SEGMENT_SEARCH_H */
