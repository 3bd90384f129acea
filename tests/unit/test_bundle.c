// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bundle_text.h"
#include "fds.h"

static const char policy[] =
	"version: 1\nname: registry-host\nmode: enforce\nlabels: [cnic]\n"
	"stores: {reg: {paths: [/srv/reg], labels: [cnic]}}\n"
	"subjects: {db: {user: postgres}}\n"
	"rules: [allow db to read reg, allow db to send cnic to local]\n";

enum { NOW = 1800000000 };

static struct signer officer;
static struct am_keyring *ring;

/* ---- what is believed ------------------------------------------------------- */

static void believes_what_a_trusted_key_signed(void **state)
{
	am_autofree char *text = bundle_of(policy, 12, 0);
	am_autoblob struct am_blob blob = sign_text(&officer, text, strlen(text), "by hand");
	am_auto(am_bundle) struct am_bundle *b = NULL;
	const char *bytes = blob.bytes;
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	assert_int_equal(am_bundle_open("b", &blob, ring, NOW, &d, &b), 0);
	assert_null(blob.bytes);			/* taken, */
	assert_ptr_equal(b->blob.bytes, bytes);	/* and not copied: verified, kept, used */
	assert_true(b->text > bytes && b->text_len == strlen(text));
	assert_string_equal(b->text, text);
	assert_int_equal(b->draft->serial, 12);
	assert_int_equal(b->draft->takes_back, 0);
	assert_string_equal(b->draft->model->name, "registry-host");
	assert_int_equal(b->draft->model->n_rules, 2);
	assert_string_equal(b->signer, "officer");
	assert_memory_equal(b->key_id, officer.public.id, AM_KEY_ID_BYTES);
	assert_string_equal(b->comment, "by hand");
	assert_int_equal(d.count, 0);
	am_diags_done(&d);
}

static void the_same_policy_under_the_same_number_is_the_same_bytes(void **state)
{
	static const char other[] =
		"# another text\nname: registry-host\nversion: 1\nmode: enforce\n"
		"rules:\n- allow db to send   cnic to local\n- allow db to read reg\n"
		"- allow db to read reg\n"
		"subjects: {db: {user: 'postgres'}}\nlabels: [\"cnic\"]\n"
		"stores: {reg: {labels: [cnic], paths: [//srv/reg/], mode: enforce}}\n";
	am_autofree char *a = bundle_of(policy, 12, 13), *b = bundle_of(other, 12, 13);
	am_autofree char *c = bundle_of(policy, 11, 13), *d = bundle_of(policy, 12, 14);

	(void)state;
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	assert_string_not_equal(a, d);
	assert_int_equal(strncmp(a, "# amanat bundle 1\n# serial 12\n# takes back 13\nversion: 1\n",
				 57), 0);
}

static void a_bundle_is_a_policy_file_too(void **state)
{
	am_autofree char *text = bundle_of(policy, 12, 0);
	am_auto(am_model) struct am_model *m = model_of(text);

	(void)state;
	assert_string_equal(m->name, "registry-host");
	assert_int_equal(m->labels[0].pos.line, 7);	/* places are those in the bundle */
}

/* ---- altered, cut, swollen -------------------------------------------------- */

static struct am_blob small_bundle(const char *comment)
{
	am_autofree char *text = bundle_of(SMALL_POLICY, 1, 0);

	return sign_text(&officer, text, strlen(text), comment);
}

static void refuses_a_bundle_with_any_bit_flipped(void **state)
{
	am_autoblob struct am_blob blob = small_bundle("c");
	size_t from = strlen("untrusted comment: ");
	size_t to = strchr(blob.bytes, '\n') - blob.bytes;

	(void)state;
	for (size_t i = 0; i < 8 * blob.len; i++) {
		char was = blob.bytes[i / 8], now = was ^ 1 << i % 8;
		bool unsigned_part = i / 8 >= from && i / 8 < to && now && now != '\n';
		int err;

		blob.bytes[i / 8] = now;
		err = open_bytes(blob.bytes, blob.len, ring, NOW, NULL);
		blob.bytes[i / 8] = was;
		if (unsigned_part ? err != 0 : err != -EBADMSG && err != -EKEYREJECTED &&
						err != -ENOKEY)
			fail_msg("bit %zu of byte %zu: %d", i % 8, i / 8, err);
	}
}

