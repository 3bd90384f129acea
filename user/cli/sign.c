// SPDX-License-Identifier: GPL-2.0
/* `amanat policy keygen` and `sign`. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/array.h"
#include "base/text.h"
#include "cli/args.h"
#include "cli/bundle.h"
#include "cli/cmd.h"
#include "cli/password.h"
#include "policy/bundle.h"

static int fail(int err, const char *what, const char *file, const char *why)
{
	fprintf(stderr, "error: cannot %s '", what);
	am_text_print(stderr, file);
	fprintf(stderr, "': %s\n", why);
	return err;
}

static int exit_code(int err)
{
	if (fflush(stdout) != 0) {
		fprintf(stderr, "error: cannot write the result: %s\n", strerror(errno));
		return AM_EXIT_NO;
	}
	return err ? AM_EXIT_NO : AM_EXIT_YES;
}

/* Secrets end with the process, and not in a core file. */
static void keep_no_core(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);	/* lowering a limit is always allowed */
}

/* ---- keygen ----------------------------------------------------------------- */

/* With half the memory each time where there is less than minisign would use. */
static int make_pair(const char *password, char **ret_public, char **ret_secret)
{
	struct am_key_cost cost = am_key_cost_default;
	int err;

	do {
		err = am_keypair_make(password, &cost, ret_public, ret_secret);
		cost.ops /= 2;
		cost.memory /= 2;
	} while (err == -ENOMEM && cost.memory >= am_key_cost_default.memory / 64);
	return err;
}

static int write_pair(const char *name, const char *public, const char *secret)
{
	char public_file[PATH_MAX], secret_file[PATH_MAX];
	int err;

	if ((size_t)snprintf(public_file, PATH_MAX, "%s.pub", name) >= PATH_MAX ||
	    (size_t)snprintf(secret_file, PATH_MAX, "%s.key", name) >= PATH_MAX)
		return fail(-ENAMETOOLONG, "write", name, strerror(ENAMETOOLONG));
	/* The secret half first: a public one alone would be trusted for nothing. */
	err = am_blob_create(AT_FDCWD, secret_file, 0600, secret, strlen(secret));
	if (err)
		return fail(err, "make", secret_file, strerror(-err));
	err = am_blob_create(AT_FDCWD, public_file, 0644, public, strlen(public));
	if (err) {
		(void)unlink(secret_file);	/* the failure to tell is the other one */
		return fail(err, "make", public_file, strerror(-err));
	}
	fputs("public key: ", stdout);
	am_text_print(stdout, public_file);
	fputs("\nsecret key: ", stdout);
	am_text_print(stdout, secret_file);
	putchar('\n');
	return 0;
}

static int keygen(const char *name, bool plain, const char *password_file)
{
	am_autosecret char *password = NULL, *secret = NULL;
	am_autofree char *public = NULL;
	int err;

	if (!plain) {
		err = am_password_get(password_file, true, &password);
		if (err)
			return err;	/* told */
	}
	err = make_pair(password, &public, &secret);
	if (err)
		return fail(err, "make", name, strerror(-err));
	return write_pair(name, public, secret);
}

int am_cli_policy_keygen(int argc, char **argv)
{
	const char *name = NULL, *password_file = NULL;
	bool plain = false;
	const struct am_arg items[] = {
		{ .name = "-o", .value = &name, .must = true },
		{ .name = "-W", .given = &plain },
		{ .name = "--password-file", .value = &password_file },
	};
	const struct am_args args = { AM_USAGE_KEYGEN, items, AM_COUNT(items), NULL };
	int r = am_args_parse(&args, argc, argv);

	if (r == AM_ARGS_GO && plain && password_file) {
		fputs("error: -W and --password-file exclude each other\n", stderr);
		r = AM_EXIT_USAGE;
	}
	if (r != AM_ARGS_GO)
		return r;
	keep_no_core();
	return exit_code(keygen(name, plain, password_file));
}

/* ---- sign ------------------------------------------------------------------- */

static const char *why_no_key(int err)
{
	switch (err) {
	case -EBADMSG:
		return "it is not a secret key of minisign";
	case -EACCES:
		return "this is not its password";
	case -E2BIG:
		return "it asks for more memory or time than minisign ever does";
	default:
		return strerror(-err);
	}
}

static int load_key(const char *file, const char *password_file, struct am_diags *diags,
		    struct am_seckey *ret)
{
	const struct am_blob_terms terms = { AM_SECKEY_MAX, AM_OWNER_ANY, "a secret key" };
	am_autosecret char *password = NULL;
	am_autoblob struct am_blob blob = { 0 };
	int err;

