/* SPDX-License-Identifier: GPL-2.0 */
/* Why a verdict: the sentence for a person, found from the facts that an event
 * carries and the policy that was in force. */
#pragma once

#include "policy/image.h"

/* Writes one line without a line feed, such as
 *   rule 4: acme-support is denied
 *   no rule lets user=acme exe=/usr/bin/cat read citizen-registry
 *   label cnic may not be sent to 203.0.113.9:443 (zones: anywhere)
 * to `buf`, always terminated, truncated if need be. `model` and `image` are of the
 * event's generation, or both NULL when that is not known any more. `exe` is the
 * path of the executable or NULL. */
void am_explain_event(const struct am_model *model, const struct am_image *image,
		      const struct am_registry *registry, const struct am_event *event,
		      const char *exe, char *buf, size_t size);

/* The same of taking on the purpose `name`, by who has the uid, gid, login and subjects that
 * `who` shows: `rule 4: sim-desk may use kyc`. */
void am_explain_use(const struct am_model *model, const struct am_image *image,
		    const struct am_registry *registry, const struct am_event *who,
		    const char *exe, const char *name, bool allowed, char *buf, size_t size);
