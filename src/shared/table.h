/*
 * table.h - a table in shared memory that every process of the server can find by its name, whether
 * or not the library is preloaded
 */
#ifndef VECTOR_SHARED_TABLE_H
#define VECTOR_SHARED_TABLE_H

#include "pg_compat.h"

#include "datatype/timestamp.h"

typedef struct SharedTable
{
	const char *name;			/* also of its tranche of LWLocks */
	Size		size;
	int			tranche;		/* offset of an int in the table, which keeps it, */
	int			lock;			/* and of an LWLock; all else begins as zeros */
	const char *missing;		/* the message when there is no memory for it */

	bool		requested;		/* when the library was preloaded */

	/* of this process */
	void	   *memory;
	TimestampTz failed;
} SharedTable;

/* What a SharedTable says of a type with members `tranche` and `lock`. */
#define SHARED_TABLE_OF(type) \
	.size = sizeof(type), .tranche = offsetof(type, tranche), .lock = offsetof(type, lock)

/* The table; NULL: there is none for now. */
extern void *shared_table(SharedTable *table);

/* When the library is preloaded: requests room for a table. */
extern void shared_table_request(SharedTable *table);

#endif							/* VECTOR_SHARED_TABLE_H */
