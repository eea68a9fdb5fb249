/*
 * options.c - what CREATE SERVER and CREATE USER MAPPING say of a store, and opening it
 *
 * Secrets are options of user mappings, which PostgreSQL shows to nobody else, or in a file that
 * only the server's user may read.  No message of this room has a value that may be one; the errors
 * here also hide the statement, which has.
 */
#include "pg_compat.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/reloptions.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "common/base64.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "store/provider.h"

#define WRAPPER "vector_store"
#define LEAST_SECRET 8			/* bytes */

#define FOLDER 1
#define S3 2
#define LIBS3 4
#if defined(USE_LIBS3) && USE_LIBS3 >= 4
#define LIBS3_4 LIBS3			/* what version 4 of the library has */
#else
#define LIBS3_4 0
#endif
#define ANY (FOLDER | S3 | LIBS3)

typedef enum OptionType
{
	PROVIDER, TEXT, NAME, PATH, ENDPOINT, PREFIX, ADDRESSING, ENCRYPTION, KEY, BOOLEAN,
	MILLISECONDS, KILOBYTES, COUNT
} OptionType;

typedef struct OptionRule
{
	const char *name;
	OptionType	type;
	int			providers;		/* that have it */
	int			required;		/* that need it */
	size_t		field;			/* of StoreOptions */
	int			least;
	int			most;
	bool		reads_files;	/* names a file of the server's machine */
	bool		secret;			/* belongs to a user mapping */
} OptionRule;

#define FIELD(name) #name, .field = offsetof(StoreOptions, name)
static const OptionRule rules[] = {
	{FIELD(provider), .type = PROVIDER, .providers = ANY, .required = ANY},
	{FIELD(path), .type = PATH, .providers = FOLDER, .required = FOLDER, .reads_files = true},
	{FIELD(endpoint), .type = ENDPOINT, .providers = S3 | LIBS3, .required = S3 | LIBS3},
	{FIELD(read_endpoint), .type = ENDPOINT, .providers = S3},
	{FIELD(bucket), .type = NAME, .providers = S3 | LIBS3, .required = S3 | LIBS3},
	{FIELD(prefix), .type = PREFIX, .providers = ANY},
	{FIELD(region), .type = NAME, .providers = S3 | LIBS3_4},
	{"addressing", .field = offsetof(StoreOptions, virtual_host), .type = ADDRESSING,
	.providers = S3 | LIBS3},
	{FIELD(ca_file), .type = PATH, .providers = S3, .reads_files = true},
	{FIELD(accept_unverified), .type = BOOLEAN, .providers = LIBS3},
	{FIELD(encryption), .type = ENCRYPTION, .providers = S3},
	{FIELD(kms_key_id), .type = TEXT, .providers = S3},
	{FIELD(storage_class), .type = NAME, .providers = S3},
	{FIELD(tags), .type = TEXT, .providers = S3},
	{FIELD(object_tags), .type = BOOLEAN, .providers = S3},
	{FIELD(conditional_put), .type = BOOLEAN, .providers = S3},
	{FIELD(checksums), .type = BOOLEAN, .providers = S3},
	{FIELD(credentials_file), .type = PATH, .providers = S3 | LIBS3, .reads_files = true},
	{FIELD(part_size), .type = KILOBYTES, .providers = FOLDER | S3 | LIBS3_4, .least = 5 * 1024,
	.most = 512 * 1024},
	{FIELD(connections), .type = COUNT, .providers = S3 | LIBS3, .least = 1, .most = 256},
	{FIELD(timeout), .type = MILLISECONDS, .providers = ANY, .least = 100, .most = 3600000},
	{FIELD(connect_timeout), .type = MILLISECONDS, .providers = S3, .least = 100, .most = 3600000},
	{FIELD(stall_timeout), .type = MILLISECONDS, .providers = S3 | LIBS3, .least = 100,
	.most = 3600000},
	{FIELD(access_key_id), .type = TEXT, .secret = true},
	{FIELD(secret_access_key), .type = TEXT, .secret = true},
	{FIELD(session_token), .type = TEXT, .secret = true},
	{FIELD(encryption_key), .type = KEY, .secret = true}
};

static const OptionRule *
find_rule(const char *name)
{
	for (int i = 0; i < lengthof(rules); i++)
		if (strcmp(rules[i].name, name) == 0)
			return &rules[i];
	return NULL;
}

