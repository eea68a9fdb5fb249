/*
 * detoast.h - fetching vectors in order to compute with them
 */
#ifndef VECTOR_DETOAST_H
#define VECTOR_DETOAST_H

#include "pg_compat.h"

/*
 * The plain value of a vector datum, as PG_DETOAST_DATUM gives it: the datum itself if it is stored
 * inline, else a palloc'd copy.  Values that are stored out of line one after another, as a
 * sequential scan meets them, are fetched without an index look-up for each.
 */
extern struct varlena *vector_detoast_external(struct varlena *value);

static inline void *
vector_detoast(Datum datum)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(datum);

	return VARATT_IS_EXTENDED(value) ? vector_detoast_external(value) : value;
}

#endif							/* VECTOR_DETOAST_H */
