/* SPDX-License-Identifier: GPL-2.0 */
/* The canonical text of a policy: of all the texts that say the same, the one that is
 * signed. It is itself a policy in the language of policies/README.md, so one reader
 * serves both, and what is signed can be read.
 *
 *     version: 1
 *     name: NAME
 *     mode: observe|enforce
 *     labels:                          each section only if there is something in it
 *       - LABEL
 *     stores:
 *       STORE:
 *         paths:
 *           - PATH
 *         labels:
 *           - LABEL
 *         class: TEXT                  if given
 *         mode: observe|enforce        if it is not the policy's
 *         spill: deny                  these three if they are not the default
 *         on-error: allow
 *         strict: true
 *     subjects:
 *       SUBJECT:                       `SUBJECT: {}` if it has no key
 *         exe: PATH                    each if given
 *         user: TEXT
 *         group: TEXT
 *         third-party: TEXT
 *     zones:
 *       ZONE:
 *         cidr:                        `cidr: any` if there are neither nets nor ports
 *           - NET                      if there are some; always with its prefix length
 *         ports:
 *           - tcp|udp[/PORT]           if there are some
 *     rules:
 *       - allow|deny SUBJECT|anyone to read[, write] STORE[, STORE]
 *       - allow|deny SUBJECT|anyone to send LABEL[, LABEL] to ZONE[, ZONE]
 *
 * - Two spaces for each level, one LF after each line and nothing else between them.
 * - Names, also those within a rule, and paths are in the order of their bytes, nets and
 *   ports in that of their numbers, rules in that of the bytes of their texts, each rule
 *   once. `everything` is not the names it stands for, and stays.
 * - PATH and TEXT are written as they are if they consist of letters, digits, '/', '.',
 *   '_' and '-' and begin with a letter, digit or '/'; else between '"', with '\' before
 *   each '"' and '\' in them. NETs as inet_ntop(3) writes the address, quoted likewise.
 *
 * So reading the canonical text of a policy and writing it again gives the same bytes.
 * What is added to the language is to be written only where it is used: the canonical
 * texts of older policies, and with them their signatures, stay what they are. */
#pragma once

#include "policy/model.h"

/* 0; -EFBIG, with an error in `diags`, if the canonical text of the policy or of a rule
 * is too long to be read again; -ENOMEM. *ret ends in a NUL byte that is not counted. */
int am_canon_write(const struct am_model *m, struct am_diags *diags, char **ret, size_t *ret_len);
