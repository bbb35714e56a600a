// SPDX-License-Identifier: GPL-2.0-only
/* Nested domains: a user's first stage over a second stage. */
