/*
 * answer.c - what answers of providers mean
 */
#include "pg_compat.h"

#include "store/provider.h"

/* What a status of HTTP and a code of S3 mean. */
StoreKind
store_kind_of(int status, const char *code)
{
	static const struct
	{
		const char *code;
		StoreKind	kind;
	}			codes[] = {
		{"NoSuchKey", STORE_NOT_FOUND}, {"PreconditionFailed", STORE_EXISTS},
		{"InvalidRange", STORE_DAMAGED},
		{"AccessDenied", STORE_DENIED}, {"AccountProblem", STORE_DENIED},
		{"NoSuchBucket", STORE_NO_BUCKET}, {"InvalidBucketName", STORE_NO_BUCKET},
		{"RequestTimeTooSkewed", STORE_CLOCK}, {"RequestExpired", STORE_CLOCK},
		{"InvalidAccessKeyId", STORE_CREDENTIALS}, {"SignatureDoesNotMatch", STORE_CREDENTIALS},
		{"InvalidToken", STORE_CREDENTIALS}, {"ExpiredToken", STORE_CREDENTIALS},
		{"TokenRefreshRequired", STORE_CREDENTIALS}, {"InvalidSecurity", STORE_CREDENTIALS},
		{"AuthorizationHeaderMalformed", STORE_REGION}, {"PermanentRedirect", STORE_REGION},
		{"TemporaryRedirect", STORE_REGION}, {"Redirect", STORE_REGION},
		{"IllegalLocationConstraintException", STORE_REGION},
		{"SlowDown", STORE_BUSY}, {"ServiceUnavailable", STORE_BUSY}, {"InternalError", STORE_BUSY},
		{"OperationAborted", STORE_BUSY}, {"ConditionalRequestConflict", STORE_BUSY},
		{"RequestTimeout", STORE_TIMEOUT}, {"QuotaExceeded", STORE_FULL},
		/* the body that came is not the one that was sent */
		{"BadDigest", STORE_UNREACHABLE}, {"IncompleteBody", STORE_UNREACHABLE},
		{"XAmzContentSHA256Mismatch", STORE_UNREACHABLE}
	};

	for (int i = 0; i < lengthof(codes); i++)
		if (strcmp(code, codes[i].code) == 0)
			return codes[i].kind;
	if (status == 404)
		return STORE_NOT_FOUND;
	if (status == 401 || status == 403)
		return STORE_DENIED;
	if (status >= 300 && status < 400)
		return STORE_REGION;
	if (status == 412)
		return STORE_EXISTS;
	if (status == 416)
		return STORE_DAMAGED;
	if (status == 507)
		return STORE_FULL;
	if (status == 408 || status == 429 || (status >= 500 && status != 501))
		return STORE_BUSY;
	return STORE_REFUSED;
}

/* Notes the failure that a server names, with the status that the error has. */
void
store_fail_by_code(StoreError *error, const char *code, const char *message)
{
	StoreKind	kind = store_kind_of(error->status, code);
	const char *colon = code[0] != '\0' && message[0] != '\0' ? ": " : "";

	if (kind == STORE_NOT_FOUND)
		store_fail(error, kind, "there is no such object");
	else if (kind == STORE_EXISTS)
		store_fail(error, kind, "there is an object of this name already");
	else if (code[0] == '\0' && message[0] == '\0')
		store_fail(error, kind, "the server refused the request with status %d", error->status);
	else
		store_fail(error, kind, "%s%s%s", code, colon, message);
	for (char *at = error->message; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

/* A page of a list in lines: "SIZE KEY", and in the last one "+TOKEN" if there are more. */
bool
store_page_of_lines(Store *store, const StoreRequest *request, StoreVisit visit, void *arg,
					char *token)
{
	char	   *line = request->reply;

	token[0] = '\0';
	for (char *end; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1)
	{
		*end = '\0';
		if (line[0] == '+')
			strlcpy(token, line + 1, STORE_MAX_TOKEN);
		else
		{
			char	   *key;
			uint64		size = strtou64(line, &key, 10);

			visit(arg, key + 1, size);
		}
	}
	return true;
}
