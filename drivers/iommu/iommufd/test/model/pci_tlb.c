// SPDX-License-Identifier: GPL-2.0-only
/* Translations a model function has cached. */
