/*
 * jobs.h - which indexes the background workers are at, or should be
 *
 * A table in shared memory that every process of the server finds, whether or not the library is
 * preloaded.  Where there is no memory for it there are no workers, and no error.  A job is an
 * index that somebody asked for, until a worker finds nothing more to do.  One for which a worker
 * can do nothing now, as its index is locked or there was an error, is put off: it is not tried
 * again before a time, and workers are free for others.
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
	bool		put_off;		/* until `due` */
	int			tries;			/* in a row that led to nothing */
	TimestampTz due;
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
 * yet if that failed a short while ago.  False if none will: there are no slots, or no table.
 */
extern bool jobs_request(Oid database, Oid index);

/* Starts workers for jobs that are due, and to wait for those that are put off. */
extern void jobs_start_waiting(void);

/* A worker: takes the job it was started for; false if it is another's, or there is no table. */
extern bool jobs_begin(int slot, Oid *database, Oid *index);

/* Whether the worker's job is put off; not any more once its time has come. */
extern bool jobs_is_put_off(void);

/* Whether another job is due that has no worker. */
extern bool jobs_others_wait(void);

/* Whether the worker's job was asked for again, or another is due. */
extern bool jobs_is_wanted(void);

/*
 * The worker is done with its job: takes another of the database, one that is due, or the same
 * where it was asked for again meanwhile; where none is due in any database, the next of those put
 * off.  False if there is none.
 */
extern bool jobs_next(Oid *index);

/* The worker's progress. */
extern void jobs_report_phase(JobPhase phase);
extern void jobs_report_step(int step, uint64 done, uint64 total);

/*
 * The worker could do nothing for an index of its job, because of an error, or (NULL) as it is
 * another's: a job for the index is put off, by a pause that doubles each time.  It is left to the
 * next request after so many times.
 */
extern void jobs_put_off(Oid index, const char *error);

/* What the worker did to an index of its job went well. */
extern void jobs_report_success(Oid index);

/* Copies of the jobs that are not free; returns how many. */
extern int	jobs_list(Job **jobs);

#endif							/* VECTOR_WORKER_JOBS_H */