static int
provider_bit(const char *provider)
{
	return strcmp(provider, "folder") == 0 ? FOLDER : strcmp(provider, "s3") == 0 ? S3 :
		strcmp(provider, "libs3") == 0 ? LIBS3 : 0;
}

/* The provider, if this library is built with it. */
static const StoreProvider *
find_provider(const char *name)
{
	switch (provider_bit(name))
	{
		case FOLDER:
			return &store_folder;
#ifdef USE_LIBCURL
		case S3:
			return &store_s3;
#endif
#ifdef USE_LIBS3
		case LIBS3:
			return &store_libs3;
#endif
		default:
			return NULL;
	}
}

/* ---- values ---- */

/* Whether a text has only these characters, and graphic ones besides if told to. */
static bool
made_of(const char *text, const char *others, bool graphic)
{
	for (; *text != '\0'; text++)
		if (!(*text >= 'a' && *text <= 'z') && !(*text >= 'A' && *text <= 'Z') &&
			!(*text >= '0' && *text <= '9') && strchr(others, *text) == NULL &&
			!(graphic && *text > ' ' && *text <= '~'))
			return false;
	return true;
}

/* A number with a unit; its problem, or NULL. */
static const char *
read_number(const OptionRule *rule, const char *value, int *number)
{
	int			unit = rule->type == MILLISECONDS ? GUC_UNIT_MS :
		rule->type == KILOBYTES ? GUC_UNIT_KB : 0;

	if (!parse_int(value, number, unit, NULL) || *number < rule->least || *number > rule->most)
		return psprintf("It is a number from %d to %d%s.", rule->least, rule->most,
						rule->type == MILLISECONDS ? " ms" : rule->type == KILOBYTES ? " kB" : "");
	return NULL;
}

/* Puts a value into the options; returns what is wrong with it, or NULL. */
static const char *
take_value(const OptionRule *rule, const char *value, StoreOptions *options)
{
	void	   *field = (char *) options + rule->field;
	const char *rest;
	int			number;

	switch (rule->type)
	{
		case PROVIDER:
			if (provider_bit(value) == 0)
				return "It is folder, s3 or libs3.";
			break;
		case TEXT:
			if (value[0] == '\0' || !made_of(value, "", true))
				return "It consists of printable characters, without spaces.";
			break;
		case NAME:
			if (value[0] == '\0' || !made_of(value, "._-", false))
				return "It consists of letters, digits, \".\", \"_\" and \"-\".";
			break;
		case PATH:
			if (!is_absolute_path(value))
				return "It is an absolute path.";
			break;
		case ENDPOINT:
			rest = strncmp(value, "http://", 7) == 0 ? value + 7 :
				strncmp(value, "https://", 8) == 0 ? value + 8 : "";
			if (rest[0] == '\0' || !made_of(rest, ".-:[]", false))
				return "It is http:// or https://, the name or address of a host, and possibly "
					"\":\" and a port.";
			break;
		case PREFIX:
			if (!made_of(value, "/_.-", false) || value[0] == '/' || value[0] == '.' ||
				strstr(value, "//") != NULL || strstr(value, "/.") != NULL || strlen(value) > 256)
				return "It consists of letters, digits, \"/\", \"_\", \".\" and \"-\"; "
					"no part begins with a dot.";
			value = value[0] == '\0' || value[strlen(value) - 1] == '/' ? value :
				psprintf("%s/", value);
			break;
		case ADDRESSING:
			if (strcmp(value, "path") != 0 && strcmp(value, "virtual") != 0)
				return "It is path or virtual.";
			*(bool *) field = value[0] == 'v';
			return NULL;
		case ENCRYPTION:
			if (strcmp(value, "sse-s3") != 0 && strcmp(value, "sse-kms") != 0 &&
				strcmp(value, "sse-c") != 0)
				return "It is sse-s3, sse-kms or sse-c.";
			break;
		case KEY:
			{
				char		bytes[36];
				bool		right = strlen(value) == 44 &&
					pg_b64_decode(value, 44, (void *) bytes, sizeof(bytes)) == 32;

				explicit_bzero(bytes, sizeof(bytes));
				if (!right)
					return "It is a key of 32 bytes in base 64.";
			}
			break;
		case BOOLEAN:
			return parse_bool(value, (bool *) field) ? NULL : "It is true or false.";
		case MILLISECONDS:
		case KILOBYTES:
		case COUNT:
			if ((rest = read_number(rule, value, &number)) != NULL)
				return rest;
			*(int *) field = rule->type == KILOBYTES ? number * 1024 : number;
			return NULL;
	}
	*(char **) field = pstrdup(value);
	return NULL;
}

