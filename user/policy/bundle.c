// SPDX-License-Identifier: GPL-2.0
#include "policy/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>

#include "policy/canon.h"
#include "policy/invariant.h"

#define OPENING "# amanat bundle "
#define FORM "1"

void am_draft_free(struct am_draft *d)
{
	if (!d)
		return;
	am_model_free(d->model);
	free(d);
}

void am_bundle_free(struct am_bundle *b)
{
	if (!b)
		return;
	am_draft_free(b->draft);
	am_blob_done(&b->blob);
	free(b->signer);
	free(b->comment);
	free(b);
}

void am_digest_format(const uint8_t digest[AM_DIGEST_BYTES], char ret[AM_DIGEST_TEXT])
{
	sodium_bin2hex(ret, AM_DIGEST_TEXT, digest, AM_DIGEST_BYTES);
}

int am_serial_parse(const char *text, size_t len, uint64_t *ret)
{
	uint64_t n = 0;

	if (!len || len > 16 || text[0] == '0')
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		n = n * 10 + (text[i] - '0');
	}
	if (n > AM_SERIAL_MAX)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* ---- writing ---------------------------------------------------------------- */

/* Header and policy, as they are or ought to be. */
static int write_text(const struct am_model *m, uint64_t serial, uint64_t takes_back,
		      struct am_diags *diags, char **ret, size_t *ret_len)
{
	am_autofree char *policy = NULL;
	char back[64] = "", *text;
	size_t len;
	int n;

	n = am_canon_write(m, diags, &policy, &len);
	if (n)
		return n;
	if (takes_back)
		snprintf(back, sizeof(back), "# takes back %" PRIu64 "\n", takes_back);
	n = asprintf(&text, OPENING FORM "\n# serial %" PRIu64 "\n%s%s", serial, back, policy);
	if (n < 0)
		return -ENOMEM;
	*ret = text;
	*ret_len = n;
	return 0;
}

static int check_numbers(const struct am_model *m, uint64_t serial, uint64_t takes_back,
			 struct am_diags *diags)
{
	if (!serial || serial > AM_SERIAL_MAX || takes_back > AM_SERIAL_MAX)
		return am_refuse(diags, m->file, -EINVAL, "Count from 1.",
				 "a serial is a number from 1 to %" PRIu64, AM_SERIAL_MAX);
	if (takes_back && serial >= takes_back)
		return am_refuse(diags, m->file, -EINVAL,
				 "A policy with a higher number needs no rollback.",
				 "a rollback goes to a lower serial, and %" PRIu64
				 " is not lower than %" PRIu64, serial, takes_back);
	return 0;
}

int am_bundle_make(const struct am_model *m, uint64_t serial, uint64_t takes_back,
		   struct am_diags *diags, char **ret, size_t *ret_len)
{
	am_auto(am_draft) struct am_draft *draft = NULL;
	am_autofree char *text = NULL;
	size_t len;
	int err;

	err = check_numbers(m, serial, takes_back, diags);
	if (err)
		return err;
	err = write_text(m, serial, takes_back, diags, &text, &len);
	if (err)
		return err;
	/* What no host would take is not to be signed. */
	err = am_draft_parse(m->file, text, len, diags, &draft);
	if (err)
		return err;
	*ret = AM_TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

/* ---- reading: the header ---------------------------------------------------- */

static int refuse_bundle(struct am_diags *diags, const char *name, const char *fact)
{
	return am_refuse(diags, name, -EBADMSG,
			 "'amanat policy compile' makes one of a policy file.", "%s", fact);
}

/* Whether the line at *at is `prefix` and a number. *at is then behind it. */
static bool take_number(const char **at, const char *end, const char *prefix, uint64_t *ret)
{
	size_t skip = strlen(prefix), left = end - *at;
	const char *lf = memchr(*at, '\n', left);

	if (!lf || (size_t)(lf - *at) < skip || memcmp(*at, prefix, skip) ||
	    am_serial_parse(*at + skip, lf - *at - skip, ret))
		return false;
	*at = lf + 1;
	return true;
}

static int read_header(const char *name, const char *text, size_t len, struct am_diags *diags,
		       struct am_draft *d)
{
	const char *at = text, *end = text + len;
	uint64_t form;

