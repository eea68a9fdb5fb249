/*
 * temporary.c - reading temporary files that hold records
 */
#include "segment/temporary.h"

#include "miscadmin.h"

void
temporary_rewind(BufFile *file)
{
	if (BufFileSeek(file, 0, 0, SEEK_SET) != 0)
		elog(ERROR, "could not rewind a temporary file");
}

static void
check_size(Size had, Size size)
{
	if (had != size)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not read from temporary file: %m")));
}

void
temporary_read(BufFile *file, void *out, Size size)
{
	check_size(BufFileRead(file, out, size), size);
}

bool
temporary_read_head(BufFile *file, void *head, Size size)
{
	Size		had = BufFileRead(file, head, size);

	CHECK_FOR_INTERRUPTS();
	if (had == 0)
		return false;
	check_size(had, size);
	return true;
}