static void
set_defaults(StoreOptions *options)
{
	memset(options, 0, sizeof(StoreOptions));
	options->prefix = "";
	options->region = "us-east-1";
	options->part_size = 8 * 1024 * 1024;
	options->connections = 64;
	options->timeout = 60000;
	options->connect_timeout = 5000;
	options->stall_timeout = 10000;
}

static bool
is_https(const StoreOptions *options)
{
	return strncmp(options->endpoint, "https://", 8) == 0;
}

/* ---- the validator ---- */

/* Whether the role may let the server use files of its machine. */
static bool
may_use_files(bool writes)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES) &&
		(!writes || has_privs_of_role(GetUserId(), ROLE_PG_WRITE_SERVER_FILES));
}

/* Raises an error for an option that has no place here. */
static void
refuse_name(const char *name, Oid catalog)
{
	const OptionRule *rule = find_rule(name);
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < lengthof(rules); i++)
		if (catalog == (rules[i].secret ? UserMappingRelationId : ForeignServerRelationId))
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", rules[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", name), errhidestmt(true),
			 rule != NULL && rule->secret ?
			 errdetail("This is an option of user mappings, which hide it from others.") :
			 rule != NULL && catalog == UserMappingRelationId ?
			 errdetail("This is an option of servers.") : 0,
			 names.len > 0 ? errhint("Valid options in this context are: %s", names.data) :
			 errhint("There are no valid options in this context.")));
}

/* Whether the server could be anybody; version 2 of libs3 looks at no certificate. */
static bool
is_unverified(const StoreOptions *options, StoreError *error)
{
	if (LIBS3_4 != 0 || provider_bit(options->provider) != LIBS3 || options->accept_unverified ||
		!is_https(options))
		return false;
	(void) store_fail(error, STORE_UNVERIFIED, "version 2 of libs3 verifies no certificate");
	return true;
}

/* Whether all that a provider needs is there, and nothing that it has not. */
static void
check_together(const StoreOptions *options, const bool *given)
{
	int			provider = options->provider == NULL ? 0 : provider_bit(options->provider);
	StoreError	error;

	for (int i = 0; i < lengthof(rules); i++)
	{
		if (!given[i] && (provider == 0 ? rules[i].type == PROVIDER : rules[i].required & provider))
			ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
							errmsg("option \"%s\" is required", rules[i].name), errhidestmt(true)));
		if (given[i] && (rules[i].providers & provider) == 0)
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
							errmsg("provider \"%s\" has no option \"%s\"", options->provider,
								   rules[i].name), errhidestmt(true)));
		if (given[i] && rules[i].reads_files && !may_use_files(provider == FOLDER))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to set option \"%s\"", rules[i].name),
					 errdetail("It names a file or folder of the server's machine: only roles with "
							   "the privileges of %s may set it.",
							   provider == FOLDER ?
							   "pg_read_server_files and pg_write_server_files" :
							   "pg_read_server_files"), errhidestmt(true)));
	}
	if (options->kms_key_id != NULL &&
		(options->encryption == NULL || strcmp(options->encryption, "sse-kms") != 0))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
						errmsg("option \"kms_key_id\" needs encryption = 'sse-kms'"),
						errhidestmt(true)));
	if (options->encryption != NULL && strcmp(options->encryption, "sse-c") == 0 &&
		!is_https(options))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("encryption = 'sse-c' sends the key, and needs an endpoint of "
							   "https"),
						errhidestmt(true)));
	if (find_provider(options->provider) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this build of the extension has no provider \"%s\"", options->provider),
				 errhint("Install the headers of %s, and build the extension again.",
						 provider == S3 ? "libcurl" : "libs3"), errhidestmt(true)));
	if (is_unverified(options, &error))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s", error.message),
						errhint("%s", store_hint(&error)), errhidestmt(true)));
}

PG_FUNCTION_INFO_V1(vector_store_validator);

