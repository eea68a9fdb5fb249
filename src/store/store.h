/*
 * store.h - object stores: a folder, or a bucket of a server that speaks S3
 *
 * An object is a sequence of bytes under a key.  It is written once and read in ranges, many at
 * once.  This room knows nothing of what the bytes mean: callers choose keys, and keep what
 * store_put tells of an object, by which its bytes are verified when they are read.
 *
 * Every call ends: it has a deadline (option timeout), and it gives way to a cancel of the
 * statement within a tenth of a second.  So calls wait for a network, and no caller may hold a
 * content lock, a page lock or a spin lock.  Failures that may pass, a busy server or a lost
 * connection, are tried again until the deadline.
 *
 * A function that takes a StoreError returns false when it fails, and says there why.  Given NULL
 * it raises the error.
 */
#ifndef STORE_H
#define STORE_H

#include "pg_compat.h"

#define STORE_MAX_KEY 512		/* bytes, with the prefix of the store */
#define STORE_BLOCK 8192		/* bytes that share a checksum */
#define STORE_SHA256 32			/* bytes of a digest */
#define STORE_MAX_ETAG 160
#define STORE_TIMES 112			/* classes of times, up to two minutes */

typedef enum StoreKind
{
	STORE_OK,
	STORE_NOT_FOUND,			/* there is no such object */
	STORE_EXISTS,				/* there is one, and it was to be created */
	STORE_NO_BUCKET,
	STORE_DENIED,				/* the credentials are known, and may not do this */
	STORE_CREDENTIALS,			/* they are unknown, wrong or expired */
	STORE_CLOCK,				/* this machine's clock differs from the server's */
	STORE_REGION,				/* the bucket is in another region, or at another endpoint */
	STORE_CERTIFICATE,			/* the server's identity cannot be verified */
	STORE_UNVERIFIED,			/* the provider verifies none, and nobody has accepted that */
	STORE_UNREACHABLE,			/* no connection, or a lost one */
	STORE_BUSY,					/* the server asks to come back later */
	STORE_TIMEOUT,				/* no answer in time */
	STORE_DAMAGED,				/* other bytes than were asked for, or than were written */
	STORE_FULL,					/* no space is left */
	STORE_REFUSED,				/* anything else that the server says no to */
	STORE_LIBRARY				/* the provider's library is not there */
} StoreKind;

typedef struct StoreError
{
	StoreKind	kind;
	int			status;			/* of HTTP; 0: none */
	int			tries;
	int			range;			/* of store_read: the first that failed */
	char		message[256];	/* in words, without a secret */
} StoreError;

typedef struct StoreObject
{
	uint64		size;
	char		etag[STORE_MAX_ETAG];	/* without quotes; may be empty */
	bool		encrypted;		/* the server says so to store_head */
} StoreObject;

/*
 * Bytes to write.  They are read in order; some are read again after a failure, and must be the
 * same then.
 */
typedef struct StoreSource
{
	uint64		size;
	void		(*read) (void *arg, uint64 offset, char *buffer, size_t length);
	void	   *arg;
	/* what a store with the option object_tags tells: NAME=VALUE&NAME=VALUE; NULL: nothing */
	const char *tags;
	/* bytes that may be sent in a second, by now; 0, or NULL: any number */
	uint64		(*rate) (void);
} StoreSource;

/* What a caller keeps of what was written. */
typedef struct StoreDigest
{
	uint8		sha256[STORE_SHA256];
	uint32		blocks;
	uint32	   *crcs;			/* CRC-32C of each STORE_BLOCK bytes, and of the rest */
} StoreDigest;

/*
 * Bytes to read.  With checksums, offset is a multiple of STORE_BLOCK, crcs are those of the blocks
 * from there on, and length ends at the end of a block or of the object; bytes that do not match
 * are not returned.
 */
