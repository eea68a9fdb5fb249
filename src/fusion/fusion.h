/*
 * fusion.h - one ranking of several orders: rrf(a, b, ...) and weighted(a, b, ...)
 */
#ifndef VECTOR_FUSION_FUSION_H
#define VECTOR_FUSION_FUSION_H

#include "pg_compat.h"

#include "nodes/execnodes.h"

/* Installs the planner's hooks; to be called after those whose paths arms may have. */
extern void fusion_init(void);

/* Whether an expression is a call of these functions. */
extern bool is_fusion(const Node *node);

/* Whether a node fuses its children, each of which is a LIMIT that is read to its end. */
extern bool is_fusion_node(const PlanState *node);

#endif							/* VECTOR_FUSION_FUSION_H */
