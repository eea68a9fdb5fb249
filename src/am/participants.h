/*
 * participants.h - what each participant of a parallel scan did, for whoever shows it
 *
 * The memory that participants share is gone before EXPLAIN shows anything.  So a worker reports to
 * a table that all processes find, by the scan's id; the oldest reports make room for others.
 * Without shared memory there are no reports.
 */
#ifndef VECTOR_AM_PARTICIPANTS_H
#define VECTOR_AM_PARTICIPANTS_H

#include "pg_compat.h"

/* The leader's reports have this in place of a worker's number. */
#define LEADER	(-1)

typedef struct ParticipantReport
{
	uint64		scan;			/* its id; 0: the place is free */
	int32		worker;
	uint64		rows;			/* returned by the index */
	uint64		runs;			/* of rows, or lists, that it took */
	uint64		distances;
} ParticipantReport;

/* The id of a new scan, which no other scan of this server has. */
extern uint64 participants_new_id(void);

/* Adds a report to others of the same participant. */
extern void participants_report(const ParticipantReport *report);

/* The reports of a scan's workers, palloc'd; returns how many, and forgets them if told so. */
extern int	participants_read(uint64 scan, bool forget, ParticipantReport **reports);

/* When the library is preloaded. */
extern void participants_preload(void);

#endif							/* VECTOR_AM_PARTICIPANTS_H */