Datum
vector_store_validator(PG_FUNCTION_ARGS)
{
	List	   *list = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid			catalog = PG_GETARG_OID(1);
	StoreOptions options;
	bool		given[lengthof(rules)] = {false};
	ListCell   *cell;

	set_defaults(&options);
	foreach(cell, list)
	{
		DefElem    *element = lfirst(cell);
		const OptionRule *rule = find_rule(element->defname);
		const char *value = defGetString(element);
		const char *problem;

		if (rule == NULL ||
			catalog != (rule->secret ? UserMappingRelationId : ForeignServerRelationId))
			refuse_name(element->defname, catalog);
		problem = take_value(rule, value, &options);
		if (problem != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 rule->secret ? errmsg("invalid value for option \"%s\"", rule->name) :
					 errmsg("invalid value for option \"%s\": \"%s\"", rule->name, value),
					 errdetail("%s", problem), errhidestmt(true)));
		given[rule - rules] = true;
	}
	if (catalog == ForeignServerRelationId)
		check_together(&options, given);
	PG_RETURN_VOID();
}

/* ---- the credentials file ---- */

/* The time of the file's last change; 0: it cannot be looked at. */
static int64
file_time(const char *path)
{
	struct stat status;

	if (path == NULL || stat(path, &status) < 0)
		return 0;
	return (int64) status.st_mtime * 1000000 + status.st_ino % 1000000;
}

/*
 * Takes "name = value", with the names of Amazon's file of credentials or our own; other lines are
 * left alone.
 */
static void
take_line(char *line, StoreOptions *options)
{
	char	   *equals = strchr(line, '=');
	char	   *value;
	char	   *end;
	const OptionRule *rule;

	if (equals == NULL || line[0] == '#' || line[0] == ';')
		return;
	value = equals + 1 + strspn(equals + 1, " \t");
	for (end = value + strlen(value); end > value && strchr(" \t\r\n", end[-1]) != NULL;)
		*--end = '\0';
	for (end = equals; end > line && strchr(" \t", end[-1]) != NULL;)
		end--;
	*end = '\0';
	line += strspn(line, " \t");
	rule = find_rule(strncmp(line, "aws_", 4) == 0 ? line + 4 : line);
	if (rule != NULL && rule->secret)
		(void) take_value(rule, value, options);
}

/* Reads the first section, or that named "default"; one of another name ends it. */
static bool
read_credentials_file(StoreOptions *options, StoreError *error)
{
	const char *path = options->credentials_file;
	struct stat status;
	char		line[8192];
	bool		ours = true;
	FILE	   *file = AllocateFile(path, "r");

	if (file == NULL || fstat(fileno(file), &status) < 0)
	{
		store_fail(error, STORE_CREDENTIALS, "the credentials file \"%s\" cannot be read: %s",
				   path, strerror(errno));
		if (file != NULL)
			FreeFile(file);
		return false;
	}
	if (status.st_uid != geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
	{
		FreeFile(file);
		return store_fail(error, STORE_CREDENTIALS,
						  "the credentials file \"%s\" must belong to the server's user, and be "
						  "readable by no other",
						  path);
	}
	while (fgets(line, sizeof(line), file) != NULL)
	{
		if (line[0] == '[')
			ours = strncmp(line, "[default]", 9) == 0;
		else if (ours)
			take_line(line, options);
	}
	explicit_bzero(line, sizeof(line));
	FreeFile(file);
	return true;
}

/* ---- opening ---- */

static Store **stores;
static int	store_count;

/* Servers or user mappings have changed: stores are opened again when they are next asked for. */
static void
forget_stores(Datum argument, SyscacheNumber cache, uint32 hash)
{
	for (int i = 0; i < store_count; i++)
		stores[i]->valid = false;
}

static void
close_store(Store *store)
{
	if (store->provider != NULL && store->provider->close != NULL)
		store->provider->close(store);
	MemoryContextDelete(store->context);
}

/* Closes what is no longer valid. */
static void
close_invalid(void)
{
	int			kept = 0;

	for (int i = 0; i < store_count; i++)
	{
		Store	   *store = stores[i];

		if (store->valid &&
			store->file_changed == file_time(store->options.credentials_file))
			stores[kept++] = store;
		else
			close_store(store);
	}
	store_count = kept;
}

static void
remember(Store *store)
{
	static int	room = 0;

	if (stores == NULL)
	{
		CacheRegisterSyscacheCallback(FOREIGNSERVEROID, forget_stores, (Datum) 0);
		CacheRegisterSyscacheCallback(USERMAPPINGOID, forget_stores, (Datum) 0);
		room = 8;
		stores = MemoryContextAlloc(TopMemoryContext, sizeof(Store *) * room);
	}
	else if (store_count == room)
	{
		room *= 2;
		stores = repalloc(stores, sizeof(Store *) * room);
	}
	stores[store_count++] = store;
	MemoryContextSetParent(store->context, TopMemoryContext);
}

static void
check_usage(Oid server, const char *name, Oid user)
{
	AclResult	allowed = foreign_server_aclcheck_compat(server, user, ACL_USAGE);

	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_FOREIGN_SERVER, name);
}

