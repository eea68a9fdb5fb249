/*
 * filter.h - which rows of a segment a search is about: conditions on attributes, and sets of rows
 */
#ifndef VECTOR_SEGMENT_FILTER_H
#define VECTOR_SEGMENT_FILTER_H

#include "pg_compat.h"

#include "access/skey.h"
#include "access/stratnum.h"

#include "segment/attributes.h"
#include "segment/row.h"
#include "segment/cache.h"
#include "segment/tid_set.h"

/*
 * The strategies of an attribute's operators: those of B-trees, and <>; of arrays also && and @>.
 * Of these no operator class has the last one, which is `value = ANY (attribute)`.
 */
#define FILTER_NOT_EQUAL	(BTMaxStrategyNumber + 1)
#define FILTER_OVERLAPS		7
#define FILTER_CONTAINS		8
#define FILTER_STRATEGIES	FILTER_CONTAINS
#define FILTER_HAS			9

/*
 * A test is evaluated on each value of its attribute that a sealed segment has.  If any has more
 * than so many, searches had better not do tests.
 */
#define FILTER_MOST_TESTED	1000

/*
 * A tree of conditions: each is that of a key, or a test of an attribute, or needs all or one of
 * others to be met.
 */
typedef enum FilterKind
{
	FILTER_KEY, FILTER_TEST, FILTER_AND, FILTER_OR
} FilterKind;

/* Whether rows pass a test whose attribute is this value. */
typedef bool (*FilterPasses) (void *arg, Datum value, bool isnull);

typedef struct FilterNode
{
	FilterKind	kind;

	/* of a key: it is met where the key's condition is false, not where it is NULL */
	bool		negated;
	ScanKeyData key;			/* without sk_func */

	/* of a test; equal values of the attribute are the same */
	int			column;			/* of the index */
	FilterPasses passes;
	void	   *arg;

	/* FILTER_AND of no nodes is met by all rows, FILTER_OR of none by no row */
	int			count;
	struct FilterNode **nodes;
} FilterNode;

typedef struct AttributeFilter AttributeFilter;

/*
 * The conditions of a scan's keys, and those of a tree, which may be NULL, in the current memory
 * context; and the rows that may meet the query's other conditions, or NULL if any row may.
 * Returns NULL if there is no condition.
 */
extern AttributeFilter *filter_create(Relation index, ScanKey keys, int count,
									  const FilterNode *tree, TidSet *rows);

/* Whether it is known without reading anything that no row passes. */
extern bool filter_is_empty(const AttributeFilter *filter);

/*
 * Whether no segment, or not a certain one, has too many values for the tests; the index is held.
 * Without its tests a filter may be none: then the last function returns NULL.
 */
extern bool filter_may_test(const AttributeFilter *filter, CachedIndex *cached);
extern bool filter_may_test_segment(const AttributeFilter *filter, const CachedSegment *segment);
extern AttributeFilter *filter_without_tests(AttributeFilter *filter);

/*
 * The rows of a segment that a search leaves out: those that do not meet the conditions, if there
 * is a filter; and of a sealed segment, which is held, those that are dead.  Rows that a growing
 * segment gets later are left out as well; no snapshot of now can see them.
 */
extern ExcludedRows filter_excluded(AttributeFilter *filter, const SegmentEntry *entry,
									CachedSegment *segment);

#endif							/* VECTOR_SEGMENT_FILTER_H */
