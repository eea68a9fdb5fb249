/*
 * scan.h - scans of all access methods: what they share, and what each does in its own way
 *
 * A scan searches every live segment and merges what it finds by distance.  Rows that the segments
 * have found are results, in a heap; rows that wait in the segments become results while their
 * bounds are less than the distance of the first one.  When no result is left, or the first must
 * wait, the access method searches further (ScanMethod.go_on).  Results found too late to be
 * returned in order are late: the access method decides when they take their turn.
 */
#ifndef VECTOR_AM_SCAN_H
#define VECTOR_AM_SCAN_H

#include "pg_compat.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "port/atomics.h"
#include "portability/instr_time.h"

#include "am/bound.h"
#include "am/fetch.h"
#include "am/participants.h"
#include "am/returned.h"
#include "segment/filter.h"
#include "segment/search.h"

typedef struct VectorScan VectorScan;

/* What each access method does in its own way.  The first four are needed. */
typedef struct ScanMethod
{
	Size		size;			/* of its state, which begins with a VectorScan, then zeros */

	/* Sets how far the search goes, opens the segments, and does the first round. */
	void		(*search) (VectorScan *scan);

	/* Begins again among a part of the rows, in segments that scan_reopen opens. */
	void		(*search_again) (VectorScan *scan);

	/*
	 * Called when no result is left, or the nearest must wait: searches further.  Returns false at
	 * the end.
	 */
	bool		(*go_on) (VectorScan *scan);

	/* Whether the nearest result must wait until more is searched. */
	bool		(*must_wait) (VectorScan *scan, float nearest);

	/* Whether a row that was found becomes a result. */
	bool		(*accepts) (VectorScan *scan, const GraphFound *found);
} ScanMethod;

/* A row that one of the segments of a scan has found, and that has not been returned. */
typedef struct ScanResult
{
	GraphFound	found;
	uint32		cursor;
} ScanResult;

/* Where a result is, and its distance, or its bound if they are ordered by bounds. */
typedef struct ResultPlace
{
	float		value;
	uint32		item;
} ResultPlace;

/*
 * Results, the nearest first; of equally near ones the one that comes first in the table.  Only
 * places move in the heap, which are so small that those of many results stay in the processor's
 * cache.  Beyond `count` are the places of the items that are free.
 */
typedef struct ScanResults
{
	ScanResult *items;
	ResultPlace *heap;			/* binary; of `room` places */
	uint64		count;
	uint64		room;
	bool		lossy;			/* ordered by bounds: not all distances are known */
} ScanResults;

/* A segment that is searched. */
typedef struct ScanCursor
{
	SegmentEntry entry;
	CachedSegment *segment;		/* held; NULL: a growing segment */
	ExcludedRows excluded;		/* of the segment */
	SegmentScan *reading;
	bool		searched;		/* there is no further round */
	bool		waits;			/* in a round, for what is in an object store */
	bool		done;			/* no further row is wanted */
	ReturnedSegment returned;	/* of an index-only scan */
	uint64		within;			/* rows found within the limit */
	uint64		beyond;			/* rows beyond it found since, in whole rounds */
} ScanCursor;

/*
 * What the participants of a parallel scan share.  They search the segments that the first one has
 * read; one that begins when the directory has changed since takes no part.  Segments whose readers
 * can are divided, by their lists or by runs of their rows, which participants take one after the
 * other.  Other segments are small, and each is taken whole.
 *
 * What follows when runs have been taken, for the rows that are returned, is most of the work.  So
 * the leader, which begins before its workers have started, leaves them their parts, which are as
 * large as they are fast; but a participant that sees nobody take a run for a while takes what is
 * left.
 */
