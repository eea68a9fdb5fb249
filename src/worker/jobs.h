/*
 * jobs.h - which indexes the background workers are at, or should be
 *
 * A table in shared memory that every process of the server finds, whether or not the library is
 * preloaded.  A job is an index that somebody asked for, until a worker finds nothing more to do.
 */
#ifndef VECTOR_WORKER_JOBS_H
#define VECTOR_WORKER_JOBS_H

#include "pg_compat.h"

#include "datatype/timestamp.h"
#include "postmaster/bgworker.h"

#define JOB_ERROR_SIZE	200

typedef enum JobState
{
	JOB_FREE,
	JOB_FAILED,					/* done, with an error to be told */
	JOB_WAITING,				/* for a worker */
	JOB_STARTING,				/* a worker is being started for it */
	JOB_RUNNING
} JobState;

typedef enum JobPhase
{
	JOB_IDLE, JOB_SEALING, JOB_MERGING
} JobPhase;

typedef struct Job
{
	JobState	state;
	Oid			database;
	Oid			index;			/* or InvalidOid: all of the database */
	int			pid;			/* of the worker; 0: none */
	bool		again;			/* asked for again since the worker looked for work */
	JobPhase	phase;
	int			step;			/* a BuildPhase */
	uint64		done;			/* rows of the step */
	uint64		total;
	TimestampTz since;			/* of the phase, or state */
	TimestampTz failed;
	char		error[JOB_ERROR_SIZE];	/* the last one; empty: none */
} Job;

/* Where shared memory has to be asked for, when the library is preloaded. */
extern void jobs_preload(void);

/* Fills in what a process of ours, started once, is to be. */
extern void jobs_describe_process(BackgroundWorker *worker, const char *name,
								  const char *function);

/* Number of workers that may run at once: vector.max_maintenance_workers. */
extern int	jobs_max_workers;

/*
 * Sees to it that a worker looks at an index of this database, or at all of them (InvalidOid); not
 * again at once if one failed a short while ago.  False if none will: there are no slots.
 */
extern bool jobs_request(Oid database, Oid index);

/* Starts workers for jobs that wait and those that failed a while ago. */
extern void jobs_start_waiting(void);

/* A worker: takes the job it was started for; false if somebody else has it. */
extern bool jobs_begin(int slot, Oid *database, Oid *index);

/* Whether the worker's job was asked for again, or another waits for a worker. */
extern bool jobs_is_wanted(void);

/*
 * The worker's job is done: takes another of the database, or else the same where it was asked for
 * again meanwhile; false if there is none.
 */
extern bool jobs_next(Oid *index);

/* The worker's progress. */
extern void jobs_report_phase(JobPhase phase);
extern void jobs_report_step(int step, uint64 done, uint64 total);

/* The worker's job had an error, or ("") has none any more. */
extern void jobs_report_error(const char *message);

/* Copies of the jobs that are not free; returns how many. */
extern int	jobs_list(Job **jobs);

#endif							/* VECTOR_WORKER_JOBS_H */
