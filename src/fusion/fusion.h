/*
 * fusion.h - one ranking of several orders: rrf(a, b, ...) and weighted(a, b, ...)
 */
#ifndef VECTOR_FUSION_FUSION_H
#define VECTOR_FUSION_FUSION_H

#include "pg_compat.h"

#include "nodes/primnodes.h"

/* Installs the planner's hooks; to be called after those whose paths arms may have. */
extern void fusion_init(void);

/* Whether an expression is a call of these functions. */
extern bool is_fusion(const Node *node);

#endif							/* VECTOR_FUSION_FUSION_H */
