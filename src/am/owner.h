/*
 * owner.h - who may see what is known of an index
 */
#ifndef VECTOR_AM_OWNER_H
#define VECTOR_AM_OWNER_H

#include "pg_compat.h"

#include "utils/rel.h"

/*
 * Whether the user may see the indexes of an owner: roles that have the owner's privileges, or that
 * monitor the server.
 */
extern bool owner_may_be_seen(Oid owner);

/* Raises an error if the user does not have the privileges of an index's owner, its table's. */
extern void owner_require(Relation index);

/* The owner of a relation; InvalidOid if it does not exist. */
extern Oid	relation_owner(Oid relation);

#endif							/* VECTOR_AM_OWNER_H */
