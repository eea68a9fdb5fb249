/*
 * folder.c - the provider "folder": a directory of this machine, or one that is mounted
 *
 * An object is a file.  It is written under another name in .uploads, and gets its own by a rename,
 * or by a link where there may be none yet; so readers see whole objects only.  Names that begin
 * with a dot are not keys.
 */
#include "pg_compat.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/stringinfo.h"
#include "storage/fd.h"

#include "store/provider.h"

#define UPLOADS ".uploads"

/* A failure of a system call, by its errno; returns false. */
static bool
fail_errno(StoreError *error, const char *what)
{
	StoreKind	kind = errno == ENOENT ? STORE_NOT_FOUND : errno == EEXIST ? STORE_EXISTS :
		errno == EACCES || errno == EPERM || errno == EROFS ? STORE_DENIED :
		errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? STORE_FULL :
		errno == EIO || errno == ESTALE || errno == EMFILE || errno == ENFILE ? STORE_BUSY :
		STORE_REFUSED;

	if (kind == STORE_NOT_FOUND)
		return store_fail(error, kind, "there is no such object");
	if (kind == STORE_EXISTS)
		return store_fail(error, kind, "there is an object of this name already");
	return store_fail(error, kind, "could not %s: %s", what, strerror(errno));
}

static char *
path_of(const Store *store, const char *key)
{
	return psprintf("%s/%s", store->options.path, key);
}

static char *
path_of_upload(const Store *store, const char *upload)
{
	return psprintf("%s/" UPLOADS "/%s", store->options.path, upload);
}

/* Makes the folders that a path goes through below the store's. */
static bool
make_folders(const Store *store, const char *path, StoreError *error)
{
	char	   *folder = pstrdup(path);

	for (char *slash = folder + strlen(store->options.path) + 1;
		 (slash = strchr(slash, '/')) != NULL; *slash++ = '/')
	{
		*slash = '\0';
		if (MakePGDirectory(folder) < 0 && errno != EEXIST)
			return fail_errno(error, "create a folder");
	}
	return true;
}

/* Makes an entry of a folder last. */
static void
sync_folder_of(const char *path)
{
	char	   *folder = pstrdup(path);
	int			fd;

	*strrchr(folder, '/') = '\0';
	fd = OpenTransientFile(folder, O_RDONLY);
	if (fd >= 0)
	{
		(void) pg_fsync(fd);
		CloseTransientFile(fd);
	}
}

static bool
write_all(int fd, const char *data, size_t size, uint64 offset, StoreError *error)
{
	while (size > 0)
	{
		ssize_t		wrote;

		errno = 0;
		wrote = pwrite(fd, data, size, offset);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
		{
			if (errno == 0)
				errno = ENOSPC;
			return fail_errno(error, "write");
		}
		data += wrote;
		size -= wrote;
		offset += wrote;
	}
	return true;
}

/* A name that no other upload has. */
static bool
new_upload(char *upload)
{
	uint8		random[16];

	if (!pg_strong_random(random, sizeof(random)))
		return false;
	store_hex(random, sizeof(random), upload);
	return true;
}

/* Writes bytes into the file of an upload, which it makes if it may. */
static bool
write_upload(const Store *store, const StoreRequest *request, const char *upload, int flags,
			 StoreError *error)
{
	char	   *path = path_of_upload(store, upload);
	bool		written;
	int			fd;

	if ((flags & O_CREAT) && !make_folders(store, path, error))
		return false;
	fd = OpenTransientFile(path, O_WRONLY | flags);
	if (fd < 0)
		return fail_errno(error, "open a file of an upload");
	written = write_all(fd, request->body, request->body_size, request->offset, error);
	if (written && pg_fsync(fd) < 0)
		written = fail_errno(error, "flush");
	CloseTransientFile(fd);
	return written;
}

/*
 * Gives the file of an upload the name of its object.  A delete of another object may remove a
 * folder that was just made, so that is tried again.
 */
static bool
name_upload(const Store *store, const StoreRequest *request, const char *upload,
			StoreError *error)
{
	char	   *from = path_of_upload(store, upload);
	char	   *to = path_of(store, request->key);
	bool		named = false;

	for (int i = 0; i < 10 && !named; i++)
	{
		if (!make_folders(store, to, error))
			return false;
		named = (request->create ? link(from, to) : rename(from, to)) == 0;
		if (!named && errno != ENOENT)
			break;
	}
	if (!named)
		fail_errno(error, "name an object");
	else
		sync_folder_of(to);
	if (request->create || !named)
		unlink(from);
	return named;
}

static bool
put(const Store *store, const StoreRequest *request, StoreError *error)
{
	char		upload[33];

	if (!new_upload(upload))
		return store_fail(error, STORE_REFUSED, "no random numbers");
	if (!write_upload(store, request, upload, O_CREAT | O_EXCL, error))
	{
		unlink(path_of_upload(store, upload));
		return false;
	}
	return name_upload(store, request, upload, error);
}

/* Opens the file of an object, which is no folder; -1: it failed. */
static int
open_object(const Store *store, const StoreRequest *request, StoreObject *object,
			StoreError *error)
{
	struct stat status;
	int			fd = OpenTransientFile(path_of(store, request->key), O_RDONLY);

	if (fd >= 0 && fstat(fd, &status) == 0)
	{
		if (S_ISREG(status.st_mode))
		{
			object->size = status.st_size;
			return fd;
		}
		errno = ENOENT;
	}
	/* a folder in the place of the object, or an object in that of a folder */
	if (errno == ENOTDIR || errno == EISDIR)
		errno = ENOENT;
	fail_errno(error, "open an object");
	if (fd >= 0)
		CloseTransientFile(fd);
	return -1;
}

