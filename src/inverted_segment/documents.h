/*
 * documents.h - the documents of rows, made again from packed lists
 */
#ifndef VECTOR_INVERTED_SEGMENT_DOCUMENTS_H
#define VECTOR_INVERTED_SEGMENT_DOCUMENTS_H

#include "segment/row.h"
#include "segment/sealed.h"
#include "text/document.h"

/* A row's terms, which ascend. */
typedef struct ListedDocument
{
	uint32		row;
	const DocumentEntry *entries;
	uint32		count;
} ListedDocument;

typedef void (*DocumentCallback) (void *arg, const ListedDocument *document);

/*
 * Calls back for each row of a segment with packed lists, in order, that is not dead, or for all.
 * Takes memory for the terms and a part of the postings.
 */
extern void documents_each(SealedScan *scan, bool dead, DocumentCallback callback, void *arg);

/* SegmentMethod.each_row. */
extern bool documents_each_row(SealedScan *scan, SegmentRowCallback callback, void *arg);

#endif							/* VECTOR_INVERTED_SEGMENT_DOCUMENTS_H */
