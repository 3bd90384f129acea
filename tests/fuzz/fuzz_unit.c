// SPDX-License-Identifier: GPL-2.0
/* Any text as a value of ExecStart=: its parts lie within it, in their order. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct am_unit_start s;

	assert(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (am_unit_split(text, &s) == 0) {
		const char *end = text + strlen(text);

		assert(s.program >= text && s.program_len && s.program + s.program_len <= end);
		assert(!s.argv0 || (s.argv0 >= s.program + s.program_len && s.argv0_len &&
				    s.argv0 + s.argv0_len <= s.rest));
		assert(s.rest >= s.program + s.program_len && s.rest <= end);
	}
	free(text);
	return 0;
}
