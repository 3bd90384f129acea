// SPDX-License-Identifier: GPL-2.0
#include "query/word.h"

#include <string.h>

#include "event/dest.h"
#include "event/event.h"
#include "query/recorded.h"

_Static_assert((int)AM_WORD_TEXT_MAX >= (int)AM_DEST_TEXT, "a destination fits");

/* Tables of words say "?" for what there is not. */
static const char *known(const char *word)
{
	return *word == '?' ? "" : word;
}

const char *am_word_kind(const struct am_row *row)
{
	return known(am_row_kind_name(row->deed.kind));
}

const char *am_word_verdict(const struct am_row *row)
{
	return known(am_verdict_name(row->deed.verdict));
}

const char *am_word_reason(const struct am_row *row)
{
	switch (row->deed.kind) {
	case AM_ROW_GAP:
		return known(am_gap_name(row->deed.reason));
	case AM_ROW_MARK:
		return known(am_mark_name(row->deed.reason));
	default:
		return known(am_reason_name(row->deed.reason));
	}
}

const char *am_word_op(const struct am_row *row)
{
	return known(am_op_name(row->deed.op));
}

const char *am_word_act(const struct am_row *row)
{
	return known(am_act_name(row->deed.act));
}

const char *am_word_proto(const struct am_row *row)
{
	const char *name = am_dest_proto_name(row->dest.proto);

	return name ? name : "";
}

bool am_word_dest_is_local(const struct am_row *row)
{
	struct am_event e = { 0 };
	struct am_dest d;

	am_recorded_dest(&row->dest, &e);
	am_dest_of(&e, &d);
	return d.local;
}

const char *am_word_dest(const struct am_row *row, char buf[AM_WORD_TEXT_MAX])
{
	struct am_event e = { 0 };

	am_recorded_dest(&row->dest, &e);
	buf[0] = '\0';
	if (row->deed.op == AM_OP_SEND)
		am_dest_text(&e, buf);
	return buf;
}

/* ---- what they may be ----------------------------------------------------------- */

const char *am_words_kind(size_t i)
{
	return i < AM_ROW_KINDS ? known(am_row_kind_name((unsigned)i)) : NULL;
}

const char *am_words_verdict(size_t i)
{
	return i < AM_VERDICT_MAX_ ? known(am_verdict_name((unsigned)i)) : NULL;
}

const char *am_words_op(size_t i)
{
	return i < AM_OP_MAX_ ? known(am_op_name((unsigned)i)) : NULL;
}

const char *am_words_act(size_t i)
{
	return i < AM_ACT_MAX_ ? known(am_act_name((unsigned)i)) : NULL;
}

const char *am_words_reason(size_t i)
{
	if (i < AM_REASON_MAX_)
		return known(am_reason_name((unsigned)i));
	i -= AM_REASON_MAX_;
	if (i < AM_GAP_MAX_)
		return known(am_gap_name((unsigned)i));
	i -= AM_GAP_MAX_;
	return i < AM_MARK_MAX_ ? known(am_mark_name((unsigned)i)) : NULL;
}