typedef struct StoreRange
{
	const char *key;
	uint64		offset;
	uint32		length;			/* at least 1 */
	char	   *data;			/* of length bytes */
	const uint32 *crcs;			/* NULL: not verified */
} StoreRange;

/* What a store has done in this process. */
typedef struct StoreCounters
{
	uint64		requests;		/* attempts that were started */
	uint64		retries;		/* of these, after a failure */
	uint64		hedges;			/* of these, beside another one that took long */
	uint64		hedges_won;
	uint64		errors;			/* attempts that failed, but to find or create an object */
	uint64		gets;			/* reads that succeeded */
	uint64		writes;			/* attempts to write an object or a part, or to list */
	uint64		bytes_read;
	uint64		bytes_written;
	uint64		times[STORE_TIMES]; /* of the reads, by store_time_class */
} StoreCounters;

/* The class of a time, of which there are four in each doubling; the middle time of a share. */
extern int	store_time_class(uint64 microseconds);
extern double store_time_of(const uint64 *times, double share);		/* in ms; 0: no reads */

typedef struct Store Store;

extern bool store_is_server(Oid server);

/* Raises an error if a server is no object store, or a role may not use it. */
extern void store_require(Oid server, Oid user);

/* A store, opened once in a process; valid until the next store_open. */
extern Store *store_open(Oid server, Oid user);
extern bool store_try_open(Oid server, Oid user, Store **store, StoreError *error);
extern void store_counters(const Store *store, StoreCounters *counters);

/* Likewise, since this was last called. */
extern void store_new_counters(Store *store, StoreCounters *counters);
extern void store_raise(const Store *store, const char *key, const StoreError *error);

/* Writes an object, in parts where it is large.  digest is NULL, or filled in. */
extern bool store_put(Store *store, const char *key, const StoreSource *source, StoreDigest *digest,
					  StoreError *error);

/* Writes an object of at most one part, unless there is one of this key: STORE_EXISTS. */
extern bool store_create(Store *store, const char *key, const StoreSource *source,
						 StoreError *error);

/* Whether the store says that it can do that. */
extern bool store_can_create(const Store *store);

/*
 * Compares an object with what was written, its size and some blocks, and sees whether it is
 * encrypted, if it should be.
 */
extern bool store_verify(Store *store, const char *key, uint64 size, const StoreDigest *digest,
						 StoreError *error);

/* Reads all of an object, at the store, and compares each block and the whole. */
extern bool store_verify_all(Store *store, const char *key, uint64 size,
							 const StoreDigest *digest, StoreError *error);

/* SHA-256 of bytes in order; what was begun is freed by its end, or with the transaction. */
typedef struct pg_cryptohash_ctx StoreHash;
extern StoreHash *store_hash_begin(void);
extern void store_hash_add(StoreHash *hash, const void *data, size_t size);
extern void store_hash_end(StoreHash *hash, uint8 *sha256);

extern bool store_read(Store *store, StoreRange *ranges, int count, StoreError *error);

/*
 * Has the next call do something while it waits for answers.  It is not done if the call does not
 * have to wait.
 */
extern void store_work_meanwhile(Store *store, void (*work) (void));
extern bool store_head(Store *store, const char *key, StoreObject *object, StoreError *error);

/* Calls visit for each object whose key begins with prefix, in no order. */
typedef void (*StoreVisit) (void *arg, const char *key, uint64 size);
extern bool store_list(Store *store, const char *prefix, StoreVisit visit, void *arg,
					   StoreError *error);

/* Deletes objects; those that are not there count as deleted. */
extern bool store_delete(Store *store, const char *const *keys, int count, StoreError *error);

/* Size from which an object is written in parts, and of each but the last. */
extern size_t store_part_size(const Store *store);

/* Bytes in memory, as a source. */
typedef struct StoreMemory
{
	StoreSource source;
	const char *data;
} StoreMemory;

extern const StoreSource *store_memory(StoreMemory *memory, const void *data, size_t size);

#endif							/* STORE_H */