	if (!take_number(&at, end, OPENING, &form))
		return refuse_bundle(diags, name, "this is not a policy bundle");
	if (form != 1)
		return am_refuse(diags, name, -EBADMSG, "Update Amanat on this host.",
				 "bundles of form %" PRIu64 " are not known here", form);
	if (!take_number(&at, end, "# serial ", &d->serial))
		return refuse_bundle(diags, name, "the bundle has no serial");
	if (!take_number(&at, end, "# takes back ", &d->takes_back))
		d->takes_back = 0;
	if (d->takes_back && d->serial >= d->takes_back)
		return refuse_bundle(diags, name, "the bundle goes back to a serial that is not lower");
	return 0;
}

/* ---- reading: the policy ---------------------------------------------------- */

static void done_diags(struct am_diags *d)
{
	am_diags_done(d);
}

/* One sentence, whatever is wrong with it: nobody corrects a bundle by hand. */
static int refuse_finding(const char *name, const struct am_diags *findings,
			  struct am_diags *diags, const char *what, const char *hint)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct am_diag *d = &findings->items[i];
		struct am_pos pos = { .file = name, .line = d->line, .column = d->column };

		if (d->severity != AM_SEVERITY_ERROR)
			continue;
		am_diags_add(diags, AM_SEVERITY_ERROR, pos, hint, "%s: %s", what, d->fact);
		return -EBADMSG;
	}
	return -ENOMEM;		/* the error itself could not be kept */
}

static int read_policy(const char *name, const char *text, size_t len, struct am_diags *diags,
		       struct am_model **ret)
{
	__attribute__((cleanup(done_diags))) struct am_diags findings;
	int err;

	am_diags_init(&findings);	/* warnings were for who compiled it */
	err = am_model_parse(name, text, len, &findings, ret);
	return err == -EINVAL ? refuse_finding(name, &findings, diags,
					       "the bundle holds no valid policy",
					       "Update Amanat on this host if the policy uses what "
					       "is new in it; otherwise compile the policy anew.")
			      : err;
}

/* The only spelling there is: no comment, no byte beside what was understood. */
static int check_canonical(const char *name, const char *text, size_t len,
			   const struct am_draft *d, struct am_diags *diags)
{
	am_autofree char *ought = NULL;
	size_t ought_len;
	int err;

	err = write_text(d->model, d->serial, d->takes_back, diags, &ought, &ought_len);
	if (err)
		return err == -EFBIG ? -EBADMSG : err;
	if (len == ought_len && !memcmp(text, ought, len))
		return 0;
	return am_refuse(diags, name, -EBADMSG,
			 "Compile the policy with 'amanat policy compile', and sign what that "
			 "writes.", "the bundle is not in its canonical form");
}

/* Whoever signed it: what must never be is refused here too. */
static int check_invariants(const char *name, const struct am_draft *d, struct am_diags *diags)
{
	__attribute__((cleanup(done_diags))) struct am_diags findings;
	int err;

	am_diags_init(&findings);
	err = am_invariants_check(d->model, &findings);
	return err == -EINVAL ? refuse_finding(name, &findings, diags, "the bundle breaks its own "
					       "policy", "Correct the rules, or the invariant, and "
					       "compile the policy anew.") : err;
}

int am_draft_parse(const char *name, const char *text, size_t len, struct am_diags *diags,
		   struct am_draft **ret)
{
	am_auto(am_draft) struct am_draft *d = NULL;
	int err;

	if (len > AM_BUNDLE_MAX)
		return am_refuse(diags, name, -EFBIG,
				 "Name folders and networks that hold several others.",
				 "the bundle is larger than 4 MiB");
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	err = read_header(name, text, len, diags, d);
	if (err)
		return err;
	err = read_policy(name, text, len, diags, &d->model);
	if (err)
		return err;
	err = check_canonical(name, text, len, d, diags);
	if (!err)
		err = check_invariants(name, d, diags);
	if (err)
		return err;
	/* It fails for wrong sizes of hash and key only. */
	(void)crypto_generichash(d->digest, sizeof(d->digest), (const uint8_t *)text, len, NULL, 0);
	*ret = AM_TAKE_PTR(d);
	return 0;
}

/* ---- believing -------------------------------------------------------------- */

static int find_key(const char *name, const struct am_signature *s,
		    const struct am_keyring *ring, int64_t now_s, struct am_diags *diags,
		    const struct am_trusted_key **ret)
{
	const struct am_trusted_key *key = am_keyring_find(ring, s->id);
	char id[AM_KEY_ID_TEXT], when[AM_TIME_TEXT];

	am_key_id_format(s->id, id);
	if (!key)
		return am_refuse(diags, name, -ENOKEY,
				 "Have it signed with a trusted key; the keys of this host are in "
				 AM_KEYS_DIR ".",
				 "the bundle is signed with key %s, which is not trusted here", id);
	if (now_s != AM_ANY_TIME && now_s >= key->expires_s) {
		am_time_format(key->expires_s, when);
		return am_refuse(diags, name, -EKEYEXPIRED,
				 "Have it signed with a key that has not expired.",
				 "the bundle is signed with key '%s', which expired at %s",
				 key->name, when);
	}
	*ret = key;
	return 0;
}