	err = am_blob_read(AT_FDCWD, file, file, &terms, diags, &blob);
	if (err)
		return err;
	err = am_seckey_parse(blob.bytes, blob.len, NULL, ret);
	if (err == -ENOKEY) {
		err = am_password_get(password_file, false, &password);
		if (err)
			return err;	/* told */
		err = am_seckey_parse(blob.bytes, blob.len, password, ret);
	}
	return err ? fail(err, "use the key", file, why_no_key(err)) : 0;
}

/* What is signed is what was read and understood here. */
struct work {
	struct am_blob text;
	struct am_draft *draft;
	char *signature;
};

static void done_work(struct work *w)
{
	am_blob_done(&w->text);
	am_draft_free(w->draft);
	free(w->signature);
}

static int make_signature(const struct am_draft *d, const char *text, size_t len,
			  const struct am_seckey *key, char **ret)
{
	char comment[256], back[48] = "";

	if (d->takes_back)
		snprintf(back, sizeof(back), "\ttakes-back:%" PRIu64, d->takes_back);
	snprintf(comment, sizeof(comment), "timestamp:%lld\tpolicy:%s\tserial:%" PRIu64 "%s\thashed",
		 (long long)time(NULL), d->model->name, d->serial, back);
	return am_signature_make(key, text, len, comment, ret);
}

int am_cli_sign(const struct am_draft *d, const char *text, size_t len, const char *key_file,
		const char *password_file, struct am_diags *diags, char **ret)
{
	am_autoseckey struct am_seckey key;
	int err;

	keep_no_core();
	err = load_key(key_file, password_file, diags, &key);
	if (err)
		return err;
	err = make_signature(d, text, len, &key, ret);
	return err ? fail(err, "sign", d->model->file, strerror(-err)) : 0;
}

static int write_beside(const struct work *w, const char *file)
{
	char path[PATH_MAX];
	int err;

	if ((size_t)snprintf(path, sizeof(path), "%s.minisig", file) >= sizeof(path))
		return fail(-ENAMETOOLONG, "write the signature of", file, strerror(ENAMETOOLONG));
	err = am_blob_replace(AT_FDCWD, path, 0644, w->signature, strlen(w->signature));
	return err ? fail(err, "write", path, strerror(-err)) : 0;
}

static int write_signed(const struct work *w, const char *path)
{
	am_autofree char *both = NULL;
	size_t head = strlen(w->signature);
	int err;

	both = malloc(head + w->text.len);
	if (!both)
		return fail(-ENOMEM, "write", path, strerror(ENOMEM));
	memcpy(mempcpy(both, w->signature, head), w->text.bytes, w->text.len);
	err = am_blob_replace(AT_FDCWD, path, 0644, both, head + w->text.len);
	return err ? fail(err, "write", path, strerror(-err)) : 0;
}

static int sign(const char *file, const char *key_file, const char *password_file, const char *to,
		struct am_diags *diags)
{
	const struct am_blob_terms terms = { AM_BUNDLE_MAX, AM_OWNER_ANY, "a bundle" };
	__attribute__((cleanup(done_work))) struct work w = { 0 };
	am_autoseckey struct am_seckey key;
	char id[AM_KEY_ID_TEXT];
	int err;

	err = am_blob_read(AT_FDCWD, file, file, &terms, diags, &w.text);
	if (!err)
		err = am_draft_parse(file, w.text.bytes, w.text.len, diags, &w.draft);
	if (err && !diags->errors)
		return fail(err, "read", file, strerror(-err));
	if (!err)
		err = load_key(key_file, password_file, diags, &key);
	if (err)
		return err;
	err = make_signature(w.draft, w.text.bytes, w.text.len, &key, &w.signature);
	if (err)
		return fail(err, "sign", file, strerror(-err));
	err = to ? write_signed(&w, to) : write_beside(&w, file);
	if (err)
		return err;
	am_key_id_format(key.id, id);
	printf("policy %s serial %" PRIu64 ": signed with key %s\n", w.draft->model->name,
	       w.draft->serial, id);
	return 0;
}

int am_cli_policy_sign(int argc, char **argv)
{
	const char *file = NULL, *key = NULL, *password_file = NULL, *to = NULL;
	const struct am_arg items[] = {
		{ .name = "-k", .value = &key, .must = true },
		{ .name = "-o", .value = &to },
		{ .name = "--password-file", .value = &password_file },
	};
	const struct am_args args = { AM_USAGE_SIGN, items, AM_COUNT(items), &file };
	struct am_diags diags;
	int err, r = am_args_parse(&args, argc, argv);

	if (r != AM_ARGS_GO)
		return r;
	keep_no_core();
	am_diags_init(&diags);
	err = sign(file, key, password_file, to, &diags);
	am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	return exit_code(err);
}
