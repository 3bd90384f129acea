// SPDX-License-Identifier: GPL-2.0
/* `amanat policy compile`, `verify` and `show`; keys are in sign.c. */
#include "cli/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/array.h"
#include "base/text.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/policy.h"
#include "policy/bundle.h"
#include "policy/image.h"
#include "policy/invariant.h"

/* ---- what is said ----------------------------------------------------------- */

/* What the verb found, whatever it did; `file` stands for what cannot be put into words
 * of its own. The exit code. */
int am_cli_finish(int err, const char *file, struct am_diags *diags)
{
	bool said = diags->errors > 0;

	am_diags_print(diags, stderr);
	am_diags_done(diags);
	if (err && !said) {
		fputs("error: cannot work on '", stderr);
		am_text_print(stderr, file);
		fprintf(stderr, "': %s\n", strerror(-err));
	}
	if (fflush(stdout) == 0)
		return err ? AM_EXIT_NO : AM_EXIT_YES;
	fprintf(stderr, "error: cannot write the result: %s\n", strerror(errno));
	return AM_EXIT_NO;
}

static void print_draft(const struct am_draft *d)
{
	printf("policy %s serial %" PRIu64, d->model->name, d->serial);
	if (d->takes_back)
		printf(", takes back %" PRIu64, d->takes_back);
}

int am_cli_number(const char *option, const char *word, uint64_t *ret)
{
	if (!am_serial_parse(word, strlen(word), ret))
		return AM_ARGS_GO;
	fprintf(stderr, "error: %s takes a number from 1 to %" PRIu64 ", and not '", option,
		AM_SERIAL_MAX);
	am_text_print(stderr, word);
	fputs("'\n", stderr);
	return AM_EXIT_USAGE;
}

/* ---- compile ---------------------------------------------------------------- */

/* Users and groups are those of the hosts that the bundle is for. */
static int any_account(void *ctx, const char *name, uint32_t *ret)
{
	(void)ctx;
	(void)name;
	*ret = 1;
	return 0;
}

/* What no host could put into force, or breaks its own invariants, is found here, before
 * it is signed. */
static int check_policy(const struct am_model *m, struct am_diags *diags)
{
	const struct am_resolver anywhere = { .user = any_account, .group = any_account };
	am_auto(am_registry) struct am_registry *registry = NULL;
	am_auto(am_image) struct am_image *image = NULL;
	int err;

	err = am_invariants_check(m, diags);
	if (!err)
		err = am_registry_new(&registry);
	return err ? err : am_image_compile(m, registry, &anywhere, diags, &image);
}

static int write_bundle(const char *path, const char *text, size_t len, struct am_diags *diags)
{
	int err = am_blob_replace(AT_FDCWD, path, 0644, text, len);

	return err ? am_refuse(diags, path, err, "Check the folder and who may write it.",
			       "the bundle cannot be written: %s", strerror(-err)) : 0;
}

static int compile(const char *file, const char *to, uint64_t serial, uint64_t takes_back,
		   struct am_diags *diags)
{
	am_auto(am_model) struct am_model *m = NULL;
	am_auto(am_draft) struct am_draft *d = NULL;
	am_autofree char *text = NULL;
	char digest[AM_DIGEST_TEXT];
	size_t len;
	int err;

	err = am_model_load(file, diags, &m);
	if (!err)
		err = check_policy(m, diags);
	if (!err)
		err = am_bundle_make(m, serial, takes_back, diags, &text, &len);
	if (!err)
		err = am_draft_parse(to, text, len, diags, &d);
	if (!err)
		err = write_bundle(to, text, len, diags);
	if (err)
		return err;
	am_digest_format(d->digest, digest);
	print_draft(d);
	printf(": %zu bytes, digest %s\n", len, digest);
	return 0;
}

int am_cli_policy_compile(int argc, char **argv)
{
	const char *file = NULL, *to = NULL, *serial_word = NULL, *back_word = NULL;
	const struct am_arg items[] = {
		{ .name = "-o", .value = &to, .must = true },
		{ .name = "--serial", .value = &serial_word, .must = true },
		{ .name = "--rollback", .value = &back_word },
	};
	const struct am_args args = { AM_USAGE_COMPILE, items, AM_COUNT(items), &file };
	uint64_t serial, takes_back = 0;
	struct am_diags diags;
	int r = am_args_parse(&args, argc, argv);

	if (r == AM_ARGS_GO)
		r = am_cli_number("--serial", serial_word, &serial);
	if (r == AM_ARGS_GO && back_word)
		r = am_cli_number("--rollback", back_word, &takes_back);
	if (r != AM_ARGS_GO)
		return r;
	am_diags_init(&diags);
	return am_cli_finish(compile(file, to, serial, takes_back, &diags), file, &diags);
}