static void refuses_a_bundle_with_any_two_bytes_swapped(void **state)
{
	am_autoblob struct am_blob blob = small_bundle("c");
	size_t from = strchr(blob.bytes, '\n') - blob.bytes + 1;

	(void)state;
	for (size_t i = from; i + 1 < blob.len; i++) {
		char a = blob.bytes[i], b = blob.bytes[i + 1];

		blob.bytes[i] = b;
		blob.bytes[i + 1] = a;
		if (a != b && !open_bytes(blob.bytes, blob.len, ring, NOW, NULL))
			fail_msg("byte %zu", i);
		blob.bytes[i] = a;
		blob.bytes[i + 1] = b;
	}
}

static void refuses_a_bundle_cut_anywhere(void **state)
{
	am_autoblob struct am_blob blob = small_bundle("c");

	(void)state;
	for (size_t len = 0; len < blob.len; len++)
		if (open_bytes(blob.bytes, len, ring, NOW, NULL) == 0)
			fail_msg("taken at %zu bytes", len);
}

static void refuses_a_bundle_with_something_behind_it(void **state)
{
	am_autoblob struct am_blob blob = small_bundle("c");
	am_autoblob struct am_blob longer = join_blob(blob.bytes, blob.len, "x", 1);

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		longer.bytes[blob.len] = c;
		assert_int_equal(open_bytes(longer.bytes, longer.len, ring, NOW, NULL),
				 -EKEYREJECTED);
	}
}

static void refuses_a_bundle_larger_than_a_bundle_can_be(void **state)
{
	am_autoblob struct am_blob huge = { .bytes = calloc(1, AM_SIGNED_MAX + 2),
					    .len = AM_SIGNED_MAX + 1 };
	am_autofree char *text = calloc(1, AM_BUNDLE_MAX + 2);
	char *fact;

	(void)state;
	assert_int_equal(open_bytes(huge.bytes, huge.len, ring, NOW, &fact), -EFBIG);
	free(fact);
	/* Signed as it may be. */
	memset(text, ' ', AM_BUNDLE_MAX + 1);
	{
		am_autoblob struct am_blob blob =
			sign_text(&officer, text, AM_BUNDLE_MAX + 1, "c");

		assert_int_equal(open_bytes(blob.bytes, blob.len, ring, NOW, &fact), -EFBIG);
		assert_string_equal(fact, "the bundle is larger than 4 MiB");
		free(fact);
	}
}

static void refuses_a_bundle_with_the_signature_of_another(void **state)
{
	am_autofree char *one = bundle_of(policy, 12, 0), *two = bundle_of(policy, 13, 0);
	am_autoblob struct am_blob a = sign_text(&officer, one, strlen(one), "c");
	am_autoblob struct am_blob b = sign_text(&officer, two, strlen(two), "c");
	struct am_signature s;
	char *fact;

	(void)state;
	assert_int_equal(am_signature_parse(a.bytes, a.len, &s), 0);
	memcpy(a.bytes + s.size, two, strlen(two));
	assert_int_equal(open_bytes(a.bytes, a.len, ring, NOW, &fact), -EKEYREJECTED);
	assert_string_equal(fact, "the bundle is not what was signed with key 'officer'");
	free(fact);
	assert_int_equal(open_bytes(b.bytes, b.len, ring, NOW, NULL), 0);
}

/* ---- keys and comments ------------------------------------------------------ */