static void
get(const Store *store, StoreAttempt *attempt)
{
	StoreRequest *request = attempt->request;
	int			fd = open_object(store, request, &attempt->object, &attempt->error);

	if (fd < 0)
		return;
	while (attempt->size < request->length)
	{
		ssize_t		got = pread(fd, attempt->data + attempt->size,
								request->length - attempt->size,
								request->offset + attempt->size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail_errno(&attempt->error, "read");
		if (got <= 0)
			break;
		attempt->size += got;
	}
	CloseTransientFile(fd);
}

static void
head(const Store *store, StoreAttempt *attempt)
{
	int			fd = open_object(store, attempt->request, &attempt->object, &attempt->error);

	if (fd >= 0)
		CloseTransientFile(fd);
}

/* Deletes an object, and the folders above it that become empty. */
static void
delete(const Store *store, StoreAttempt *attempt)
{
	char	   *path = path_of(store, attempt->request->key);
	char	   *end = path + strlen(store->options.path);

	if (unlink(path) < 0)
	{
		if (errno != ENOENT && errno != ENOTDIR)
			fail_errno(&attempt->error, "delete an object");
		return;
	}
	sync_folder_of(path);
	for (char *slash; (slash = strrchr(path, '/')) != NULL && slash > end;)
	{
		*slash = '\0';
		if (rmdir(path) < 0)
			break;
	}
}

/* Appends a line for each object in a folder and below whose key begins with the prefix. */
static bool
list_folder(const Store *store, const char *folder, const char *prefix, StringInfo out,
			StoreError *error)
{
	DIR		   *directory = opendir(path_of(store, folder));
	struct dirent *entry;
	bool		listed = true;

	if (directory == NULL)
		return errno == ENOENT || errno == ENOTDIR || fail_errno(error, "read a folder");
	while (listed && (errno = 0, entry = readdir(directory)) != NULL)
	{
		char	   *key;
		size_t		size;
		struct stat status;

		if (entry->d_name[0] == '.')
			continue;
		key = psprintf("%s%s", folder, entry->d_name);
		size = Min(strlen(key), strlen(prefix));
		if (strncmp(key, prefix, size) != 0 || stat(path_of(store, key), &status) < 0)
			continue;
		if (S_ISDIR(status.st_mode))
			listed = list_folder(store, psprintf("%s/", key), prefix, out, error);
		else if (size == strlen(prefix))
			appendStringInfo(out, UINT64_FORMAT " %s\n", (uint64) status.st_size, key);
	}
	if (listed && errno != 0)
		listed = fail_errno(error, "read a folder");
	closedir(directory);
	return listed;
}

static void
list(const Store *store, StoreAttempt *attempt)
{
	const char *prefix = attempt->request->key;
	const char *slash = strrchr(prefix, '/');
	StringInfoData out;

	initStringInfo(&out);
	if (list_folder(store, slash == NULL ? "" : pnstrdup(prefix, slash + 1 - prefix), prefix,
					&out, &attempt->error))
	{
		attempt->data = out.data;
		attempt->size = out.len;
	}
}

static void
folder_begin(Store *store, StoreAttempt *attempt)
{
	StoreRequest *request = attempt->request;
	StoreError *error = &attempt->error;

	switch (request->verb)
	{
		case STORE_PUT:
			put(store, request, error);
			break;
		case STORE_GET:
			get(store, attempt);
			break;
		case STORE_HEAD:
			head(store, attempt);
			break;
		case STORE_DELETE:
			delete(store, attempt);
			break;
		case STORE_LIST:
			list(store, attempt);
			break;
		case STORE_UPLOAD_BEGIN:
			attempt->data = palloc(33);
			if (!new_upload(attempt->data))
				store_fail(error, STORE_REFUSED, "no random numbers");
			else if (write_upload(store, request, attempt->data, O_CREAT | O_EXCL, error))
				attempt->size = 32;
			break;
		case STORE_UPLOAD_PART:
			write_upload(store, request, request->upload, 0, error);
			break;
		case STORE_UPLOAD_END:
			name_upload(store, request, request->upload, error);
			break;
		case STORE_UPLOAD_ABORT:
			if (unlink(path_of_upload(store, request->upload)) < 0 && errno != ENOENT)
				fail_errno(error, "delete the file of an upload");
			break;
	}
	attempt->done = true;
}

static bool
folder_open(Store *store, StoreError *error)
{
	struct stat status;

	if (stat(store->options.path, &status) < 0)
		return store_fail(error, errno == ENOENT ? STORE_NO_BUCKET : STORE_DENIED,
						  "the folder \"%s\" cannot be used: %s", store->options.path,
						  strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return store_fail(error, STORE_NO_BUCKET, "\"%s\" is not a folder", store->options.path);
	return true;
}

static void
folder_nothing(Store *store)
{
}

/* Attempts are done when they begin. */
static bool
folder_wait(Store *store, int milliseconds)
{
	return true;
}

static void
folder_stop(Store *store, StoreAttempt *attempt)
{
}

const StoreProvider store_folder = {
	.name = "folder",
	.parts = true,
	.create = true,
	.open = folder_open,
	.close = folder_nothing,
	.begin = folder_begin,
	.wait = folder_wait,
	.stop = folder_stop,
	.page = store_page_of_lines
};
