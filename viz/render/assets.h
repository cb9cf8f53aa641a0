/* SPDX-License-Identifier: MIT */
/* The report's style and script, part of the program. */
#ifndef VIZ_RENDER_ASSETS_H
#define VIZ_RENDER_ASSETS_H

extern const char asset_report_css[]; /* NUL-terminated */
extern const char asset_report_js[];

#endif
