/*
 * record.h - the attributes of one row as a string of bytes, as growing segments store them
 *
 * First a bit for each attribute that says whether it is NULL, in whole bytes; then the other
 * attributes, each of the width that all values of its type have, or, if these differ, as its
 * number of bytes (uint16) and these.  Nothing is aligned.
 */
#ifndef VECTOR_ATTRIBUTE_RECORD_H
#define VECTOR_ATTRIBUTE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The longest value that is stored, in bytes: an array.  Elements of arrays and other values are
 * shorter, and so are all attributes of a row together.
 */
#define ATTRIBUTE_MAX_SIZE		16384
#define ATTRIBUTE_MAX_ELEMENT	2048
#define ATTRIBUTE_MAX_RECORD	65535

/* The width of a type whose values differ in size. */
#define ATTRIBUTE_VARYING	0

typedef struct AttributeValue
{
	const void *bytes;			/* NULL: the attribute is NULL */
	uint32_t	size;
} AttributeValue;

/* The size of a record of n attributes. */
extern size_t attribute_record_size(const AttributeValue *values, const uint32_t *widths, int n);

/* Writes that many bytes. */
extern void attribute_record_write(const AttributeValue *values, const uint32_t *widths, int n,
								   void *record);

/*
 * Finds the attributes in a record, where they stay.  Returns false if the record is damaged: if
 * the attributes do not take `size` bytes, or one is too long.
 */
extern bool attribute_record_read(const void *record, size_t size, const uint32_t *widths, int n,
								  AttributeValue *values);

#endif							/* VECTOR_ATTRIBUTE_RECORD_H */
