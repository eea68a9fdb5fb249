/*
 * counters_internal.h - the table of counters in shared memory
 */
#ifndef VECTOR_COUNTERS_INTERNAL_H
#define VECTOR_COUNTERS_INTERNAL_H

#include "counters/counters.h"

#include "storage/lwlock.h"

/* The name of a place in the table; free, if the index is InvalidOid. */
typedef struct CountedName
{
	Oid			database;
	Oid			index;
} CountedName;

typedef struct CountersTable
{
	int			tranche;
	volatile uint32 searched;	/* the last search, in milliseconds that wrap; without the lock */
	LWLock		lock;
	uint32		slow_next;		/* place of the next slow search */
	SlowSearch	slow[SLOW_SEARCHES];	/* free, if the index is InvalidOid */
	/* CountedName names[counters_places], CountedIndex indexes[counters_places] */
} CountersTable;

/* The number of places: many, where memory is requested or can be had for them. */
#define PLACES_FEW		32
#define PLACES_MANY		1024

extern uint32 counters_places;

#define COUNTERS_TABLE_SIZE(places) \
	(MAXALIGN(sizeof(CountersTable)) + \
	 (Size) (places) * (sizeof(CountedName) + sizeof(CountedIndex)))

static inline CountedName *
counters_names(CountersTable *table)
{
	return (CountedName *) ((char *) table + MAXALIGN(sizeof(CountersTable)));
}

static inline CountedIndex *
counters_indexes(CountersTable *table)
{
	return (CountedIndex *) (counters_names(table) + counters_places);
}

/* The table; NULL: there is none for now. */
extern CountersTable *counters_table(void);

/* Forgets the table of before, where the server has begun anew after a crash. */
extern CountersTable *counters_new_table(void);

/* When the library is preloaded: has the table kept in a file while the server is stopped. */
extern void counters_keep(void);

#endif							/* VECTOR_COUNTERS_INTERNAL_H */
