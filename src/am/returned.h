/*
 * returned.h - answers of index-only scans: the attributes of the rows that a scan returns
 *
 * The executor takes such a row for visible if the visibility map says so of its page.  The row may
 * have been dead when the scan found it, and VACUUM have removed it since, after which the map says
 * that all rows of the page are visible.  So the scan itself looks whether the row is visible: by
 * the map first, and then by the segment's tombstones, which VACUUM sets before the map.  If any
 * have been set since the segment was opened, or the segment has been replaced, the scan looks at
 * the table.  This needs no lock, and holds on a standby as well.
 */
#ifndef VECTOR_AM_RETURNED_H
#define VECTOR_AM_RETURNED_H

#include "pg_compat.h"

#include "access/genam.h"
#include "access/relscan.h"

#include "am/bound.h"
#include "segment/attributes.h"
#include "segment/cache.h"

/* The answers of one search. */
typedef struct ReturnedRows ReturnedRows;

/* A segment that is searched. */
typedef struct ReturnedSegment
{
	SegmentEntry *entry;
	CachedSegment *segment;		/* NULL: a growing segment */
	uint32		changes;		/* of its tombstones before it was opened */
	SealedColumn *columns;		/* its attributes; NULL: not opened yet */
} ReturnedSegment;

/* In the current memory context; the bound may be NULL. */
extern ReturnedRows *returned_begin(IndexScanDesc scan, const ScanBound *bound);
extern void returned_end(ReturnedRows *returned);

/*
 * Gives the executor a row as a tuple of the index's columns; the vector, and attributes that the
 * query does not read, are NULL.  Returns false if the row is not visible, and sets
 * kill_prior_tuple if no transaction can see it.
 */
extern bool returned_row(ReturnedRows *returned, ReturnedSegment *segment, const FoundRow *row);

/*
 * Whether equal values of a type are the same, so that the stored one of them is each of them; 1.0
 * and 1.00 are not.
 */
extern bool attribute_is_exact(Oid type, Oid collation);

/* Tells PostgreSQL which columns of an index can be returned: all that are exact but the vector. */
extern bool vectorcanreturn(Relation index, int column);

#endif							/* VECTOR_AM_RETURNED_H */
