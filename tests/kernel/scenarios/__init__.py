# SPDX-License-Identifier: GPL-2.0
"""The scenarios, a subject a file. Their names are sentences."""