static void refuses_a_key_that_is_not_trusted(void **state)
{
	struct signer stranger = new_signer();
	am_auto(am_keyring) struct am_keyring *nobody = NULL;
	am_autofree char *text = bundle_of(policy, 12, 0);
	am_autoblob struct am_blob blob = sign_text(&stranger, text, strlen(text), "c");
	char *fact;

	(void)state;
	assert_int_equal(open_bytes(blob.bytes, blob.len, ring, NOW, &fact), -ENOKEY);
	assert_non_null(strstr(fact, "which is not trusted here"));
	free(fact);
	assert_int_equal(am_keyring_new(&nobody), 0);
	assert_int_equal(open_bytes(blob.bytes, blob.len, nobody, NOW, NULL), -ENOKEY);
	drop_signer(&stranger);
}

static void refuses_a_stranger_who_takes_the_id_of_a_trusted_key(void **state)
{
	struct signer stranger = new_signer();
	am_autofree char *text = bundle_of(policy, 12, 0);

	(void)state;
	memcpy(stranger.secret.id, officer.public.id, AM_KEY_ID_BYTES);
	{
		am_autoblob struct am_blob blob = sign_text(&stranger, text, strlen(text), "c");

		assert_int_equal(open_bytes(blob.bytes, blob.len, ring, NOW, NULL), -EKEYREJECTED);
	}
	drop_signer(&stranger);
}

static void refuses_a_key_from_the_second_on_in_which_it_expires(void **state)
{
	am_auto(am_keyring) struct am_keyring *until = ring_of(&officer, NOW);
	am_autoblob struct am_blob blob = small_bundle("timestamp:1");
	char *fact;

	(void)state;
	assert_int_equal(open_bytes(blob.bytes, blob.len, until, NOW - 1, NULL), 0);
	assert_int_equal(open_bytes(blob.bytes, blob.len, until, NOW, &fact), -EKEYEXPIRED);
	assert_string_equal(fact, "the bundle is signed with key 'officer', which expired at "
				  "2027-01-15T08:00:00Z");
	free(fact);
	/* One that was in force when the key expired stays what it is. */
	assert_int_equal(open_bytes(blob.bytes, blob.len, until, AM_ANY_TIME, NULL), 0);
	assert_int_equal(open_bytes(blob.bytes, blob.len, ring, INT64_MAX - 1, NULL), 0);
}

static void never_shows_the_untrusted_comment(void **state)
{
	static const char forged[] = "untrusted comment: approved by the board\n";
	am_autoblob struct am_blob blob = small_bundle("the real one");
	const char *rest = strchr(blob.bytes, '\n') + 1;
	size_t rest_len = blob.bytes + blob.len - rest;
	am_autoblob struct am_blob other = join_blob(forged, strlen(forged), rest, rest_len);
	am_auto(am_bundle) struct am_bundle *b = NULL;
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	assert_int_equal(am_bundle_open("b", &other, ring, NOW, &d, &b), 0);
	assert_string_equal(b->comment, "the real one");
	am_diags_done(&d);
}

static void refuses_another_trusted_comment(void **state)
{
	am_autoblob struct am_blob blob = small_bundle("serial:1");
	char *fact;

	(void)state;
	strstr(blob.bytes, "serial:1")[7] = '2';
	assert_int_equal(open_bytes(blob.bytes, blob.len, ring, NOW, &fact), -EKEYREJECTED);
	assert_string_equal(fact, "the trusted comment is not what was signed with key 'officer'");
	free(fact);
}

/* ---- signed, and yet no bundle ---------------------------------------------- */