typedef struct ScanShared
{
	uint64		id;				/* of the scan; see participants.h */
	pg_atomic_uint64 change;	/* of the first participant's directory */
	pg_atomic_uint32 participants;	/* as many as have been started; 0: not known yet */
	pg_atomic_uint32 whole;		/* segments that have been taken whole */
	pg_atomic_uint64 taken;		/* ranks of lists, or rows of all divided segments, taken */
	pg_atomic_uint32 active;	/* participants still in the first round of lists */
	pg_atomic_uint64 left;		/* what they have compared in lists: see ComparedRows */
	pg_atomic_uint64 read;
} ScanShared;

/* How fast a participant of a parallel scan and the others take runs; in milliseconds. */
typedef struct SharePace
{
	double		busy;			/* with the runs that it has taken */
	instr_time	run_begun;		/* the last of these */
	uint64		others;			/* rows that they had taken when that was seen first; */
	instr_time	others_begun;	/* and when that was */
} SharePace;

/* The state of a scan; that of each access method begins with it. */
struct VectorScan
{
	SegmentSearch search;
	const ScanMethod *method;
	IndexScanDesc desc;
	MemoryContext context;		/* of one rescan */
	ScanStatistics before;		/* sum of the searches before a rescan */
	uint64		share_id;		/* ScanShared.id; 0: not known, or not parallel */
	ParticipantReport own;		/* of a participant: the searches before a rescan */

	/* all that follows, like `search`, is of one rescan */
	ScanStatistics statistics;
	ScanShared *shared;			/* by the participants of a parallel scan, or NULL */
	uint32		whole;			/* segments seen that one of them takes whole */
	uint64		taken;			/* rows of runs that this one has taken, */
	uint64		runs;			/* so many runs, or lists */
	bool		takes_more;		/* than its part, as others do not */
	SharePace	pace;
	ScanBound  *bound;			/* or NULL */
	int			effort;			/* how far it goes; 0: it did not begin */
	double		effort_exact;	/* which was rounded up */
	double		effort_rows;	/* for which that follows from a recall; 0: there are no curves */
	double		effort_share;	/* of all rows, that was expected to pass */
	double		effort_changed; /* the part of the rows that are newer than the curves */
	SpaceQuery	query;
	bool		query_is_null;
	bool		started;
	bool		ended;
	bool		timed;			/* this call is the first, and its time is counted */
	MergedScan *merged;			/* see scan_bound_merged */
	bool		counted;		/* it is a part of a search that has been counted */
	NearestFound *nearest;		/* what this and other scans have found, or NULL */
	double		limit;			/* rows surely farther are not returned */
	AttributeFilter *filter;	/* conditions on attributes; NULL: none */
	ScanCursor *cursors;
	int			cursor_count;
	ScanResults results;		/* found, not yet returned */
	ScanResults late;			/* found too late to be returned in order */
	bool		takes_late;		/* these are returned now */
	ScanResult	current;		/* that was returned last */
	float		last;			/* no result with a lesser key is returned, unless relaxed */
	bool		filtered;		/* the executor filters rows, in the order of their keys */
	bool		adaptive;		/* it may be begun again among those that pass */
	bool		among;			/* it is among rows that another node has found */
	bool		finds_late;		/* another node finds rows once few pass */
	uint64		passed;			/* see scan_bound_passed, as known by the last call */
	uint64		given_passed;	/* rows of this rescan that have passed */
	uint64		returned;		/* results */
	uint64	   *given;			/* them, if they are noted; sorted when they are left out */
	uint64		given_count;
	uint64		given_room;
	uint64		left_out;		/* so many of `given`, the first, are no results again */
	uint64		found_again;	/* rows that were left out so */
	uint64		visited;		/* rows that segments have given */
	uint64	   *dead;			/* rows that no transaction can see, noted at the end */
	uint64		dead_count;
	uint64		dead_room;

	FoundRow   *rows;			/* of the current result */
	FoundRow	single;
	int			row_count;
	int			row_next;
	ReturnedRows *answers;		/* of an index-only scan; NULL: no row has been returned */
	TableFetch *table;			/* NULL: no row has been compared there */
	uint64		asked;			/* rows that object stores were asked for, */
	uint32		asked_rounds;	/* in so many rounds */

