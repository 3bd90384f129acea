// SPDX-License-Identifier: GPL-2.0
/* `amanat policy push`, `history` and `rollback`: what a policy is to the agent. */
#include "cli/push.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/text.h"
#include "cli/args.h"
#include "cli/bundle.h"
#include "cli/client.h"
#include "cli/cmd.h"
#include "event/findings.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U	/* kernel commit 105ff5339f49, 6.3 */
#endif

enum {
	ANSWER_MS = 120 * 1000,	/* a policy of 10,000 rules is resolved by a busy host */
	NAME_SHOWN = 512,
};

static int ask(struct am_client *c)
{
	int r = am_client_ask(c);

	if (r == -EPIPE)	/* nobody wants the answer any more */
		return AM_EXIT_NO;
	return r < 0 ? am_client_failed(c, r) : r;
}

/* ---- push ------------------------------------------------------------------- */

struct push {
	const char *run;
	const char *name;	/* for messages */
	bool dry_run;
	bool json;
};

static int open_memory(void)
{
	int fd = memfd_create("amanat-bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("amanat-bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

/* What the agent verifies is what it uses: nobody can change it any more, not even we. */
static int seal(const struct am_blob *blob, int *ret)
{
	am_autoclose int fd = open_memory();
	size_t done = 0;

	if (fd < 0)
		return fd;
	while (done < blob->len) {
		ssize_t n = write(fd, blob->bytes + done, blob->len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n < 0 ? 0 : (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	*ret = AM_TAKE_FD(fd);
	return 0;
}

static void put_words(struct am_client *c, const struct push *p)
{
	const char *slash = strrchr(p->name, '/');
	size_t n = 0;

	c->words[n++] = "push";
	c->words[n++] = strlen(p->name) > NAME_SHOWN && slash ? slash + 1 : p->name;
	if (p->dry_run)
		c->words[n++] = "--dry-run";
	if (p->json)
		c->words[n++] = "--json";
}

static int push(const struct push *p, const struct am_blob *blob)
{
	struct am_client c = { .run = p->run, .silence_ms = ANSWER_MS, .stop_fd = -1,
			       .out = stdout, .err = stderr };
	am_autoclose int fd = -1;
	int err = seal(blob, &fd);

	if (err) {
		fprintf(stderr, "error: cannot hold the bundle in memory: %s\n", strerror(-err));
		return AM_EXIT_NO;
	}
	put_words(&c, p);
	c.passed = &fd;
	return ask(&c);
}

/* What did not even get to the agent, in the form of its answer. */
static void json_unread(const char *file, const struct am_diags *diags)
{
	struct am_json j;

	am_json_init(&j, stdout);
	am_json_object(&j, NULL);
	am_json_text(&j, "file", file);
	am_json_bool(&j, "ok", false);
	am_json_text(&j, "result", "refused");
	am_findings_json(&j, diags);
	am_json_end(&j);
	(void)am_json_done(&j);	/* the stream keeps its error */
}

int am_cli_policy_push(const char *run, int argc, char **argv)
{
	am_autoblob struct am_blob blob = { 0 };
	const char *file = NULL;
	struct push p = { .run = run };
	const struct am_arg items[] = {
		{ .name = "--dry-run", .given = &p.dry_run },
		{ .name = "--json", .given = &p.json },
	};
	const struct am_args args = { AM_USAGE_PUSH, items, AM_COUNT(items), &file };
	struct am_diags diags;
	int err, r = am_args_parse(&args, argc, argv);

	if (r != AM_ARGS_GO)
		return r;
	p.name = file;
	am_diags_init(&diags);
	err = am_signed_read(file, &diags, &blob);
	if (err && p.json)
		json_unread(file, &diags);
	r = am_cli_finish(err, file, &diags);
	return err ? r : push(&p, &blob);
}

/* ---- history ---------------------------------------------------------------- */

int am_cli_policy_history(const char *run, int argc, char **argv)
{
	const char *generation = NULL;
	bool json = false;
	const struct am_arg items[] = {
		{ .name = "--show", .value = &generation },
		{ .name = "--json", .given = &json },
	};
	const struct am_args args = { AM_USAGE_HISTORY, items, AM_COUNT(items), NULL };
	struct am_client c = { .run = run, .silence_ms = ANSWER_MS, .stop_fd = -1,
			       .out = stdout, .err = stderr };
	int r = am_args_parse(&args, argc, argv);
	size_t n = 0;

	if (r == AM_ARGS_GO && generation && json) {
		fputs("error: --show and --json exclude each other\n", stderr);
		r = AM_EXIT_USAGE;
	}
	if (r != AM_ARGS_GO)
		return r;
	c.words[n++] = "history";
	if (json)
		c.words[n++] = "--json";
	if (generation) {
		c.words[n++] = "--show";
		c.words[n++] = generation;
	}
	return ask(&c);
}

/* ---- rollback --------------------------------------------------------------- */

struct rollback {
	struct push push;
	const char *key, *password_file, *keys, *to, *output;
	uint64_t highest;	/* the serial that is taken back */
	struct am_blob earlier;	/* the signed bundle that it goes to */
	struct am_bundle *bundle;	/* the same, believed */
	struct am_blob text;	/* of the rollback */
	struct am_draft *draft;	/* the same, parsed */
};

static void done_rollback(struct rollback *b)
{
	am_blob_done(&b->earlier);
	am_bundle_free(b->bundle);
	am_blob_done(&b->text);
	am_draft_free(b->draft);
}

/* "highest N", a line feed, the signed bundle. */
static int take_earlier(struct rollback *b, char *answer, size_t len)
{
	static const char prefix[] = "highest ";
	size_t skip = strlen(prefix);
	char *lf = memchr(answer, '\n', len);

	if (!lf || (size_t)(lf - answer) < skip || memcmp(answer, prefix, skip) ||
	    am_serial_parse(answer + skip, (size_t)(lf - answer) - skip, &b->highest)) {
		fputs("error: the agent's answer is not understood\n", stderr);
		return AM_EXIT_MISSING;
	}
	b->earlier.len = len - (size_t)(lf + 1 - answer);
	b->earlier.bytes = calloc(1, b->earlier.len + 1);
	if (!b->earlier.bytes) {
		fputs("error: not enough memory\n", stderr);
		return AM_EXIT_NO;
	}
	memcpy(b->earlier.bytes, lf + 1, b->earlier.len);
	return AM_EXIT_YES;
}

static int fetch_earlier(struct rollback *b)
{
	am_autofree char *answer = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&answer, &len);
	struct am_client c = { .run = b->push.run, .words = { "earlier", b->to },
			       .silence_ms = ANSWER_MS, .stop_fd = -1, .out = memory,
			       .err = stderr };
	int r;

	if (!memory) {
		fputs("error: not enough memory\n", stderr);
		return AM_EXIT_NO;
	}
	r = ask(&c);
	if (fclose(memory) || r)
		return r ? r : AM_EXIT_NO;
	return take_earlier(b, answer, len);
}

/* What the agent says was in force before is believed if somebody trusted has signed it:
 * who signs a rollback signs no other policy than that. */
static int make_text(struct rollback *b, struct am_diags *diags)
{
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	const struct am_draft *d;
	int err;

	err = am_keyring_load(b->keys ? b->keys : AM_KEYS_DIR, am_cli_keys_owner(b->keys), diags, &ring);
	if (!err)
		err = am_bundle_open("earlier bundle", &b->earlier, ring, AM_ANY_TIME, diags, &b->bundle);
	if (err)
		return err;
	d = b->bundle->draft;
	err = am_bundle_make(d->model, d->serial, b->highest, diags, &b->text.bytes, &b->text.len);
	if (!err)
		err = am_draft_parse("rollback", b->text.bytes, b->text.len, diags, &b->draft);
	return err;
}

static int sign_text(const struct rollback *b, struct am_diags *diags, struct am_blob *ret)
{
	am_autofree char *signature = NULL;
	struct am_blob both = { 0 };
	size_t head;
	int err = am_cli_sign(b->draft, b->text.bytes, b->text.len, b->key, b->password_file, diags,
			      &signature);

	if (err)
		return err;
	head = strlen(signature);
	both.len = head + b->text.len;
	both.bytes = calloc(1, both.len + 1);
	if (!both.bytes)
		return -ENOMEM;
	memcpy(mempcpy(both.bytes, signature, head), b->text.bytes, b->text.len);
	*ret = both;
	return 0;
}

static int write_text(const struct rollback *b, struct am_diags *diags)
{
	int err = am_blob_replace(AT_FDCWD, b->output, 0644, b->text.bytes, b->text.len);

	if (err)
		return am_refuse(diags, b->output, err, "Check the folder and who may write it.",
				 "the bundle cannot be written: %s", strerror(-err));
	printf("policy %s serial %" PRIu64 ", takes back %" PRIu64 ": sign it where the key is, with\n"
	       "  amanat policy sign ", b->draft->model->name, b->draft->serial, b->highest);
	am_text_print(stdout, b->output);
	fputs(" -k SECRETKEY\nand here, with its signature beside it\n  amanat policy push ", stdout);
	am_text_print(stdout, b->output);
	putchar('\n');
	return 0;
}

static int roll_back(struct rollback *b)
{
	am_autoblob struct am_blob signed_ = { 0 };
	struct am_diags diags;
	int err, r = fetch_earlier(b);

	if (r)
		return r;
	am_diags_init(&diags);
	err = make_text(b, &diags);
	if (!err)
		err = b->output ? write_text(b, &diags) : sign_text(b, &diags, &signed_);
	r = am_cli_finish(err, "rollback", &diags);
	return err || b->output ? r : push(&b->push, &signed_);
}

static int say_what_to_do(void)
{
	fputs("error: only a signed rollback goes back: name the secret key\n"
	      "  hint: 'amanat policy rollback -k SECRETKEY' signs and pushes it; where the key is not "
	      "on this host, 'amanat policy rollback -o BUNDLE' writes what is to be signed.\n", stderr);
	return AM_EXIT_USAGE;
}

int am_cli_policy_rollback(const char *run, int argc, char **argv)
{
	__attribute__((cleanup(done_rollback))) struct rollback b = {
		.push = { .run = run, .name = "rollback" },
	};
	const struct am_arg items[] = {
		{ .name = "-k", .value = &b.key },
		{ .name = "-o", .value = &b.output },
		{ .name = "--to", .value = &b.to },
		{ .name = "--password-file", .value = &b.password_file },
		{ .name = "--keys", .value = &b.keys },
		{ .name = "--dry-run", .given = &b.push.dry_run },
		{ .name = "--json", .given = &b.push.json },
	};
	const struct am_args args = { AM_USAGE_ROLLBACK, items, AM_COUNT(items), NULL };
	uint64_t serial;
	int r = am_args_parse(&args, argc, argv);

	if (r == AM_ARGS_GO && b.to)
		r = am_cli_number("--to", b.to, &serial);
	if (r != AM_ARGS_GO)
		return r;
	if (!b.key && !b.output)
		return say_what_to_do();
	if (b.key && b.output) {
		fputs("error: -k and -o exclude each other\n", stderr);
		return AM_EXIT_USAGE;
	}
	return roll_back(&b);
}