static void refuses_what_is_signed_and_no_bundle(void **state)
{
	static const struct {
		const char *text, *fact;
	} cases[] = {
		{ "", "this is not a policy bundle" },
		{ SMALL_POLICY, "this is not a policy bundle" },
		{ "# amanat bundle", "this is not a policy bundle" },
		{ "# amanat bundle 0\n# serial 1\n" SMALL_POLICY, "this is not a policy bundle" },
		{ "# amanat bundle 01\n# serial 1\n" SMALL_POLICY, "this is not a policy bundle" },
		{ "\n# amanat bundle 1\n# serial 1\n" SMALL_POLICY, "this is not a policy bundle" },
		{ "\xef\xbb\xbf# amanat bundle 1\n# serial 1\n" SMALL_POLICY,
		  "this is not a policy bundle" },
		{ "# amanat bundle 1\r\n# serial 1\r\n" SMALL_POLICY,
		  "this is not a policy bundle" },
		{ "# amanat bundle 2\n# serial 1\n" SMALL_POLICY,
		  "bundles of form 2 are not known here" },
		{ "# amanat bundle 1\n" SMALL_POLICY, "the bundle has no serial" },
		{ "# amanat bundle 1\n# serial 0\n" SMALL_POLICY, "the bundle has no serial" },
		{ "# amanat bundle 1\n# serial 01\n" SMALL_POLICY, "the bundle has no serial" },
		{ "# amanat bundle 1\n# serial +1\n" SMALL_POLICY, "the bundle has no serial" },
		{ "# amanat bundle 1\n# serial 1 \n" SMALL_POLICY, "the bundle has no serial" },
		{ "# amanat bundle 1\n# serial  1\n" SMALL_POLICY, "the bundle has no serial" },
		{ "# amanat bundle 1\n# serial -1\n" SMALL_POLICY, "the bundle has no serial" },
		{ "# amanat bundle 1\n# serial 1e1\n" SMALL_POLICY, "the bundle has no serial" },
		{ "# amanat bundle 1\n# serial 9007199254740992\n" SMALL_POLICY,
		  "the bundle has no serial" },
		{ "# amanat bundle 1\n# serial 18446744073709551617\n" SMALL_POLICY,
		  "the bundle has no serial" },
		{ "# amanat bundle 1\n# takes back 2\n# serial 1\n" SMALL_POLICY,
		  "the bundle has no serial" },
		{ "# amanat bundle 1\n# serial 2\n# takes back 2\n" SMALL_POLICY,
		  "the bundle goes back to a serial that is not lower" },
		{ "# amanat bundle 1\n# serial 3\n# takes back 2\n" SMALL_POLICY,
		  "the bundle goes back to a serial that is not lower" },
		/* what a lazy reader would take for something else than YAML does */
		{ "# amanat bundle 1\n# serial 1\n# serial 2\n" SMALL_POLICY,
		  "the bundle is not in its canonical form" },
		{ "# amanat bundle 1\n# serial 1\n# takes back 02\n" SMALL_POLICY,
		  "the bundle is not in its canonical form" },
		{ "# amanat bundle 1\n# serial 1\n# takes back 2\n# takes back 3\n" SMALL_POLICY,
		  "the bundle is not in its canonical form" },
		{ "# amanat bundle 1\n# serial 1\n\n" SMALL_POLICY,
		  "the bundle is not in its canonical form" },
		{ "# amanat bundle 1\n# serial 1\n" SMALL_POLICY "\n",
		  "the bundle is not in its canonical form" },
		{ "# amanat bundle 1\n# serial 1\n" SMALL_POLICY "# approved\n",
		  "the bundle is not in its canonical form" },
		{ "# amanat bundle 1\n# serial 1\n---\n" SMALL_POLICY,
		  "the bundle is not in its canonical form" },
		{ "# amanat bundle 1\n# serial 1\nversion: 1\nmode: observe\nname: p\n",
		  "the bundle is not in its canonical form" },
		{ "# amanat bundle 1\n# serial 1\nversion: 1\nname: 'p'\nmode: observe\n",
		  "the bundle is not in its canonical form" },
		{ "# amanat bundle 1\n# serial 1\n" SMALL_POLICY "labels:\n  - b\n  - a\n",
		  "the bundle is not in its canonical form" },
		{ "# amanat bundle 1\n# serial 1\n", "the bundle holds no valid policy: "
						     "the file holds no policy" },
		{ "# amanat bundle 1\n# serial 1\n" SMALL_POLICY "mode: observe\n",
		  "the bundle holds no valid policy: 'mode' is already given on line 5" },
		{ "# amanat bundle 1\n# serial 1\n" SMALL_POLICY "rules:\n  - allow x to read y\n",
		  "the bundle holds no valid policy: there is no subject 'x'" },
		{ "# amanat bundle 1\n# serial 1\n" SMALL_POLICY "\x01",
		  "the bundle holds no valid policy: the file holds the control character U+0001" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		am_autoblob struct am_blob blob =
			sign_text(&officer, cases[i].text, strlen(cases[i].text), "c");
		am_autofree char *fact = NULL;
		int err = open_bytes(blob.bytes, blob.len, ring, NOW, &fact);

		if (err != -EBADMSG || strcmp(fact, cases[i].fact))
			fail_msg("%s\n%d %s", cases[i].text, err, fact ? fact : "taken");
	}
}

/* A bundle with an invariant behind it that nobody has looked at. */
static struct am_blob sign_guarded(const char *rule)
{
	am_autofree char *policy_text = NULL, *bundle = NULL, *text = NULL;

	assert_true(asprintf(&policy_text, SMALL_POLICY "labels: [a]\n"
			     "stores: {s: {paths: [/s], labels: [a]}}\n"
			     "subjects: {x: {user: root, third-party: ACME}}\nrules: [%s]\n",
			     rule) > 0);
	bundle = bundle_of(policy_text, 1, 0);
	assert_true(asprintf(&text, "%sinvariants:\n  - never third-party may read s\n",
			     bundle) > 0);
	return sign_text(&officer, text, strlen(text), "c");
}

/* Whoever has signed it: its signature holds. */
static void refuses_a_policy_that_breaks_its_own_invariants(void **state)
{
	am_autoblob struct am_blob good = sign_guarded("allow x to write s");
	am_autoblob struct am_blob bad = sign_guarded("allow x to read s");
	am_autofree char *fact = NULL;

	(void)state;
	assert_int_equal(open_bytes(good.bytes, good.len, ring, NOW, &fact), 0);
	assert_int_equal(open_bytes(bad.bytes, bad.len, ring, NOW, &fact), -EBADMSG);
	assert_string_equal(fact, "the bundle breaks its own policy: the invariant does not hold: "
				  "user=root may read s");
}

static void does_not_make_what_it_would_not_open(void **state)
{
	static const struct {
		uint64_t serial, takes_back;
	} bad[] = {
		{ 0, 0 }, { AM_SERIAL_MAX + 1, 0 }, { UINT64_MAX, 0 }, { 2, 2 }, { 3, 2 },
		{ 1, AM_SERIAL_MAX + 1 }, { 0, 1 },
	};
	am_auto(am_model) struct am_model *m = model_of(policy);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *text = NULL;
		struct am_diags d;
		size_t len;

		am_diags_init(&d);
		assert_int_equal(am_bundle_make(m, bad[i].serial, bad[i].takes_back, &d, &text,
						&len), -EINVAL);
		assert_null(text);
		assert_int_equal(d.errors, 1);
		am_diags_done(&d);
	}
	free(bundle_of(policy, AM_SERIAL_MAX, 0));
	free(bundle_of(policy, 1, AM_SERIAL_MAX));
}

