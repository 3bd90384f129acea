# SPDX-License-Identifier: GPL-2.0
"""What the scenarios are made of; see ../README.md."""