/* ---- verify ----------------------------------------------------------------- */

struct verify {
	const char *file, *public_key, *keys;
	uint64_t min_serial;
	bool json;
};

static int load_public_key(const char *path, struct am_diags *diags, struct am_keyring **ret)
{
	const struct am_blob_terms terms = { AM_KEY_FILE_MAX, AM_OWNER_ANY, "a public key" };
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	am_autoblob struct am_blob blob = { 0 };
	int err;

	err = am_blob_read(AT_FDCWD, path, path, &terms, diags, &blob);
	if (!err)
		err = am_keyring_new(&ring);
	if (!err)
		err = am_keyring_add(ring, path, blob.bytes, blob.len, diags);
	if (!err)
		*ret = AM_TAKE_PTR(ring);
	return err;
}

/* The host's keys are root's; who names a folder may also name one of their own. */
uid_t am_cli_keys_owner(const char *dir)
{
	struct stat st;

	return dir && stat(dir, &st) == 0 && st.st_uid == geteuid() ? st.st_uid : 0;
}

static int load_keys(const struct verify *v, struct am_diags *diags, struct am_keyring **ret)
{
	if (v->public_key)
		return load_public_key(v->public_key, diags, ret);
	return am_keyring_load(v->keys ? v->keys : AM_KEYS_DIR, am_cli_keys_owner(v->keys), diags,
			       ret);
}

static int check_min(const struct verify *v, const struct am_bundle *b, struct am_diags *diags)
{
	if (b->draft->serial >= v->min_serial)
		return 0;
	return am_refuse(diags, v->file, -ESTALE, "Ask the signer for the current one.",
			 "the bundle has serial %" PRIu64 ", and at least %" PRIu64 " is wanted",
			 b->draft->serial, v->min_serial);
}

static int verify(const struct verify *v, struct am_diags *diags, struct am_bundle **ret)
{
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	am_auto(am_bundle) struct am_bundle *b = NULL;
	int err;

	err = load_keys(v, diags, &ring);
	if (!err)
		err = am_bundle_load(v->file, ring, time(NULL), diags, &b);
	if (!err)
		err = check_min(v, b, diags);
	if (!err)
		*ret = AM_TAKE_PTR(b);
	return err;
}

/* minisign puts tabs between the parts of a comment. */
static void print_comment(const char *comment)
{
	for (size_t n; *comment; comment += n) {
		am_autofree char *part = NULL;

		n = strcspn(comment, "\t");
		part = strndup(comment, n);
		if (part)
			am_text_print(stdout, part);
		if (comment[n])
			putchar(' ');
		n += comment[n] ? 1 : 0;
	}
}

static void print_bundle(const struct am_bundle *b)
{
	char id[AM_KEY_ID_TEXT], digest[AM_DIGEST_TEXT];

	am_key_id_format(b->key_id, id);
	am_digest_format(b->draft->digest, digest);
	print_draft(b->draft);
	fputs(": signed with key '", stdout);
	am_text_print(stdout, b->signer);
	printf("' (%s)\ndigest: %s\ntrusted comment: ", id, digest);
	print_comment(b->comment);
	putchar('\n');
}

static void json_draft(struct am_json *j, const struct am_draft *d)
{
	char digest[AM_DIGEST_TEXT];

	am_digest_format(d->digest, digest);
	am_json_text(j, "policy", d->model->name);
	am_json_int(j, "serial", d->serial);
	if (d->takes_back)
		am_json_int(j, "takes_back", d->takes_back);
	am_json_text(j, "digest", digest);
}

/* `b` is NULL if it was refused: then nothing that it says is shown. */
static void json_bundle(const char *file, const struct am_bundle *b, const struct am_diags *diags)
{
	char id[AM_KEY_ID_TEXT];
	struct am_json j;

	am_json_init(&j, stdout);
	am_json_object(&j, NULL);
	am_json_text(&j, "file", file);
	am_json_bool(&j, "ok", b);
	if (b) {
		am_key_id_format(b->key_id, id);
		json_draft(&j, b->draft);
		am_json_text(&j, "signer", b->signer);
		am_json_text(&j, "key_id", id);
		am_json_text(&j, "trusted_comment", b->comment);
	}
	am_findings_json(&j, diags);
	am_json_end(&j);
	(void)am_json_done(&j);	/* the stream keeps its error */
}

