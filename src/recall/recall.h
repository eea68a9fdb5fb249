/*
 * recall.h - measures how many of the nearest rows an index finds
 */
#ifndef VECTOR_RECALL_H
#define VECTOR_RECALL_H

/* Installs what hides other indexes while recall is measured. */
extern void recall_init(void);

#endif							/* VECTOR_RECALL_H */
