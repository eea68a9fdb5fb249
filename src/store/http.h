/*
 * http.h - requests over HTTP, many at once, by libcurl
 *
 * The library is loaded at the first request of a process: it and what it needs take 17 ms and 5
 * MB, which sessions without an object store do without.  Connections are kept as long as the store
 * is open.
 */
#ifndef STORE_HTTP_H
#define STORE_HTTP_H

#include "store/provider.h"

typedef struct StoreHttp StoreHttp;

typedef struct StoreCall
{
	StoreAttempt *attempt;
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value"; the last is NULL */
	const char *body;			/* NULL: none */
	size_t		body_size;
	/* Judges the answer; data of a successful one is in the attempt, else in text. */
	void		(*judge) (Store *store, struct StoreCall *call);

	/* the answer */
	int			status;
	bool		has_size;
	uint64		size;			/* of Content-Length */
	bool		has_range;
	uint64		range_start;	/* of Content-Range */
	uint64		range_end;
	uint64		range_total;
	char		etag[STORE_MAX_ETAG];
	char		region[64];
	bool		encrypted;		/* it says how the object is */
	char		text[4096];		/* the body of an answer that is an error */
	size_t		text_size;

	uint64		moved;			/* bytes so far, both ways */
	void	   *easy;
	void	   *list;
	char		problem[256];
} StoreCall;

extern bool store_http_open(Store *store, StoreHttp **http, StoreError *error);
extern void store_http_close(StoreHttp *http);

/* The call lives until it is stopped. */
extern void store_http_begin(Store *store, StoreHttp *http, StoreCall *call);
extern bool store_http_wait(Store *store, StoreHttp *http, int milliseconds);
extern void store_http_stop(StoreHttp *http, StoreCall *call);

#endif							/* STORE_HTTP_H */
