// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <sodium.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger/bytes.h"
#include "ledger_lab.h"

/* A small ledger of three segments, each of a few blocks and seals. */
static void make_three(struct lab *lab)
{
	struct am_writer *w;
	int i, k;

	for (i = 0; i < 3; i++) {
		w = lab_open(lab);
		for (k = 0; k < 3; k++) {
			lab_append(lab, w, 8);
			assert_int_equal(am_writer_flush(w), 0);
		}
		am_writer_free(w);
	}
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

/* As somebody who may not read the segments, whoever runs this. */
static int verify_as_nobody(int dirfd)
{
	const struct am_verify_options options = { .threads = 1 };
	am_auto(am_audit) struct am_audit *v = NULL;
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (geteuid() == 0 && (setgroups(0, NULL) || setresuid(65534, 65534, 65534)))
			_exit(1);
		_exit(am_verify(dirfd, &options, &v) == -EACCES ? 0 : 2);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void takes_what_it_may_not_read_for_no_alteration(void **state)
{
	struct lab *lab = *state;
	char command[256];

	make_three(lab);
	(void)snprintf(command, sizeof(command), "chmod 755 %s && chmod 000 %s/*.aml", lab->path, lab->path);
	assert_int_equal(system(command), 0);
	assert_int_equal(verify_as_nobody(lab->fd), 0);
}

static struct am_remark first_fault(const struct lab *lab)
{
	const struct am_verify_options options = { .threads = 1 };
	struct am_audit *v = lab_verify_with(lab, &options);
	struct am_remark found = { 0 };
	size_t i;

	for (i = 0; i < v->n_remarks && !found.code; i++)
		found = v->remarks[i];
	am_audit_free(v);
	return found;
}

/* Where the frame that holds byte `at` begins. */
static uint64_t frame_of(const struct bytes *b, uint64_t at)
{
	uint64_t frame = AM_HEADER_LEN;

	if (at < AM_HEADER_LEN)
		return 0;
	while (frame + am_get32(b->at + frame + 4) <= at)
		frame += am_get32(b->at + frame + 4);
	return frame;
}

/* ---- bytes ------------------------------------------------------------------------------- */

static void finds_any_byte_that_was_altered_and_where(void **state)
{
	struct lab *lab = *state;
	struct am_remark fault;
	struct bytes b;
	uint64_t at, segment, frame;

	make_three(lab);
	for (segment = 1; segment <= 3; segment++) {
		b = lab_read(lab, lab_name(segment));
		for (at = 0; at < b.len; at += segment == 1 ? 13 : 1) {
			frame = frame_of(&b, at);
			b.at[at] ^= (uint8_t)(1 << at % 8);
			lab_write(lab, lab_name(segment), b.at, b.len);
			fault = first_fault(lab);
			if (fault.code < AM_VERIFY_ALTERED || strcmp(fault.file, lab_name(segment)))
				fail_msg("byte %llu of segment %llu: %s in '%s'", (unsigned long long)at,
					 (unsigned long long)segment, am_verify_name(fault.code), fault.file);
			/* Beyond the header: at the frame that it is in. */
			if (at >= AM_HEADER_LEN)
				assert_int_equal(fault.offset, frame);
			b.at[at] ^= (uint8_t)(1 << at % 8);
		}
		lab_write(lab, lab_name(segment), b.at, b.len);
		free(b.at);
	}
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

static void finds_a_segment_cut_at_any_byte(void **state)
{
	struct lab *lab = *state;
	enum am_verify_code code;
	struct bytes b;
	size_t len;

	make_three(lab);
	b = lab_read(lab, lab_name(2));
	for (len = 0; len < b.len; len += 3) {
		lab_write(lab, lab_name(2), b.at, len);
		code = lab_verify(lab);
		if (len < AM_HEADER_LEN)
			assert_int_equal(code, AM_VERIFY_ALTERED);
		else
			assert_int_equal(code, AM_VERIFY_TRUNCATED);
	}
	free(b.at);
}

/* Of the last segment, what is cut off could as well never have been sealed: the answer is
 * that it holds up to there, or has an unsealed tail; a head tells more. */
static void finds_the_last_segment_cut_if_a_head_was_kept(void **state)
{
	struct lab *lab = *state;
	struct am_verify_options options = { .threads = 1 };
	struct am_head head;
	struct am_audit *v;
	struct bytes b;
	size_t len;

	make_three(lab);
	v = lab_verify_with(lab, &options);
	head = v->head;
	am_audit_free(v);
	b = lab_read(lab, lab_name(3));
	for (len = AM_HEADER_LEN; len < b.len; len += 5) {
		enum am_verify_code code;

		lab_write(lab, lab_name(3), b.at, len);
		code = lab_verify(lab);
		assert_true(code == AM_VERIFY_HOLDS || code == AM_VERIFY_UNSEALED);
		options.head = &head;
		v = lab_verify_with(lab, &options);
		assert_int_equal(v->code, AM_VERIFY_ROLLED_BACK);
		am_audit_free(v);
		options.head = NULL;
	}
	lab_write(lab, lab_name(3), b.at, b.len);
	options.head = &head;
	v = lab_verify_with(lab, &options);
	assert_int_equal(v->code, AM_VERIFY_HOLDS);
	am_audit_free(v);
	free(b.at);
}

/* ---- frames ------------------------------------------------------------------------------- */

/* Segment 3, the last: up to `to`, then from..end, then from `end` on again. */
static void rewrite(struct lab *lab, const struct bytes *b, uint64_t to, uint64_t from, uint64_t end)
{
	uint8_t *at = malloc(b->len * 2);
	size_t len = 0;

	memcpy(at, b->at, to);
	len = to;
	memcpy(at + len, b->at + from, end - from);
	len += end - from;
	memcpy(at + len, b->at + end, b->len - end);
	len += b->len - end;
	lab_write(lab, lab_name(3), at, len);
	free(at);
}

/* The frame that begins at `at`, and the first one behind that is a seal. */
static uint64_t behind_seal(const struct bytes *b, uint64_t at)
{
	while (memcmp(b->at + at, "AMSL", 4) != 0)
		at += am_get32(b->at + at + 4);
	return at + AM_SEAL_LEN;
}

static void finds_a_block_left_out_or_repeated(void **state)
{
	struct lab *lab = *state;
	uint64_t first = AM_HEADER_LEN, second, seal, next;
	struct am_remark fault;
	struct bytes b;

	make_three(lab);
	b = lab_read(lab, lab_name(3));
	second = first + am_get32(b.at + first + 4);
	next = behind_seal(&b, first);
	seal = next - AM_SEAL_LEN;

	/* A block is left out; all up to the seal, and the seal. */
	rewrite(lab, &b, first, second, second);
	fault = first_fault(lab);
	assert_int_equal(fault.code, AM_VERIFY_MISSING);
	assert_int_equal(fault.offset, first);
	rewrite(lab, &b, first, next, next);
	fault = first_fault(lab);
	assert_int_equal(fault.code, AM_VERIFY_MISSING);
	assert_int_equal(fault.offset, first);

	/* They come twice. */
	rewrite(lab, &b, next, first, next);
	fault = first_fault(lab);
	assert_int_equal(fault.code, AM_VERIFY_REORDERED);
	assert_int_equal(fault.offset, next);

	/* The seal alone is left out, or comes twice. */
	rewrite(lab, &b, seal, next, next);
	fault = first_fault(lab);
	assert_true(fault.code >= AM_VERIFY_ALTERED);
	rewrite(lab, &b, next, seal, next);
	fault = first_fault(lab);
	assert_int_equal(fault.code, AM_VERIFY_REORDERED);
	free(b.at);
}

static void finds_what_was_added_behind_the_end(void **state)
{
	struct lab *lab = *state;
	struct bytes b, more;

	make_three(lab);
	b = lab_read(lab, lab_name(3));
	more.at = malloc(b.len * 2);
	memcpy(more.at, b.at, b.len);
	memcpy(more.at + b.len, b.at + AM_HEADER_LEN, b.len - AM_HEADER_LEN);
	lab_write(lab, lab_name(3), more.at, 2 * b.len - AM_HEADER_LEN);
	assert_int_equal(lab_verify(lab), AM_VERIFY_REORDERED);
	more.at[b.len] = 'x';
	lab_write(lab, lab_name(3), more.at, b.len + 1000);
	assert_int_equal(lab_verify(lab), AM_VERIFY_ALTERED);
	free(b.at);
	free(more.at);
}

/* ---- files --------------------------------------------------------------------------------- */

static void finds_files_that_were_swapped_copied_or_removed(void **state)
{
	struct lab *lab = *state;
	struct bytes one, two, three;

	make_three(lab);
	one = lab_read(lab, lab_name(1));
	two = lab_read(lab, lab_name(2));
	three = lab_read(lab, lab_name(3));

	lab_write(lab, lab_name(1), two.at, two.len);
	lab_write(lab, lab_name(2), one.at, one.len);
	assert_int_equal(lab_verify(lab), AM_VERIFY_REORDERED);
	lab_write(lab, lab_name(1), one.at, one.len);
	assert_int_equal(lab_verify(lab), AM_VERIFY_REORDERED);
	assert_int_equal(unlinkat(lab->fd, lab_name(2), 0), 0);
	assert_int_equal(lab_verify(lab), AM_VERIFY_MISSING);
	lab_write(lab, lab_name(2), two.at, two.len);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);

	lab_write(lab, lab_name(4), three.at, three.len);
	assert_int_equal(lab_verify(lab), AM_VERIFY_REORDERED);
	assert_int_equal(unlinkat(lab->fd, lab_name(4), 0), 0);
	assert_int_equal(unlinkat(lab->fd, lab_name(1), 0), 0);
	assert_int_equal(lab_verify(lab), AM_VERIFY_MISSING);
	free(one.at);
	free(two.at);
	free(three.at);
}

static void tells_junk_and_refuses_what_pretends(void **state)
{
	struct lab *lab = *state;
	const struct am_verify_options options = { .threads = 1 };
	struct am_audit *v;

	make_three(lab);
	lab_write(lab, "notes.txt", (const uint8_t *)"x", 1);
	lab_write(lab, "0000000000000004.aml.bak", (const uint8_t *)"x", 1);
	v = lab_verify_with(lab, &options);
	assert_int_equal(v->code, AM_VERIFY_HOLDS);
	assert_int_equal(v->n_remarks, 2);
	am_audit_free(v);
	lab_write(lab, lab_name(4), (const uint8_t *)"x", 1);
	assert_int_equal(lab_verify(lab), AM_VERIFY_ALTERED);
	assert_int_equal(unlinkat(lab->fd, lab_name(4), 0), 0);
	assert_int_equal(symlinkat("/dev/zero", lab->fd, lab_name(4)), 0);
	assert_int_equal(lab_verify(lab), AM_VERIFY_ALTERED);
	assert_int_equal(unlinkat(lab->fd, lab_name(4), 0), 0);
	assert_int_equal(mkfifoat(lab->fd, lab_name(4), 0600), 0);
	assert_int_equal(lab_verify(lab), AM_VERIFY_ALTERED);
}

static void finds_a_segment_of_another_host(void **state)
{
	struct lab *lab = *state;
	void *other_state;
	struct lab *other;
	struct am_remark fault;
	struct bytes b;

	assert_int_equal(lab_set_up(&other_state), 0);
	other = other_state;
	make_three(lab);
	make_three(other);
	b = lab_read(other, lab_name(2));
	lab_write(lab, lab_name(2), b.at, b.len);
	fault = first_fault(lab);
	assert_int_equal(fault.code, AM_VERIFY_FOREIGN);
	assert_string_equal(fault.file, lab_name(2));
	free(b.at);
	(void)close(other->fd);
	lab_remove(other->path);
	free(other);
}

static void says_when_there_is_no_ledger(void **state)
{
	assert_int_equal(lab_verify(*state), AM_VERIFY_EMPTY);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void believes_the_key_that_it_is_given_and_no_other(void **state)
{
	struct lab *lab = *state;
	struct am_roots_pub roots = { 0 };
	struct am_verify_options options = { .roots = &roots, .threads = 1 };
	struct am_audit *v;

	make_three(lab);
	assert_int_equal(am_roots_pub_load(lab->fd, "root.pub", &roots), 0);
	assert_int_equal(unlinkat(lab->fd, "root.pub", 0), 0);
	v = lab_verify_with(lab, &options);
	assert_int_equal(v->code, AM_VERIFY_HOLDS);
	assert_false(v->by_own_key);
	am_audit_free(v);
	assert_int_equal(lab_verify(lab), AM_VERIFY_WRONG_KEY);
	roots.keys[0][3] ^= 1;
	v = lab_verify_with(lab, &options);
	assert_int_equal(v->code, AM_VERIFY_WRONG_KEY);
	am_audit_free(v);
}

/* All is replaced by a ledger that holds in itself. */
static void is_not_taken_in_by_a_ledger_made_anew(void **state)
{
	struct lab *lab = *state;
	struct am_roots_pub roots = { 0 };
	struct am_verify_options options = { .roots = &roots, .threads = 1 };
	struct am_audit *v;
	char command[128];

	make_three(lab);
	assert_int_equal(am_roots_pub_load(lab->fd, "root.pub", &roots), 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'/*", lab->path);
	assert_int_equal(system(command), 0);
	make_three(lab);
	v = lab_verify_with(lab, &options);
	assert_int_equal(v->code, AM_VERIFY_WRONG_KEY);
	am_audit_free(v);
}

/* Who steals the secrets of now makes seals that hold from here on, and none of before. */
static void lets_no_thief_of_the_key_rewrite_what_was_sealed(void **state)
{
	struct lab *lab = *state;
	am_autokeys struct am_keys stolen;
	struct am_keyfile f = { 0 };
	struct am_writer *w = lab_open(lab);
	struct am_ledger_seal seal = { .oldest = 1 };
	uint8_t h[AM_HASH_LEN], bytes[AM_SEAL_LEN];
	struct bytes b;
	uint64_t first, second;

	lab_append(lab, w, 8);
	assert_int_equal(am_writer_flush(w), 0);
	assert_int_equal(am_keyfile_open(lab->fd, &f), 0);
	assert_int_equal(am_keyfile_load(&f, &stolen), 0);
	am_keyfile_close(&f);

	/* He alters a row of the first block, and mends the chain and the seal. */
	b = lab_read(lab, lab_name(1));
	first = AM_HEADER_LEN;
	second = first + am_get32(b.at + first + 4);
	b.at[second - AM_HASH_LEN - 1] ^= 1;
	memcpy(h, b.at + 384, AM_HASH_LEN);
	am_chain_step(h, b.at + first, second - first - AM_HASH_LEN);
	memcpy(b.at + second - AM_HASH_LEN, h, AM_HASH_LEN);
	seal.next_row = am_get64(b.at + second + 16);
	am_ledger_seal_write(&seal, &stolen, h, bytes);
	am_put64(bytes + 8, am_get64(b.at + second + 8));
	memcpy(b.at + second, bytes, AM_SEAL_LEN);
	lab_write(lab, lab_name(1), b.at, second + AM_SEAL_LEN);
	assert_int_equal(lab_verify(lab), AM_VERIFY_ALTERED);
	free(b.at);
	am_writer_free(w);
}

/* He cuts out the recent past and goes on in a new segment: the next header he can sign,
 * but not the closing seal in front of it. */
static void lets_no_thief_of_the_key_cut_out_the_recent_past(void **state)
{
	struct lab *lab = *state;
	am_autokeys struct am_keys stolen;
	struct am_keyfile f = { 0 };
	struct am_writer *w = lab_open(lab);
	struct am_header forged = { .segment = 2 };
	struct am_ledger_seal seal;
	uint8_t header[AM_HEADER_LEN];
	struct bytes b;
	uint64_t end;

	lab_append(lab, w, 8);
	assert_int_equal(am_writer_flush(w), 0);
	assert_int_equal(am_keyfile_open(lab->fd, &f), 0);
	assert_int_equal(am_keyfile_load(&f, &stolen), 0);
	am_keyfile_close(&f);
	b = lab_read(lab, lab_name(1));
	end = behind_seal(&b, AM_HEADER_LEN);
	assert_int_equal(am_ledger_seal_read(b.at + end - AM_SEAL_LEN, &seal), 0);
	lab_write(lab, lab_name(1), b.at, end);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);	/* as far as it goes */

	forged.first_row = seal.next_row;
	memcpy(forged.link, seal.h, AM_HASH_LEN);
	am_header_write(&forged, &stolen, header);
	lab_write(lab, lab_name(2), header, sizeof(header));
	assert_int_equal(lab_verify(lab), AM_VERIFY_TRUNCATED);
	free(b.at);
	am_writer_free(w);
}

/* ---- retention ---------------------------------------------------------------------------------- */

static void finds_that_more_was_removed_than_recorded(void **state)
{
	struct lab *lab = *state;
	struct am_writer *w;
	struct am_listing l = { 0 };
	struct bytes links;
	int i;

	lab->options.segment_bytes = 20000;
	lab->options.keep_bytes = 60000;
	lab->options.full = AM_FULL_OLDEST_FIRST;
	w = lab_open(lab);
	for (i = 0; i < 12; i++) {
		lab_append(lab, w, 2000);
		assert_int_equal(am_writer_flush(w), 0);
	}
	am_writer_free(w);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
	links = lab_read(lab, "links");
	assert_true(links.len >= AM_HEADER_LEN);
	assert_int_equal(am_listing_read(lab->fd, false, &l), 0);
	assert_true(l.count > 1);

	/* The headers that lead to the oldest segment are gone. */
	lab_write(lab, "links", links.at, links.len - AM_HEADER_LEN);
	assert_int_equal(lab_verify(lab), AM_VERIFY_MISSING);
	links.at[100] ^= 1;
	lab_write(lab, "links", links.at, links.len);
	assert_int_equal(lab_verify(lab), AM_VERIFY_ALTERED);
	links.at[100] ^= 1;

	/* One segment more is gone, and its header is where it would be. */
	links.at = realloc(links.at, links.len + AM_HEADER_LEN);
	{
		struct bytes b = lab_read(lab, lab_name(l.segments[0].segment));

		memcpy(links.at + links.len, b.at, AM_HEADER_LEN);
		free(b.at);
	}
	lab_write(lab, "links", links.at, links.len + AM_HEADER_LEN);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);	/* half a removal */
	assert_int_equal(unlinkat(lab->fd, lab_name(l.segments[0].segment), 0), 0);
	assert_int_equal(lab_verify(lab), AM_VERIFY_MISSING);
	am_listing_done(&l);
	free(links.at);
}

/* ---- what it tells --------------------------------------------------------------------------------- */

static void tells_gaps_with_reason_and_length(void **state)
{
	struct lab *lab = *state;
	const struct am_verify_options options = { .threads = 2 };
	struct am_writer *w = lab_open(lab);
	struct am_audit *v;

	lab_append(lab, w, 10);
	am_writer_lost(w, AM_GAP_RING, 77, 1234);
	am_writer_free(w);
	lab_run(lab, 3);
	v = lab_verify_with(lab, &options);
	assert_int_equal(v->code, AM_VERIFY_HOLDS);
	assert_int_equal(v->n_gaps, 2);
	assert_int_equal(v->gaps[0].reason, AM_GAP_RING);
	assert_int_equal(v->gaps[0].count, 77);
	assert_int_equal(v->gaps[0].since_ns, 1234);
	assert_int_equal(v->gaps[1].reason, AM_GAP_NOT_RUNNING);
	assert_int_equal(v->gaps[1].count, 0);
	assert_int_equal(v->first_row, 1);
	assert_string_equal(v->host, "clinic-7");
	am_audit_free(v);
}

static void reads_a_head_only_in_its_own_spelling(void **state)
{
	struct am_head h = { .seal = 17, .wall_ns = -5 }, got;
	char text[AM_HEAD_TEXT], bad[AM_HEAD_TEXT + 2];
	size_t len, i;

	(void)state;
	memset(h.h, 0xab, sizeof(h.h));
	am_head_format(&h, text);
	len = strlen(text);
	assert_int_equal(am_head_parse(text, len, &got), 0);
	assert_int_equal(got.seal, 17);
	assert_memory_equal(got.h, h.h, sizeof(h.h));
	for (i = 0; i < len; i++) {
		assert_int_equal(am_head_parse(text, i, &got), -EBADMSG);
		memcpy(bad, text, len + 1);
		bad[i] = ' ' == bad[i] ? '\t' : 'X';
		assert_int_equal(am_head_parse(bad, len, &got), -EBADMSG);
	}
	(void)snprintf(bad, sizeof(bad), "%s\n", text);
	assert_int_equal(am_head_parse(bad, len + 1, &got), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_any_byte_that_was_altered_and_where, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(finds_a_segment_cut_at_any_byte, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(finds_the_last_segment_cut_if_a_head_was_kept, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(finds_a_block_left_out_or_repeated, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(finds_what_was_added_behind_the_end, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(finds_files_that_were_swapped_copied_or_removed, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(tells_junk_and_refuses_what_pretends, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(finds_a_segment_of_another_host, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(says_when_there_is_no_ledger, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(believes_the_key_that_it_is_given_and_no_other, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(is_not_taken_in_by_a_ledger_made_anew, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(lets_no_thief_of_the_key_rewrite_what_was_sealed, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(lets_no_thief_of_the_key_cut_out_the_recent_past, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(finds_that_more_was_removed_than_recorded, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(takes_what_it_may_not_read_for_no_alteration, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(tells_gaps_with_reason_and_length, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(reads_a_head_only_in_its_own_spelling, lab_set_up,
						lab_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
