/*
 * provider.h - what a provider of object stores does: single attempts of single requests
 *
 * calls.c makes requests of calls.  run.c runs many of them at once, and decides what is tried
 * again, when, how long, and what is asked twice.  A provider only begins an attempt, waits until
 * something happens, and stops an attempt.  So all providers share retries, deadlines, cancels and
 * verification.
 */
#ifndef STORE_PROVIDER_H
#define STORE_PROVIDER_H

#include "portability/instr_time.h"

#include "store/store.h"

typedef enum StoreVerb
{
	STORE_PUT,					/* body */
	STORE_GET,					/* offset, length */
	STORE_HEAD,
	STORE_DELETE,
	STORE_LIST,					/* key: the prefix; after, token */
	STORE_UPLOAD_BEGIN,			/* result: upload */
	STORE_UPLOAD_PART,			/* upload, part, body */
	STORE_UPLOAD_END,			/* upload, body */
	STORE_UPLOAD_ABORT			/* upload */
} StoreVerb;

#define STORE_MAX_UPLOAD 1024	/* bytes of the name of an upload */
#define STORE_MAX_TOKEN 2048	/* bytes of what continues a listing */

#define STORE_NO_CREDENTIALS \
	"there are no credentials for this role, in a user mapping or a credentials file"

typedef struct StoreAttempt StoreAttempt;

typedef struct StoreRequest
{
	StoreVerb	verb;
	char		key[STORE_MAX_KEY + 1];		/* with the store's prefix */
	bool		create;			/* STORE_PUT: fail if there is one */
	const char *body;
	size_t		body_size;
	uint64		speed;			/* bytes of it a second, at most; 0: any number */
	const char *tags;			/* STORE_PUT, STORE_UPLOAD_BEGIN: of the object; NULL: none */
	uint64		offset;			/* STORE_GET, STORE_UPLOAD_PART */
	uint32		length;			/* STORE_GET */
	char	   *data;			/* STORE_GET: where the bytes go */
	const uint32 *crcs;
	const char *upload;
	int			part;			/* from 1 */
	int			parts;
	const StoreObject *uploaded;	/* STORE_UPLOAD_END: of each part */
	const char *token;			/* STORE_LIST: what the page before gave, or NULL */
	const char *after;			/* STORE_LIST: the last key before the page, for version 1 */
	bool		version1;
	int			most_tries;		/* 0: until the deadline */

	/* kept by run.c */
	StoreAttempt *attempts[2];
	int			tries;
	int64		begun;			/* milliseconds; 0: not yet */
	int64		due;
	bool		done;

	/* the result */
	StoreError	error;
	StoreObject object;
	char	   *reply;			/* for LIST and UPLOAD_BEGIN; in the caller's memory */
	size_t		reply_size;
} StoreRequest;

struct StoreAttempt
{
	StoreRequest *request;
	MemoryContext context;		/* of all that the attempt needs */
	bool		other_endpoint;
	bool		hedge;
	instr_time	sent;
	int64		begun;			/* likewise, in milliseconds */
	int64		moved;			/* when bytes last came or went */
	bool		done;
	StoreError	error;
	StoreObject object;
	char	   *data;			/* what came: request->length bytes for GET; grows for others */
	size_t		size;
	size_t		capacity;
	void	   *private;		/* the provider's */
};

typedef struct StoreProvider
{
	const char *name;
	bool		parts;			/* writes large objects in parts */
	bool		create;			/* STORE_PUT can be told to fail if there is one */
	bool		(*open) (Store *store, StoreError *error);
	void		(*close) (Store *store);
	/* An attempt may be done at once. */
	void		(*begin) (Store *store, StoreAttempt *attempt);
	/*
	 * Returns when something may be done, at the latest after so many milliseconds; false: nothing
	 * has come or gone.
	 */
	bool		(*wait) (Store *store, int milliseconds);
	void		(*stop) (Store *store, StoreAttempt *attempt);
	/* Visits the objects of a page of a listing; writes the token of the next page, or nothing. */
	bool		(*page) (Store *store, const StoreRequest *request, StoreVisit visit, void *arg,
						 char *token);
} StoreProvider;

