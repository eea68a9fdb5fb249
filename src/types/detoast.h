/*
 * detoast.h - fetching vectors for computing with them
 */
#ifndef VECTOR_DETOAST_H
#define VECTOR_DETOAST_H

#include "pg_compat.h"

/*
 * The plain value of a vector datum, as PG_DETOAST_DATUM gives it: itself where it is stored
 * inline, else a palloc'd copy.  Values that lie out of line one after another, as a sequential
 * scan meets them, come without an index look-up each.
 */
extern struct varlena *vector_detoast_external(struct varlena *value);

static inline void *
vector_detoast(Datum datum)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(datum);

	return VARATT_IS_EXTENDED(value) ? vector_detoast_external(value) : value;
}

#endif							/* VECTOR_DETOAST_H */
