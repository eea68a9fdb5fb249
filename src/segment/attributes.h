/*
 * attributes.h - attributes of rows: the columns of an index after the vector
 *
 * Growing segments store them row by row (attribute/record.h), sealed segments column by column
 * (attribute/column.h).  The engine makes the columns of a sealed segment; its method only leaves
 * room for them (SegmentMaking.attributes), and says which number each row has got.
 */
#ifndef VECTOR_SEGMENT_ATTRIBUTES_H
#define VECTOR_SEGMENT_ATTRIBUTES_H

#include "pg_compat.h"

#include "fmgr.h"
#include "utils/rel.h"

#include "attribute/column.h"
#include "segment/directory.h"
#include "segment/extent.h"

/* The support function that compares two values, in every operator class of an attribute. */
#define ATTRIBUTE_COMPARE	6

/* Values of an attribute. */
typedef struct IndexAttribute
{
	const char *name;
	Oid			type;
	Oid			collation;
	int16		length;			/* pg_type.typlen */
	bool		by_value;
	char		align;			/* of an element */
	int			elements;		/* of an array: where the attribute of its elements is; else 0 */
	FmgrInfo   *compare;
} IndexAttribute;

/*
 * The attributes of an index, and after them those that the elements of arrays make: these have
 * columns of their own in a sealed segment, but are not in a row's record.
 */
typedef struct IndexAttributes
{
	int			count;
	int			sealed_count;	/* with those of elements */
	uint32		widths[SEGMENT_MAX_ATTRIBUTES];	/* see attribute/record.h */
	IndexAttribute columns[SEGMENT_MAX_ATTRIBUTES];
} IndexAttributes;

/* Memory for any value as a datum: see attribute_datum. */
typedef union AttributeRoom
{
	char		bytes[VARHDRSZ + ATTRIBUTE_MAX_SIZE];
	int64		align;
} AttributeRoom;

/* The attributes of an index; NULL if it has none. */
extern IndexAttributes *index_attributes(Relation index);

/*
 * The record of a row, from its columns after the first, palloc'd; raises an error if a value is
 * too long.
 */
extern char *attributes_record(const IndexAttributes *attributes, Relation index,
							   const Datum *values, const bool *isnull, Size *size);

/* The values in a record; raises an error if it is damaged. */
extern void attributes_of_record(const IndexAttributes *attributes, Relation index,
								 const char *record, Size size, AttributeValue *values);

/* The distinct elements of an array in order, palloc'd, and whether there is a NULL among them. */
extern int	attribute_elements(const IndexAttribute *element, Datum array, Datum **values,
							   bool *has_null);

/* A value that is not NULL as a datum, which may be in `room`. */
extern Datum attribute_datum(const IndexAttribute *attribute, const AttributeValue *value,
							 AttributeRoom *room);

/* What a sealed segment's header says of its columns. */
typedef struct SegmentAttributes
{
	uint32		count;
	uint32		blocks;			/* after the header */
	SealedAttribute columns[SEGMENT_MAX_ATTRIBUTES];
} SegmentAttributes;

/*
 * Enters them into the header of a segment whose parts are placed, and moves these behind the
 * columns; NULL: none.
 */
extern void attributes_place(const SegmentAttributes *attributes, SealedHeader *header);

/* Columns of a segment that is being made. */
typedef struct AttributeBuild AttributeBuild;

extern AttributeBuild *attributes_begin(Relation index, const IndexAttributes *attributes);

/* Adds a row's value of an attribute.  The source identifies the row until it has a number. */
extern void attributes_add(AttributeBuild *build, int column, Datum value, bool isnull,
						   uint64 source);
extern void attributes_add_record(AttributeBuild *build, const char *record, Size size,
								  uint64 source);

/* To be called after the last value: plans the columns. */
extern const SegmentAttributes *attributes_plan(AttributeBuild *build);

/* Frees a build whose columns are not written. */
extern void attributes_free(AttributeBuild *build);

/* Writes the columns into the segment's extent, and frees the build. */
extern void attributes_write(AttributeBuild *build, const SegmentEntry *output,
							 uint32 (*number) (void *arg, uint64 source), void *arg);

/* Where the attributes of a new segment come from. */
typedef struct AttributeSource
{
	const IndexAttributes *attributes;
	/* Adds those of all rows to a build. */
	void		(*add) (void *arg, AttributeBuild *build);
	/* Called when the segment is written, before its rows' numbers are asked for. */
	void		(*written) (void *arg, const SegmentEntry *output);
	uint32		(*number) (void *arg, uint64 source);
	void	   *arg;
} AttributeSource;

/* A column of a sealed segment. */
typedef struct SealedColumn
{
	AttributeColumn column;
	Extent		extent;
	const SealedAttribute *attribute;
	MemoryContext context;
	ExtentReader *readers[ATTRIBUTE_PARTS]; /* of what is read in small pieces */
} SealedColumn;

/*
 * Opens a column, for the functions of attribute/column.h; the header stays in use.  It is closed
 * to give back memory.
 */
extern void sealed_column_open(SealedColumn *column, Extent extent, const SealedHeader *header,
							   int number);
extern void sealed_column_close(SealedColumn *column);

/* A value by its number, or a row's, read into `room`; its bytes are NULL if it is NULL. */
extern AttributeValue sealed_column_number(SealedColumn *column, uint32 number,
										   AttributeRoom *room);
extern AttributeValue sealed_column_value(SealedColumn *column, uint32 row, AttributeRoom *room);

/* Raises the error for one of which these functions find that it is damaged. */
extern void sealed_column_damaged(const SealedColumn *column)
	__attribute__((noreturn));

/* Calls a callback for every row of a column, value by value. */
typedef void (*SealedColumnCallback) (void *arg, uint32 row, Datum value, bool isnull);
extern void sealed_column_each(SealedColumn *column, const IndexAttribute *attribute,
							   SealedColumnCallback callback, void *arg);

#endif							/* VECTOR_SEGMENT_ATTRIBUTES_H */
