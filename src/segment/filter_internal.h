/*
 * filter_internal.h - what the files of a filter share: filter.c and condition.c
 */
#ifndef VECTOR_SEGMENT_FILTER_INTERNAL_H
#define VECTOR_SEGMENT_FILTER_INTERNAL_H

#include "segment/filter.h"

/* A condition as in a FilterNode; NULL is less and greater than nothing. */
typedef struct FilterCondition
{
	FilterKind	kind;
	int			count;			/* of conditions, or of values */
	struct FilterCondition *conditions;

	int			attribute;		/* of a key or a test */

	/* of a test */
	FilterPasses passes;
	void	   *arg;

	/* of a key */
	bool		negated;
	int			column;			/* of the values: the attribute's, or that of its elements */
	int			strategy;		/* of values, or elements; 0: IS NULL or IS NOT NULL */
	bool		wants_null;		/* IS NULL */
	bool		unknown;		/* it is NULL where it is not true */
	bool		settled;		/* it is false, whatever the attribute is */
	Oid			collation;
	FmgrInfo	compare;		/* the attribute with a value */
	Datum	   *values;			/* one of which must be met */
	bool		sorted;			/* they are distinct, in order */
	bool		every;			/* all of which must be elements */
	bool		null_unknown;	/* it is NULL if it is not true and an element is NULL */
} FilterCondition;

struct AttributeFilter
{
	Relation	index;
	IndexAttributes *attributes;
	MemoryContext temporary;	/* for what comparing leaves */
	FilterCondition root;		/* FILTER_AND */
	TidSet	   *rows;			/* the only rows that may pass; NULL: all may */
	bool		nothing;		/* no row of an index meets the conditions */
};

/* Takes the condition of a key, or that of a node, into one that is zero. */
extern void condition_take_key(const AttributeFilter *filter, FilterCondition *condition,
							   const ScanKeyData *key);
extern void condition_take_node(const AttributeFilter *filter, FilterCondition *condition,
								const FilterNode *node);

/* Whether no row can meet a condition, such as that with an empty array. */
extern bool condition_is_never_met(const FilterCondition *condition);

/* Whether a condition depends on any attribute. */
extern bool condition_has_attribute(const FilterCondition *condition);

/* Whether a sealed segment has few values of all attributes that are tested. */
extern bool condition_may_test(const FilterCondition *condition, const SealedHeader *header);

/* Lets all rows pass the tests. */
extern void condition_drop_tests(FilterCondition *condition);

/* Whether the row with this record of attributes meets the conditions. */
extern bool condition_record_passes(AttributeFilter *filter, const char *record, Size size);

/* Whether a value, which may be NULL, passes a test. */
extern bool condition_test_passes(const AttributeFilter *filter, const FilterCondition *condition,
								  const AttributeValue *value);

/* How an attribute, or an element of it, compares with a value of a condition. */
extern int32 condition_compare(const FilterCondition *condition, Datum attribute, Datum value);

/* Whether a condition requires one of several values, which are sorted. */
extern bool condition_has_equal_values(const FilterCondition *condition);

#endif							/* VECTOR_SEGMENT_FILTER_INTERNAL_H */