/* ---- files ------------------------------------------------------------------ */

static char folder[] = "/tmp/amanat-bundle-XXXXXX";

static char *in_folder(const char *name)
{
	static char paths[4][256];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const void *bytes, size_t len)
{
	assert_int_equal(am_blob_replace(AT_FDCWD, in_folder(name), 0644, bytes, len), 0);
}

static int load(const char *name, const struct am_keyring *keys)
{
	am_auto(am_bundle) struct am_bundle *b = NULL;
	struct am_diags d;
	int err;

	am_diags_init(&d);
	err = am_bundle_load(in_folder(name), keys, NOW, &d, &b);
	assert_int_equal(d.errors, err ? 1 : 0);
	am_diags_done(&d);
	return err;
}

static void loads_a_bundle_with_its_signature_in_front_or_beside(void **state)
{
	am_autofree char *text = bundle_of(policy, 12, 0);
	am_autoblob struct am_blob blob = sign_text(&officer, text, strlen(text), "c");
	size_t head = blob.len - strlen(text);

	(void)state;
	put("one", blob.bytes, blob.len);
	assert_int_equal(load("one", ring), 0);
	put("two", text, strlen(text));
	assert_int_equal(load("two", ring), -ENOENT);
	put("two.minisig", blob.bytes, head);
	assert_int_equal(load("two", ring), 0);
	put("two.minisig", blob.bytes, head - 1);
	assert_int_equal(load("two", ring), -EBADMSG);
	put("two.minisig", "", 0);
	assert_int_equal(load("two", ring), -EBADMSG);
	put("two", "", 0);
	assert_int_equal(load("two", ring), -EBADMSG);
	/* Signed in front: what lies beside does not count. */
	put("one.minisig", "nonsense", 8);
	assert_int_equal(load("one", ring), 0);
}

