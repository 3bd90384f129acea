/* SPDX-License-Identifier: GPL-2.0 */
/* The canonical text of a policy: of all the texts that say the same, the one that is
 * signed. It is itself a policy in the language of policies/README.md, so one reader
 * serves both, and what is signed can be read.
 *
 *     version: 1
 *     name: NAME
 *     mode: observe|enforce
 *     labels:                          this and each section below: if there is one in it
 *       - LABEL
 *     purposes:
 *       - PURPOSE
 *     stores:
 *       STORE:
 *         paths:
 *           - PATH
 *         labels:
 *           - LABEL
 *         purposes:                    if there are some
 *           - PURPOSE
 *         class: TEXT                  if given
 *         mode: observe|enforce        if it is not the policy's
 *         spill: deny                  these three if they are not the default
 *         on-error: allow
 *         strict: true
 *     subjects:
 *       SUBJECT:                       `SUBJECT: {}` if it has no key
 *         exe: PATH                    each if given
 *         sha256: HEX                  64 digits, small letters
 *         user: TEXT
 *         group: TEXT
 *         login: TEXT
 *         unit: TEXT
 *         cgroup: PATH
 *         script: PATH
 *         purpose: PURPOSE
 *         third-party: TEXT
 *     zones:
 *       ZONE:
 *         cidr:                        `cidr: any` if there are neither nets nor ports
 *           - NET                      if there are some; always with its prefix length
 *         ports:
 *           - PROTO[/PORT[-PORT]]      if there are some
 *     rules:
 *       - allow|deny WHO to read[, write] STORE[, STORE]
 *       - allow|deny WHO to send LABEL[, LABEL] to ZONE[, ZONE]
 *       - allow|deny WHO to use PURPOSE[, PURPOSE]
 *     invariants:
 *       - never WHO may read[, write] STORE-OR-LABEL[, STORE-OR-LABEL]
 *       - never WHO may send LABEL[, LABEL] to ZONE[, ZONE]
 *       - never WHO may use PURPOSE[, PURPOSE]
 *
 * - Two spaces for each level, one LF after each line and nothing else between them.
 * - Names, also those within a sentence, and paths are in the order of their bytes, nets
 *   and ports in that of their numbers, rules and invariants in that of the bytes of their
 *   texts, each of them once. `everything` is not the names it stands for, and stays.
 * - PATH and TEXT are written as they are if they consist of letters, digits, '/', '.',
 *   '_' and '-' and begin with a letter, digit or '/'; else between '"', with '\' before
 *   each '"' and '\' in them. NETs as inet_ntop(3) writes the address, quoted likewise.
 *
 * So reading the canonical text of a policy and writing it again gives the same bytes.
 * What is added to the language is to be written only where it is used: the canonical
 * texts of older policies, and with them their signatures, stay what they are. */
#pragma once

#include "policy/model.h"

/* 0; -EFBIG, with an error in `diags`, if the canonical text of the policy or of a
 * sentence is too long to be read again; -ENOMEM. *ret ends in a NUL byte that is not
 * counted. */
int am_canon_write(const struct am_model *m, struct am_diags *diags, char **ret, size_t *ret_len);
