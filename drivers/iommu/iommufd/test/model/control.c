// SPDX-License-Identifier: GPL-2.0-only
/* /dev/iommufd_model: programs command the model functions. */