static void
take_options(List *list, StoreOptions *options)
{
	ListCell   *cell;

	foreach(cell, list)
	{
		DefElem    *element = lfirst(cell);
		const OptionRule *rule = find_rule(element->defname);

		if (rule != NULL)
			(void) take_value(rule, defGetString(element), options);
	}
}

/* The options of the role's user mapping, or of that for everybody; there may be none. */
static void
take_mapping(Oid server, Oid user, StoreOptions *options)
{
	HeapTuple	tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(user),
										ObjectIdGetDatum(server));
	bool		none;
	Datum		values;

	if (!HeapTupleIsValid(tuple))
		tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
								ObjectIdGetDatum(server));
	if (!HeapTupleIsValid(tuple))
		return;
	values = SysCacheGetAttr(USERMAPPINGUSERSERVER, tuple, Anum_pg_user_mapping_umoptions, &none);
	if (!none)
		take_options(untransformRelOptions(values), options);
	ReleaseSysCache(tuple);
}

bool
store_is_server(Oid server)
{
	return strcmp(GetForeignDataWrapper(GetForeignServer(server)->fdwid)->fdwname, WRAPPER) == 0;
}

static void
require(const ForeignServer *server, Oid user)
{
	if (!store_is_server(server->serverid))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("server \"%s\" is not an object store", server->servername),
						errhint("Object stores are servers of the foreign-data wrapper "
								WRAPPER ".")));
	check_usage(server->serverid, server->servername, user);
}

void
store_require(Oid server, Oid user)
{
	require(GetForeignServer(server), user);
}

bool
store_try_open(Oid server_oid, Oid user, Store **result, StoreError *error)
{
	ForeignServer *server = GetForeignServer(server_oid);
	MemoryContext caller;
	MemoryContext context;
	Store	   *store;

	memset(error, 0, sizeof(StoreError));
	require(server, user);
	close_invalid();
	for (int i = 0; i < store_count; i++)
		if (stores[i]->server == server_oid && stores[i]->user == user)
		{
			*result = stores[i];
			return true;
		}

	context = AllocSetContextCreate(CurrentMemoryContext, "object store", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	store = palloc0(sizeof(Store));
	store->context = context;
	store->server = server_oid;
	store->user = user;
	store->valid = true;
	strlcpy(store->name, server->servername, NAMEDATALEN);
	set_defaults(&store->options);
	take_options(server->options, &store->options);
	take_mapping(server_oid, user, &store->options);
	store->provider = find_provider(store->options.provider);
	MemoryContextSwitchTo(caller);
	if (store->provider == &store_folder)
		store->options.conditional_put = true;
	*result = store;
	if (store->provider == NULL)
		return store_fail(error, STORE_LIBRARY,
						  "this build of the extension has no provider \"%s\"",
						  store->options.provider);
	if (is_unverified(&store->options, error))
		return false;
	MemoryContextSwitchTo(context);
	store->file_changed = file_time(store->options.credentials_file);
	if ((store->options.credentials_file != NULL && store->options.access_key_id == NULL &&
		 !read_credentials_file(&store->options, error)) ||
		!store->provider->open(store, error))
	{
		MemoryContextSwitchTo(caller);
		store_hide_secrets(store, error);
		store->provider->close(store);
		return false;
	}
	MemoryContextSwitchTo(caller);
	remember(store);
	return true;
}

Store *
store_open(Oid server, Oid user)
{
	Store	   *store;
	StoreError	error;

	if (!store_try_open(server, user, &store, &error))
		store_raise(store, NULL, &error);
	return store;
}

/*
 * A message that a secret has got into, such as a server's that repeats a request, is not passed
 * on.  A few letters are found in any message, and are no secret.
 */
void
store_hide_secrets(const Store *store, StoreError *error)
{
	const char *secrets[] = {store->options.secret_access_key, store->options.session_token,
		store->options.encryption_key};

	for (int i = 0; i < lengthof(secrets); i++)
		if (secrets[i] != NULL && strlen(secrets[i]) >= LEAST_SECRET &&
			strstr(error->message, secrets[i]) != NULL)
			strlcpy(error->message, "the server's message has a secret in it, and is not shown",
					sizeof(error->message));
}
