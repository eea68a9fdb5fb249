/*
 * sign.c - AWS Signature Version 4, over PostgreSQL's HMAC and SHA-256
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
#include "pg_compat.h"

#include "common/hmac.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"

#include "store/sign.h"

#define HEX_SIZE (2 * STORE_SHA256 + 1)

static void
hmac(const void *key, size_t key_size, const char *text, uint8 *digest)
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);

	if (context == NULL || pg_hmac_init(context, key, key_size) < 0 ||
		pg_hmac_update(context, (const uint8 *) text, strlen(text)) < 0 ||
		pg_hmac_final(context, digest, STORE_SHA256) < 0)
	{
		if (context != NULL)
			pg_hmac_free(context);
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute an HMAC with SHA-256")));
	}
	pg_hmac_free(context);
}

static void
hash_hex(const char *text, char *hex)
{
	uint8		digest[STORE_SHA256];

	store_sha256(text, strlen(text), digest);
	store_hex(digest, sizeof(digest), hex);
}

void
store_encode(StringInfo out, const char *bytes, bool encode_slash)
{
	for (const unsigned char *at = (const unsigned char *) bytes; *at != '\0'; at++)
	{
		if ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
			(*at >= '0' && *at <= '9') || strchr("-._~", *at) != NULL ||
			(*at == '/' && !encode_slash))
			appendStringInfoChar(out, (char) *at);
		else
			appendStringInfo(out, "%%%02X", *at);
	}
}

/* Appends a value with runs of spaces made one. */
static void
append_value(StringInfo out, const char *value)
{
	for (; *value != '\0'; value++)
		if (*value != ' ' || value[1] != ' ')
			appendStringInfoChar(out, *value);
}

char *
store_sign(const SignRequest *request, const SignScope *scope)
{
	StringInfoData names;
	StringInfoData text;
	char		date[9];
	char		hex[HEX_SIZE];
	uint8		key[STORE_SHA256];

	/* step 1: the canonical request */
	initStringInfo(&names);
	initStringInfo(&text);
	appendStringInfo(&text, "%s\n%s\n%s\n", request->method, request->path, request->query);
	for (int i = 0; i < request->header_count; i++)
	{
		appendStringInfo(&text, "%s:", request->headers[i].name);
		append_value(&text, request->headers[i].value);
		appendStringInfoChar(&text, '\n');
		appendStringInfo(&names, "%s%s", i > 0 ? ";" : "", request->headers[i].name);
	}
	appendStringInfo(&text, "\n%s\n%s", names.data, request->payload);
	hash_hex(text.data, hex);

	/* steps 2 and 3: the string to sign */
	strlcpy(date, scope->time, sizeof(date));
	resetStringInfo(&text);
	appendStringInfo(&text, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", scope->time, date,
					 scope->region, scope->service, hex);

	/* step 4: the signing key, and the signature */
	{
		char	   *first = psprintf("AWS4%s", scope->secret_access_key);

		hmac(first, strlen(first), date, key);
		explicit_bzero(first, strlen(first));
		pfree(first);
	}
	hmac(key, sizeof(key), scope->region, key);
	hmac(key, sizeof(key), scope->service, key);
	hmac(key, sizeof(key), "aws4_request", key);
	hmac(key, sizeof(key), text.data, key);
	store_hex(key, sizeof(key), hex);

	resetStringInfo(&text);
	appendStringInfo(&text, "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, "
					 "SignedHeaders=%s, Signature=%s", scope->access_key_id, date, scope->region,
					 scope->service, names.data, hex);
	pfree(names.data);
	return text.data;
}