static void refuses_files_that_are_none_or_too_large(void **state)
{
	am_autofree char *text = calloc(1, AM_SIGNED_MAX + 1);

	(void)state;
	assert_int_equal(load("nothing", ring), -ENOENT);
	assert_int_equal(load(".", ring), -EINVAL);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(load("fifo", ring), -EINVAL);
	put("huge", text, AM_SIGNED_MAX + 1);
	assert_int_equal(load("huge", ring), -EFBIG);
	put("two", "x", 1);
	put("two.minisig", text, AM_SIGNATURE_MAX + 1);
	assert_int_equal(load("two", ring), -EFBIG);
}

/* ---- Debian's minisign ------------------------------------------------------ */

static bool have_minisign(void)
{
	if (system("minisign -v >/dev/null 2>&1") == 0)
		return true;
	print_message("skipped: minisign is not installed (scripts/setup build)\n");
	return false;
}

/* In the folder; the exit status. */
static int run(const char *command)
{
	char line[512];
	int status;

	snprintf(line, sizeof(line), "cd %s && { %s; } >out 2>&1 </dev/null", folder, command);
	status = system(line);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct am_keyring *ring_of_file(const char *name)
{
	const struct am_blob_terms terms = { AM_KEY_FILE_MAX, AM_OWNER_ANY, "a key" };
	am_autoblob struct am_blob blob = { 0 };
	struct am_keyring *keys = NULL;
	struct am_diags d;

	am_diags_init(&d);
	assert_int_equal(am_blob_read(AT_FDCWD, in_folder(name), name, &terms, &d, &blob), 0);
	assert_int_equal(am_keyring_new(&keys), 0);
	assert_int_equal(am_keyring_add(keys, name, blob.bytes, blob.len, &d), 0);
	am_diags_done(&d);
	return keys;
}

static void believes_bundles_that_debians_minisign_signed(void **state)
{
	am_autofree char *text = bundle_of(policy, 12, 0);
	am_auto(am_keyring) struct am_keyring *keys = NULL;

	(void)state;
	if (!have_minisign())
		return;
	put("b", text, strlen(text));
	assert_int_equal(run("minisign -G -f -W -p m.pub -s m.key"), 0);
	keys = ring_of_file("m.pub");
	assert_int_equal(run("minisign -S -s m.key -m b"), 0);
	assert_int_equal(load("b", keys), 0);
	assert_int_equal(load("b", ring), -ENOKEY);
	assert_int_equal(run("cat b.minisig b > one"), 0);
	assert_int_equal(load("one", keys), 0);
	assert_int_equal(run("minisign -S -l -s m.key -m b -t 'by the board' -c 'x'"), 0);
	assert_int_equal(load("b", keys), 0);
	/* minisign signs anything; that does not make it a bundle. */
	assert_int_equal(run("echo '# later' >> b && minisign -S -s m.key -m b"), 0);
	assert_int_equal(load("b", keys), -EBADMSG);
	assert_int_equal(run("echo '# later' >> b"), 0);
	assert_int_equal(load("b", keys), -EKEYREJECTED);
}

static void debians_minisign_believes_what_we_sign(void **state)
{
	am_autofree char *text = bundle_of(policy, 12, 0);
	am_autoblob struct am_blob blob = sign_text(&officer, text, strlen(text), "serial:12");

	(void)state;
	if (!have_minisign())
		return;
	put("b", text, strlen(text));
	put("b.minisig", blob.bytes, blob.len - strlen(text));
	put("o.pub", officer.public_text, strlen(officer.public_text));
	assert_int_equal(run("minisign -V -p o.pub -m b -x b.minisig && grep -q serial:12 out"), 0);
	/* Apart again with the tools at hand. */
	put("one", blob.bytes, blob.len);
	assert_int_equal(run("head -n 4 one > c.minisig && tail -n +5 one > c && "
			     "minisign -V -H -p o.pub -m c"), 0);
	assert_int_equal(run("echo >> c; minisign -V -p o.pub -m c"), 1);
}

static void debians_minisign_uses_our_keys_and_reads_past_their_expiry(void **state)
{
	am_autosecret char *secret = NULL;
	am_autofree char *public = NULL;
	am_autofree char *text = bundle_of(policy, 12, 0);
	char with_limit[512];
	int n;

	(void)state;
	if (!have_minisign())
		return;
	assert_int_equal(am_keypair_make(NULL, &am_key_cost_default, &public, &secret), 0);
	n = snprintf(with_limit, sizeof(with_limit), "%sexpires: 2100-01-01\n", public);
	put("k.pub", with_limit, n);
	put("k.key", secret, strlen(secret));
	put("b", text, strlen(text));
	assert_int_equal(run("minisign -S -W -s k.key -m b && minisign -V -p k.pub -m b"), 0);
	{
		am_auto(am_keyring) struct am_keyring *keys = ring_of_file("k.pub");

		assert_true(keys->keys[0].expires_s < AM_KEY_NEVER);
		assert_int_equal(load("b", keys), 0);
	}
}

/* ---- the group -------------------------------------------------------------- */

static int fds_before;

static int begin(void **state)
{
	(void)state;
	fds_before = count_fds();
	officer = new_signer();
	ring = ring_of(&officer, AM_KEY_NEVER);
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	char line[64];

	(void)state;
	snprintf(line, sizeof(line), "rm -r %s", folder);
	if (system(line) != 0)
		return -1;
	drop_signer(&officer);
	am_keyring_free(ring);
	return count_fds() == fds_before ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(believes_what_a_trusted_key_signed),
		cmocka_unit_test(the_same_policy_under_the_same_number_is_the_same_bytes),
		cmocka_unit_test(a_bundle_is_a_policy_file_too),
		cmocka_unit_test(refuses_a_bundle_with_any_bit_flipped),
		cmocka_unit_test(refuses_a_bundle_with_any_two_bytes_swapped),
		cmocka_unit_test(refuses_a_bundle_cut_anywhere),
		cmocka_unit_test(refuses_a_bundle_with_something_behind_it),
		cmocka_unit_test(refuses_a_bundle_larger_than_a_bundle_can_be),
		cmocka_unit_test(refuses_a_bundle_with_the_signature_of_another),
		cmocka_unit_test(refuses_a_key_that_is_not_trusted),
		cmocka_unit_test(refuses_a_stranger_who_takes_the_id_of_a_trusted_key),
		cmocka_unit_test(refuses_a_key_from_the_second_on_in_which_it_expires),
		cmocka_unit_test(never_shows_the_untrusted_comment),
		cmocka_unit_test(refuses_another_trusted_comment),
		cmocka_unit_test(refuses_what_is_signed_and_no_bundle),
		cmocka_unit_test(refuses_a_policy_that_breaks_its_own_invariants),
		cmocka_unit_test(does_not_make_what_it_would_not_open),
		cmocka_unit_test(loads_a_bundle_with_its_signature_in_front_or_beside),
		cmocka_unit_test(refuses_files_that_are_none_or_too_large),
		cmocka_unit_test(believes_bundles_that_debians_minisign_signed),
		cmocka_unit_test(debians_minisign_believes_what_we_sign),
		cmocka_unit_test(debians_minisign_uses_our_keys_and_reads_past_their_expiry),
	};

	return cmocka_run_group_tests_name("bundle", tests, begin, end);
}
