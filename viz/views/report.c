/* SPDX-License-Identifier: MIT */
/*
 * Everything in one file that opens offline: no request leaves the page.
 * Pictures are inline SVG, the requests are JSON in a <script>, and one small
 * script of ours (render/report.js) searches them and tells their stories.
 */
#include "viz/views/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "viz/guard.h"
#include "viz/render/assets.h"

#define DEVICES_DRAWN 4u

static const struct {
	const char *id, *name;
} sections[] = {
	{ "summary", "Summary" },   { "handshake", "Handshake" },
	{ "sequence", "Sequence" }, { "latency", "Latency" },
	{ "requests", "Requests" },
};

static void put_head(const struct model *m, const struct view_options *o,
		     struct text *out)
{
	size_t i;

	(void)m;
	text_add(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta "
		      "charset=\"utf-8\">\n<meta name=\"viewport\" "
		      "content=\"width=device-width,initial-scale=1\">\n"
		      "<meta http-equiv=\"Content-Security-Policy\" "
		      "content=\"default-src 'none'; style-src "
		      "'unsafe-inline'; script-src 'unsafe-inline'; img-src "
		      "data:\">\n<title>Ringside: ");
	text_add_xml(out, o->title);
	text_add(out, "</title>\n<style>\n");
	text_add(out, asset_report_css);
	text_add(out, "</style>\n</head>\n<body>\n<header><h1>Ringside</h1>"
		      "<p>What the disk protocol did in <code>");
	text_add_xml(out, o->title);
	text_add(out, "</code></p></header>\n<nav aria-label=\"Sections\">");
	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		text_printf(out, "<a href=\"#%s\">%s</a>", sections[i].id,
			    sections[i].name);
	text_add(out, "</nav>\n<main>\n");
}

static void begin(struct text *out, size_t i)
{
	guard_beat();
	text_printf(out, "<section id=\"%s\"><h2>%s</h2>\n", sections[i].id,
		    sections[i].name);
}

static void end(struct text *out)
{
	text_add(out, "</section>\n");
}

/* A picture of another view, inline, that can be enlarged. */
static int put_picture(const struct model *m, const struct view_options *o,
		       const struct view *view, const char *words,
		       struct text *out)
{
	struct view_options svg = *o;
	struct text picture = { 0 };
	struct why why = { "" };
	const char *at;
	int rc;

	svg.format = VIEW_SVG;
	rc = view->show(m, &svg, &picture, &why);
	if (rc) {
		text_add(out, "<p class=\"note\">");
		text_add_xml(out, why.text);
		text_add(out, "</p>\n");
	} else {
		/* Without the XML declaration and the document type. */
		at = strstr(text_str(&picture), "<svg");
		text_add(out, "<figure><figcaption>");
		text_add_xml(out, words);
		text_add(out, " <button type=\"button\" class=\"zoom\" "
			      "aria-pressed=\"false\">full size</button>"
			      "</figcaption><div class=\"picture\" "
			      "tabindex=\"0\">");
		text_add(out, at ? at : "");
		text_add(out, "</div></figure>\n");
	}
	text_free(&picture);
	return rc == -ENOMEM ? rc : 0;
}

/* One picture for each device, up to a few. */
static int put_handshakes(const struct model *m, const struct view_options *o,
			  struct text *out)
{
	struct view_options one = *o;
	char words[64];
	size_t i, n = 0, more = 0;
	int rc = 0;

	for (i = 0; !rc && i < m->devices; i++) {
		const struct model_device *d = &m->device[i];

		if (d->life > 1)
			continue;
		if (n == DEVICES_DRAWN ||
		    (o->device_given &&
		     (d->domid != o->domid || d->devid != o->devid))) {
			more++;
			continue;
		}
		one.device_given = true;
		one.domid = d->domid;
		one.devid = d->devid;
		snprintf(words, sizeof(words), "Device %u/%u", d->domid,
			 d->devid);
		rc = put_picture(m, &one, &view_handshake, words, out);
		n++;
	}
	if (more)
		text_printf(out,
			    "<p class=\"note\">%zu more device%s not drawn; "
			    "use ringside show handshake --device "
			    "DOMID/DEVID</p>\n",
			    more, more == 1 ? " is" : "s are");
	return rc;
}

static void put_controls(struct text *out)
{
	text_add(out,
		 "<div class=\"controls\"><label>Find <input id=\"find\" "
		 "type=\"search\" placeholder=\"write #12 error\" "
		 "aria-describedby=\"hint\"></label> <label>Order <select "
		 "id=\"order\"><option value=\"t\">as they came</option>"
		 "<option value=\"total\">slowest first</option><option "
		 "value=\"bad\">failures first</option></select></label> "
		 "<span id=\"count\" role=\"status\"></span></div>\n"
		 "<p class=\"note\" id=\"hint\">Press / to find, arrows to "
		 "move; words are joined by and.</p>\n<p class=\"note\" "
		 "id=\"note\"></p>\n<div class=\"cols\"><div id=\"list\" "
		 "tabindex=\"-1\"><table role=\"grid\" aria-label=\"Requests\">"
		 "<thead><tr><th class=\"l\">request</th><th class=\"l\">"
		 "device</th><th>sector</th><th>size</th><th>begins</th>"
		 "<th>took</th><th class=\"l\">outcome</th></tr></thead><tbody>"
		 "</tbody></table></div><div id=\"story\" role=\"region\" "
		 "aria-label=\"Story of a request\" aria-live=\"polite\">"
		 "</div></div>\n<noscript><p class=\"caveat\">The list of "
		 "requests needs JavaScript; the pictures and tables above do "
		 "not.</p></noscript>\n");
}

static int report_show(const struct model *m, const struct view_options *o,
		       struct text *out, struct why *why)
{
	struct selection s;
	int rc;

	rc = view_select(m, o, &s, why);
	if (rc)
		return rc;
	put_head(m, o, out);
	begin(out, 0);
	report_summary(m, out);
	end(out);
	begin(out, 1);
	rc = put_handshakes(m, o, out);
	end(out);
	begin(out, 2);
	if (!rc)
		rc = put_picture(m, o, &view_sequence,
				 "Who told whom what, and when", out);
	end(out);
	begin(out, 3);
	if (!rc)
		rc = report_latency(m, out);
	if (!rc && m->requests)
		rc = put_picture(m, o, &view_latency,
				 "How the times are spread", out);
	end(out);
	begin(out, 4);
	put_controls(out);
	end(out);
	text_add(out, "</main>\n<footer>Made by ringside " RINGSIDE_VERSION
		      ". This page needs no network.</footer>\n");
	if (!rc)
		rc = report_requests(m, out);
	text_add(out, "<script>\n");
	text_add(out, asset_report_js);
	text_add(out, "</script>\n</body>\n</html>\n");
	if (rc || out->error)
		return why_set(why, -ENOMEM, "no memory for the report");
	return 0;
}

const struct view view_report = {
	.name = "report",
	.what = "all of it in one page that opens offline",
	.formats = 1 << VIEW_HTML,
	.show = report_show,
};
