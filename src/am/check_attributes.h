/*
 * check_attributes.h - vector_index_check: whether columns of attributes are sound, and agree with
 * the table
 */
#ifndef VECTOR_AM_CHECK_ATTRIBUTES_H
#define VECTOR_AM_CHECK_ATTRIBUTES_H

#include "segment/attributes.h"
#include "segment/cache.h"
#include "segment/row.h"

typedef struct AttributesCheck AttributesCheck;

/* Where the attributes of a row are: in a sealed segment, or a record of a growing one. */
typedef struct CheckedPlace
{
	uint32		segment;		/* number of the sealed segment, or CHECKED_RECORD */
	uint32		number;			/* of the row, or of the record */
} CheckedPlace;

#define CHECKED_RECORD	PG_UINT32_MAX

/* NULL if the index has no attributes. */
extern AttributesCheck *check_attributes_begin(Relation index);

/* Checks the columns of a sealed segment, which is held.  Calls number the segments in order. */
extern void check_attributes_segment(AttributesCheck *check, const CachedSegment *segment);

/* Keeps the record of a growing segment's row. */
extern CheckedPlace check_attributes_record(AttributesCheck *check, const SegmentRow *row);

/* Compares a row of the table, by its columns in the index, with what the index has of it. */
extern void check_attributes_row(AttributesCheck *check, CheckedPlace place, ItemPointer tid,
								 const Datum *values, const bool *isnull);

#endif							/* VECTOR_AM_CHECK_ATTRIBUTES_H */