int am_cli_policy_verify(int argc, char **argv)
{
	am_auto(am_bundle) struct am_bundle *b = NULL;
	struct verify v = { 0 };
	const char *min_word = NULL;
	const struct am_arg items[] = {
		{ .name = "-p", .value = &v.public_key },
		{ .name = "--keys", .value = &v.keys },
		{ .name = "--min-serial", .value = &min_word },
		{ .name = "--json", .given = &v.json },
	};
	const struct am_args args = { AM_USAGE_VERIFY, items, AM_COUNT(items), &v.file };
	struct am_diags diags;
	int err, r = am_args_parse(&args, argc, argv);

	if (r == AM_ARGS_GO && min_word)
		r = am_cli_number("--min-serial", min_word, &v.min_serial);
	if (r == AM_ARGS_GO && v.public_key && v.keys) {
		fputs("error: -p and --keys exclude each other\n", stderr);
		r = AM_EXIT_USAGE;
	}
	if (r != AM_ARGS_GO)
		return r;
	am_diags_init(&diags);
	err = verify(&v, &diags, &b);
	if (v.json)
		json_bundle(v.file, b, &diags);
	else if (!err)
		print_bundle(b);
	if (v.json) {	/* they have been shown */
		am_diags_done(&diags);
		return am_cli_finish(0, v.file, &diags) || err ? AM_EXIT_NO : AM_EXIT_YES;
	}
	return am_cli_finish(err, v.file, &diags);
}

/* ---- show ------------------------------------------------------------------- */

static void json_show(const char *file, const struct am_draft *d, const char *id)
{
	struct am_json j;

	am_json_init(&j, stdout);
	am_json_object(&j, NULL);
	am_json_text(&j, "file", file);
	json_draft(&j, d);
	am_json_text(&j, "mode", d->model->mode == AM_MODE_ENFORCE ? "enforce" : "observe");
	am_json_int(&j, "labels", d->model->n_labels);
	am_json_int(&j, "stores", d->model->n_stores);
	am_json_int(&j, "subjects", d->model->n_subjects);
	am_json_int(&j, "zones", d->model->n_zones);
	am_json_int(&j, "rules", d->model->n_rules);
	am_json_text(&j, "claimed_key_id", id);
	am_json_end(&j);
	(void)am_json_done(&j);	/* the stream keeps its error */
}

static int show(const char *file, bool json, struct am_diags *diags)
{
	const struct am_blob_terms terms = { AM_SIGNED_MAX, AM_OWNER_ANY, "a signed bundle" };
	am_auto(am_draft) struct am_draft *d = NULL;
	am_autoblob struct am_blob blob = { 0 };
	struct am_signature s = { 0 };
	char id[AM_KEY_ID_TEXT] = "";
	int err;

	err = am_blob_read(AT_FDCWD, file, file, &terms, diags, &blob);
	if (err)
		return err;
	if (!am_signature_parse(blob.bytes, blob.len, &s))
		am_key_id_format(s.id, id);
	err = am_draft_parse(file, blob.bytes + s.size, blob.len - s.size, diags, &d);
	if (err)
		return err;
	if (json) {
		json_show(file, d, id[0] ? id : NULL);
		return 0;
	}
	/* It is in canonical form, so no byte of it speaks to the terminal. */
	fwrite(blob.bytes + s.size, 1, blob.len - s.size, stdout);
	fprintf(stderr, id[0] ? "note: said to be signed with key %s; 'amanat policy verify' "
				"tells whether it is\n" :
				"note: who wrote this has not been checked%s\n", id);
	return 0;
}

int am_cli_policy_show(int argc, char **argv)
{
	const char *file = NULL;
	bool json = false;
	const struct am_arg items[] = { { .name = "--json", .given = &json } };
	const struct am_args args = { AM_USAGE_SHOW, items, AM_COUNT(items), &file };
	struct am_diags diags;
	int r = am_args_parse(&args, argc, argv);

	if (r != AM_ARGS_GO)
		return r;
	am_diags_init(&diags);
	return am_cli_finish(show(file, json, &diags), file, &diags);
}
