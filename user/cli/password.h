/* SPDX-License-Identifier: GPL-2.0 */
/* The password of a secret key: from a file, from the environment variable
 * AMANAT_KEY_PASSWORD, or asked for on the terminal, in this order. */
#pragma once

#include <stdbool.h>

/* `file` may be NULL; its first line counts. `twice`: a new password, to be typed again.
 * 0, and *ret to be freed with am_secret_free(); else a negative errno, and standard
 * error has been told why. */
int am_password_get(const char *file, bool twice, char **ret);
