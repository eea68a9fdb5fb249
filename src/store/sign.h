/*
 * sign.h - signatures of requests, AWS Signature Version 4
 *
 * What is signed is exactly what is sent: the caller gives the path and the query in the form in
 * which they go into the request line, with the parameters of the query in the order of their
 * names, and the headers with names in small letters, in the order of their names.
 */
#ifndef STORE_SIGN_H
#define STORE_SIGN_H

#include "store/provider.h"

typedef struct SignHeader
{
	const char *name;			/* in small letters */
	const char *value;			/* without spaces at its ends */
} SignHeader;

typedef struct SignRequest
{
	const char *method;
	const char *path;
	const char *query;			/* without '?'; may be empty */
	const SignHeader *headers;	/* sorted by name */
	int			header_count;
	const char *payload;		/* SHA-256 of the body, in hexadecimal */
} SignRequest;

typedef struct SignScope
{
	const char *access_key_id;
	const char *secret_access_key;
	const char *region;
	const char *service;
	const char *time;			/* 20130524T000000Z */
} SignScope;

/* The value of the header Authorization. */
extern char *store_sign(const SignRequest *request, const SignScope *scope);

/* Appends bytes with all but unreserved ones percent-encoded, and slashes if told to. */
extern void store_encode(StringInfo out, const char *bytes, bool encode_slash);

#endif							/* STORE_SIGN_H */