	/* whether to search among the rows that pass; see search_among_passing */
	uint64		next_look;		/* when so many results have been returned */
	double		worth;			/* see scan_bound_worth; 0: not known yet */

	/* may be set by ScanMethod.search */
	bool		notes_given;	/* results that are returned can be left out later */
	bool		relaxed;		/* results need not be returned in order */
	uint64		most_visited;	/* no waiting rows are taken after so many visits; no limit */
	uint64		most_beyond;	/* a segment is done after so many rows beyond; no limit */
};

/*
 * Opens the live segments, or those that the access method takes; takes may be NULL.  scan_reopen
 * forgets all results, and opens the same segments again.
 */
extern void scan_open(VectorScan *scan,
					  bool (*takes) (VectorScan *scan, const SegmentEntry *entry));
extern void scan_reopen(VectorScan *scan);

/*
 * Makes the filter of the conditions on attributes, and of the rows among which a scan is, or NULL.
 * Tests are left out if not all segments can do them.
 */
extern void scan_make_filter(VectorScan *scan, TidSet *among);

/* Whether rows are left out for conditions, not only because they are dead. */
static inline bool
scan_is_narrowed(const VectorScan *scan)
{
	return scan->filter != NULL || scan->among;
}

/*
 * Leaves out from now on the results that have been returned, which must have been noted: whether
 * one of them is found again.
 */
extern void scan_note_given(VectorScan *scan, const ScanResult *result);
extern void scan_leave_out_given(VectorScan *scan);
extern bool scan_was_given(const VectorScan *scan, const ScanResult *result);

/*
 * Remembers that no transaction can see a row of a cursor's segment, or the row returned last if
 * the executor or an index-only scan has found that in the table; and once the search ends, has
 * later ones of this backend leave such rows out, without the work of finding them, if the
 * segment's reader does (leaves_dead).  A transaction that began during recovery may see what the
 * primary's cannot: in one, nobody says of a row that it is dead.
 */
extern void scan_remember_dead(VectorScan *scan, uint32 cursor, uint32 number);
extern void scan_take_dead(VectorScan *scan);
extern void scan_note_dead(VectorScan *scan);

/*
 * Rounds of several segments that are begun between these wait together for what they need of
 * object stores: they return ROUND_WAITS, and the second call, which may come alone, ends them.
 */
extern void scan_wait_together(VectorScan *scan, BlockBatch *batch);
extern void scan_end_waiting(VectorScan *scan);

/* Whether an open segment is in an object store, and has rows that the conditions leave. */
extern bool scan_any_stored(const VectorScan *scan);

/* Has read together what the next rounds of all segments need of object stores in any case. */
extern void scan_expect(VectorScan *scan);

/*
 * Sets how far a scan goes: as far as the setting of its access method says, or further or less far
 * for vector.target_recall.  Returns so many, or all rows that the LIMIT takes if these are more,
 * but for more than `longest`: one search for all of them does less than several.
 */
extern int	scan_set_effort(VectorScan *scan, int setting, uint32 longest);

/*
 * The rows that the LIMIT takes, of all participants of a parallel scan, or that are expected to be
 * returned by all scans whose rows are merged for these; 0 if not known.
 */
extern uint64 scan_wanted(const VectorScan *scan);

/* Does a round of a segment. */
extern SegmentRound scan_round(VectorScan *scan, ScanCursor *cursor);

/*
 * Has read together the blocks of the table that the first rows are in.  They are probably not at
 * hand where what the search read was not.
 */
extern void scan_expect_results(VectorScan *scan);

/*
 * The segment with the waiting row whose bound is least, if that is not above `most`; NULL if there
 * is none.  What that row needs of an object store has been read, together with what those need
 * that probably come next.
 */
