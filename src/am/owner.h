/*
 * owner.h - who may see what is known of an index
 */
#ifndef VECTOR_AM_OWNER_H
#define VECTOR_AM_OWNER_H

#include "pg_compat.h"

/*
 * Whether the user may see the indexes of an owner: roles that have the owner's privileges, or that
 * monitor the server.
 */
extern bool owner_may_be_seen(Oid owner);

/* The owner of a relation; InvalidOid if it does not exist. */
extern Oid	relation_owner(Oid relation);

#endif							/* VECTOR_AM_OWNER_H */
