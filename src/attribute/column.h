/*
 * column.h - one attribute of all rows of a sealed segment
 *
 * The distinct values have numbers in their order; NULL has the number after them.  A column has
 * these parts, arrays without alignment:
 *
 *	- values: the distinct values;
 *	- bounds: where each of them begins, and the last one ends (uint64), if they differ in size;
 *	- lists: where the rows of each number begin among all rows by value, and their end (uint32);
 *	- rows: numbers of rows by value, in ascending order for each (uint32);
 *	- codes: the number of each row's value, of 1, 2 or 4 bytes.
 *
 * A column of the elements of arrays has a row once for each distinct element of its array.  So its
 * lists have more or fewer entries than there are rows, and there are no codes; the last list has
 * the rows whose arrays have an element that is NULL.
 *
 * So the rows of a range of values are consecutive in the last part, and are read without reading
 * any value but those that a binary search meets.
 *
 * The parts are read through a function of the caller's.  What is read is checked, so that damage
 * is reported and nothing is written beyond a set of rows.
 */
#ifndef VECTOR_ATTRIBUTE_COLUMN_H
#define VECTOR_ATTRIBUTE_COLUMN_H

#include "attribute/bits.h"
#include "attribute/record.h"

typedef enum AttributePart
{
	ATTRIBUTE_VALUES, ATTRIBUTE_BOUNDS, ATTRIBUTE_LISTS, ATTRIBUTE_ROWS, ATTRIBUTE_CODES
} AttributePart;

#define ATTRIBUTE_PARTS	(ATTRIBUTE_CODES + 1)

typedef struct AttributeColumn
{
	uint32_t	rows;
	uint32_t	entries;		/* of all lists: as many as rows, but for elements of arrays */
	uint32_t	values;			/* distinct ones, without NULL */
	uint32_t	width;			/* bytes of a value, or ATTRIBUTE_VARYING */
	uint32_t	code_size;

	/* Copies bytes of a part; false if they are not there. */
	bool		(*read) (void *arg, AttributePart part, uint64_t offset, void *out, size_t size);
	void	   *arg;
} AttributeColumn;

/* How the value sought compares with one of the column: negative if it is less. */
typedef int (*AttributeCompare) (void *arg, const AttributeValue *value);

/* The size of a code that tells this many values and NULL apart. */
extern uint32_t attribute_code_size(uint32_t values);

/* Reads the number of a row's value; false if it is damaged, here as below. */
extern bool attribute_code(const AttributeColumn *column, uint32_t row, uint32_t *code);

/* Reads a value into ATTRIBUTE_MAX_SIZE bytes. */
extern bool attribute_value(const AttributeColumn *column, uint32_t number, void *bytes,
							uint32_t *size);

/* Finds the number of the first value that is not less than the one sought; or that is greater. */
extern bool attribute_search(const AttributeColumn *column, bool greater,
							 AttributeCompare compare, void *arg, uint32_t *number);

/*
 * Finds the first value that is not less than the one sought, and whether it is equal.  All values
 * before the number `from` are known to be less, and the nearer it is the less is read; so many
 * values are found one after the other in their order.
 */
extern bool attribute_find(const AttributeColumn *column, uint32_t from, AttributeCompare compare,
						   void *arg, uint32_t *number, bool *equal);

/* The place among rows by value at which those of a number begin. */
extern bool attribute_list(const AttributeColumn *column, uint32_t number, uint32_t *place);

/* Whether the list of a number has a row. */
extern bool attribute_has_row(const AttributeColumn *column, uint32_t number, uint32_t row,
							  bool *has);

/* Adds the rows whose values have these numbers, the last one excluded, to a set. */
extern bool attribute_add_rows(const AttributeColumn *column, uint32_t from, uint32_t to,
							   uint8_t *bits);

/*
 * Making a column of the codes of its rows, or of entries.  The first function fills values + 2
 * lists, the second one all rows by value.  If the rows of each value are known in any order, the
 * third one puts them into ascending order instead.  The last one writes the n codes of some rows,
 * code_size bytes each.
 */
extern void attribute_make_lists(const uint32_t *codes, uint32_t rows, uint32_t values,
								 uint32_t *lists);
extern void attribute_make_rows(const uint32_t *codes, uint32_t rows, uint32_t values,
								uint32_t *lists, uint32_t *by_value);
extern void attribute_sort_lists(const uint32_t *lists, uint32_t values, uint32_t *by_value);
extern void attribute_pack_codes(const uint32_t *codes, uint32_t n, uint32_t code_size,
								 uint8_t *out);

#endif							/* VECTOR_ATTRIBUTE_COLUMN_H */