extern const StoreProvider store_folder;
extern const StoreProvider store_s3;
extern const StoreProvider store_libs3;

/* Values of the options of a server and of a user mapping; see options.c. */
typedef struct StoreOptions
{
	char	   *provider;
	char	   *path;
	char	   *endpoint;
	char	   *read_endpoint;
	char	   *bucket;
	char	   *prefix;			/* empty, or ends in a slash */
	char	   *region;
	bool		virtual_host;
	char	   *ca_file;
	bool		accept_unverified;	/* https, although the provider verifies no certificate */
	char	   *encryption;
	char	   *kms_key_id;
	char	   *storage_class;
	char	   *tags;
	bool		object_tags;
	bool		conditional_put;
	bool		checksums;
	char	   *credentials_file;
	int			part_size;		/* bytes */
	int			connections;
	int			timeout;		/* milliseconds */
	int			connect_timeout;
	int			stall_timeout;

	char	   *access_key_id;
	char	   *secret_access_key;
	char	   *session_token;
	char	   *encryption_key; /* in base 64 */
} StoreOptions;

#define STORE_LATENCIES 64

struct Store
{
	Oid			server;
	Oid			user;
	bool		valid;			/* the catalogs have not changed since */
	char		name[NAMEDATALEN];
	MemoryContext context;
	StoreOptions options;
	const StoreProvider *provider;
	void	   *private;		/* the provider's */
	StoreCounters counters;
	StoreCounters given;		/* of these, by store_new_counters */
	int			latencies[STORE_LATENCIES]; /* of the last reads, in milliseconds */
	uint64		reads;
	int64		other_until;	/* reads go to the second endpoint until then */
	int64		file_changed;	/* of the file with credentials */
	void		(*work) (void);	/* see store_work_meanwhile */
};

/* options.c */
extern void store_hide_secrets(const Store *store, StoreError *error);

/* run.c */
extern int64 store_now(void);
extern bool store_may_pass(StoreKind kind);

/*
 * Milliseconds after which a read is asked for a second time: twice what 95 of 100 of the last ones
 * took.
 */
extern int	store_hedge_after(const Store *store);

/*
 * Runs requests until each is done.  The error of each says how it went.  An interrupt of the
 * statement stops all; what was sent may have been done by the server all the same.
 */
extern void store_run(Store *store, StoreRequest *requests, int count);

/*
 * Likewise, with further requests: feed is called for one that is done, and makes the next in its
 * place, or leaves it and returns false, if there is no next one.  Requests that are marked as done
 * at the beginning are free places.  A feed that takes long calls store_go_on.
 */
typedef bool (*StoreFeed) (void *arg, StoreRequest *request);
extern void store_run_fed(Store *store, StoreRequest *requests, int count, StoreFeed feed,
						  void *arg);
extern void store_go_on(Store *store);

/* Waits for no longer than so many milliseconds, while what of the requests runs goes on. */
extern void store_wait_beside(Store *store, const StoreRequest *requests, int count,
							  int milliseconds);
extern bool store_fail(StoreError *error, StoreKind kind, const char *format, ...)
			pg_attribute_printf(3, 4);
extern bool store_take_bytes(StoreAttempt *attempt, const char *bytes, size_t count);
extern void store_sleep(int milliseconds);

/* answer.c */
extern StoreKind store_kind_of(int status, const char *code);
extern void store_fail_by_code(StoreError *error, const char *code, const char *message);
extern bool store_page_of_lines(Store *store, const StoreRequest *request, StoreVisit visit,
								void *arg, char *token);

/* calls.c */
extern const char *store_hint(const StoreError *error);
extern bool store_give_outcome(const Store *store, const char *key, const StoreError *outcome,
							   StoreError *error);

/* digest.c */
extern void store_sha256(const void *data, size_t size, uint8 *digest);

/* Texts, palloc'd.  The MD5 is in base 64, too; NULL if the platform does not compute it. */
extern char *store_base64(const void *bytes, int size);
extern char *store_md5(const void *data, size_t size);
extern void store_hex(const uint8 *bytes, size_t size, char *hex);
extern uint32 store_crc(const void *data, size_t size);

#endif							/* STORE_PROVIDER_H */