static int check_signature(const char *name, const struct am_signature *s,
			   const struct am_trusted_key *key, const char *text, size_t len,
			   struct am_diags *diags)
{
	static const char hint[] = "Fetch it again from where it was signed; if it stays so, "
				   "somebody has changed it.";

	if (!am_signature_holds(s, &key->key, text, len))
		return am_refuse(diags, name, -EKEYREJECTED, hint,
				 "the bundle is not what was signed with key '%s'", key->name);
	if (!am_signature_comment_holds(s, &key->key))
		return am_refuse(diags, name, -EKEYREJECTED, hint,
				 "the trusted comment is not what was signed with key '%s'",
				 key->name);
	return 0;
}

static int fill_bundle(struct am_bundle *b, const struct am_signature *s,
		       const struct am_trusted_key *key)
{
	memcpy(b->key_id, s->id, sizeof(b->key_id));
	b->signer = strdup(key->name);
	b->comment = strndup(s->comment, s->comment_len);
	return b->signer && b->comment ? 0 : -ENOMEM;
}

int am_bundle_open(const char *name, struct am_blob *blob, const struct am_keyring *ring,
		   int64_t now_s, struct am_diags *diags, struct am_bundle **ret)
{
	am_auto(am_bundle) struct am_bundle *b = NULL;
	const struct am_trusted_key *key = NULL;
	struct am_signature s;
	int err;

	if (blob->len > AM_SIGNED_MAX)
		return am_refuse(diags, name, -EFBIG, "Name the right file.",
				 "this is larger than a signed bundle can be");
	if (am_signature_parse(blob->bytes, blob->len, &s))
		return am_refuse(diags, name, -EBADMSG,
				 "Sign it with 'amanat policy sign' or 'minisign -S'.",
				 "the bundle has no signature in the form of minisign");
	/* Signature first: not one field is believed before it holds. */
	err = find_key(name, &s, ring, now_s, diags, &key);
	if (!err)
		err = check_signature(name, &s, key, blob->bytes + s.size, blob->len - s.size,
				      diags);
	if (err)
		return err;

	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	err = am_draft_parse(name, blob->bytes + s.size, blob->len - s.size, diags, &b->draft);
	if (!err)
		err = fill_bundle(b, &s, key);
	if (err)
		return err;
	b->blob = *blob;
	*blob = (struct am_blob){ 0 };
	b->text = b->blob.bytes + s.size;
	b->text_len = b->blob.len - s.size;
	*ret = AM_TAKE_PTR(b);
	return 0;
}

/* ---- files ------------------------------------------------------------------ */

static int join(const struct am_blob *signature, const struct am_blob *text, struct am_blob *ret)
{
	struct am_blob both = { .len = signature->len + text->len };

	both.bytes = calloc(1, both.len + 1);
	if (!both.bytes)
		return -ENOMEM;
	memcpy(mempcpy(both.bytes, signature->bytes, signature->len), text->bytes, text->len);
	*ret = both;
	return 0;
}

int am_signed_read_at(int dirfd, const char *path, const char *name, int64_t owner,
		      struct am_diags *diags, struct am_blob *ret)
{
	const struct am_blob_terms whole = { AM_SIGNED_MAX, owner, "a signed bundle" };
	const struct am_blob_terms beside = { AM_SIGNATURE_MAX, owner, "a signature" };
	am_autoblob struct am_blob text = { 0 }, signature = { 0 };
	char file[PATH_MAX], shown[PATH_MAX];
	int err;

	err = am_blob_read(dirfd, path, name, &whole, diags, &text);
	if (err)
		return err;
	if (am_signature_begins(text.bytes, text.len)) {
		*ret = text;
		text = (struct am_blob){ 0 };
		return 0;
	}
	if ((size_t)snprintf(file, sizeof(file), "%s.minisig", path) >= sizeof(file) ||
	    (size_t)snprintf(shown, sizeof(shown), "%s.minisig", name) >= sizeof(shown))
		return am_refuse(diags, name, -ENAMETOOLONG, "Move it to a shorter path.",
				 "no path is left for its signature");
	err = am_blob_read(dirfd, file, shown, &beside, diags, &signature);
	return err ? err : join(&signature, &text, ret);
}

int am_signed_read(const char *path, struct am_diags *diags, struct am_blob *ret)
{
	return am_signed_read_at(AT_FDCWD, path, path, AM_OWNER_ANY, diags, ret);
}

int am_bundle_load(const char *path, const struct am_keyring *ring, int64_t now_s,
		   struct am_diags *diags, struct am_bundle **ret)
{
	am_autoblob struct am_blob blob = { 0 };
	int err;

	err = am_signed_read(path, diags, &blob);
	return err ? err : am_bundle_open(path, &blob, ring, now_s, diags, ret);
}