extern ScanCursor *scan_least_waiting(VectorScan *scan, float most);

/* Whether a row waits of which the bound is not above `most`. */
extern bool scan_waits(const VectorScan *scan, float most);

/* Of the waiting rows takes the one with the least bound, if that is not above `most`. */
extern bool scan_take_waiting(VectorScan *scan, float most);

/* Further rounds hardly find a row that is nearer. */
extern float scan_left(const VectorScan *scan);

/* Makes the late rows the results, of which there must be none; false if there are no late rows. */
extern bool scan_take_late(VectorScan *scan);

/* Of IndexAmRoutine. */
extern Size vectorestimateparallelscan(ESTIMATE_PARALLEL_PARAMETERS);
extern void vectorinitparallelscan(void *target);

/* In the leader, to begin a scan: the id of the parallel scan it is of; 0: it is of none. */
extern uint64 scan_take_new_id(void);

/* Whether a participant sees the same segments as the first one; a scan that is alone does. */
extern bool scan_takes_part(const VectorScan *scan);

/*
 * For scan_open: whether a participant searches a segment, a part of it or whole.  One whose reader
 * divides it is opened by all.
 */
extern bool scan_takes_segment(VectorScan *scan, const SegmentEntry *entry);

/*
 * What a participant of a parallel scan leaves out of the segments of a directory where all share
 * what the first of them finds.  That runs other nodes, which may search the same index and have
 * its directory read again: the parameter is a copy of the one by which the scan takes part.
 */
typedef struct SharedExcluded SharedExcluded;

extern const SharedExcluded *scan_share_excluded(VectorScan *scan, const Directory *directory);
extern ExcludedRows scan_shared_excluded(const SharedExcluded *shared, uint32 number);

/* SegmentSearch.take_run. */
extern bool scan_take_run(SegmentScan *reading, uint32 *first, uint32 *end);

/* Adds a result to a heap; removes and returns the first; and shows it, if there is one. */
extern void scan_add_result(ScanResults *results, const ScanResult *result);
extern ScanResult scan_pop_result(ScanResults *results);

static inline const ScanResult *
scan_first_result(const ScanResults *results)
{
	return &results->items[results->heap[0].item];
}

/* Statistics of the last scan of this session. */
extern ScanStatistics last_scan;

/*
 * Counts, from one mark to the other, what a call took of buffers and object stores, and the time,
 * if it is the first of a search.
 */
typedef struct ScanMark
{
	instr_time	begun;
	int64		hit;
	int64		read;
	TierCounters tier;
} ScanMark;

extern void scan_count_begin(VectorScan *scan, ScanMark *mark);
extern void scan_count_end(VectorScan *scan, const ScanMark *mark);

/* Counts the time since then. */
extern void scan_count_time(VectorScan *scan, instr_time begun);

/*
 * What the participants of a parallel scan did, palloc'd; in its leader, which comes first if it
 * took part.  Returns how many are known; 0: it is not parallel.  Those of workers are forgotten if
 * told so.
 */
extern int	scan_participants(IndexScanDesc desc, bool forget, ParticipantReport **reports);

/* A search has ended, if there was one: reports its statistics. */
extern void scan_count_search(VectorScan *scan);

/*
 * Likewise of what was compared to tell whether to begin a scan, which is a search if none begins.
 */
extern void scan_count_sketch(Relation index, const ScanStatistics *statistics, bool searched);

/* Statistics of one of our scans, with all its rescans. */
extern ScanStatistics scan_statistics(IndexScanDesc desc);

/*
 * How far one of our scans went and why, as text; NULL if no recall was asked for, or it did not
 * begin.
 */
extern char *scan_effort_line(IndexScanDesc desc);

/* Installs a hook for EXPLAIN, in versions that have one. */
extern void scan_explain_init(void);

#endif							/* VECTOR_AM_SCAN_H */
