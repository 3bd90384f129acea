/* SPDX-License-Identifier: GPL-2.0 */
/* What the numbers of a row are called. Texts are static, "" where a row has none, unless
 * they say otherwise. */
#pragma once

#include <stdbool.h>

#include "ledger/row.h"

enum { AM_WORD_TEXT_MAX = 96 };

const char *am_word_kind(const struct am_row *row);	/* access, send, gap, mark ... */
const char *am_word_verdict(const struct am_row *row);
const char *am_word_reason(const struct am_row *row);	/* of a gap or mark too */
const char *am_word_op(const struct am_row *row);
const char *am_word_act(const struct am_row *row);
const char *am_word_proto(const struct am_row *row);
const char *am_word_dest(const struct am_row *row, char buf[AM_WORD_TEXT_MAX]);	/* in buf */
bool am_word_dest_is_local(const struct am_row *row);	/* what is sent there stays on the host */

/* What these may be: the i-th word, "" where the count has a hole, NULL behind the last. */
const char *am_words_kind(size_t i);
const char *am_words_verdict(size_t i);
const char *am_words_reason(size_t i);
const char *am_words_op(size_t i);
const char *am_words_act(size_t i);
