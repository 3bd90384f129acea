// SPDX-License-Identifier: GPL-2.0
#include "cli/veil.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "policy/blob.h"

static int complain(FILE *err, const char *file, int r)
{
	(void)fputs("error: the pseudonyms' key '", err);
	am_text_print(err, file);
	if (r == -EINVAL)
		(void)fprintf(err, "' is too short: it has at least %d bytes\n  hint: Such as those of "
			      "'head -c 32 /dev/urandom'.\n", AM_PSEUDONYM_KEY_MIN);
	else
		(void)fprintf(err, "' cannot be read: %s\n", strerror(-r));
	return AM_EXIT_USAGE;
}

int am_veil_open(bool wanted, const char *key_file, FILE *err, struct am_pseudonym **ret)
{
	const struct am_blob_terms terms = { AM_PSEUDONYM_KEY_MAX, AM_OWNER_ANY, "a key" };
	am_autoblob struct am_blob key = { 0 };
	struct am_diags diags;
	int r = 0;

	if (key_file && !wanted) {
		(void)fputs("error: '--pseudonym-key' goes with '--pseudonymise'\n", err);
		return AM_EXIT_USAGE;
	}
	if (!wanted)
		return AM_ARGS_GO;
	am_diags_init(&diags);	/* the errno says it all */
	if (key_file)
		r = am_blob_read(AT_FDCWD, key_file, key_file, &terms, &diags, &key);
	am_diags_done(&diags);
	if (!r)
		r = am_pseudonym_new(key_file ? key.bytes : NULL, key.len, ret);
	if (!r)
		return AM_ARGS_GO;
	if (key_file)
		return complain(err, key_file, r);
	(void)fprintf(err, "error: %s\n", strerror(-r));
	return AM_EXIT_USAGE;
}
