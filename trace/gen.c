/* SPDX-License-Identifier: MIT */
/*
 * trace-gen: makes everything that knows the events out of events.def.
 *
 *	trace-gen FILE OUTDIR       events.h, enums.h: emitting an event
 *	                            provider.h, provider.c: LTTng-UST and USDT
 *	                            desc.h, desc.c: the reader's tables
 *	                            probes.inc: BPF programs for the probes
 *	trace-gen --markdown FILE   docs/events.md on stdout
 *
 * Exit status 2 with FILE:LINE for a mistake in the catalogue, 1 when a file
 * cannot be written.  The format is explained at the top of events.def.
 *
 * One file, although long: it is built before anything else and stands
 * alone.  First the parser, then one writer for each file.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ENUMS  32
#define MAX_WORDS  64
#define MAX_EVENTS 256
#define MAX_FIELDS 16
#define USDT_ARGS  12 /* what sys/sdt.h and libbpf can carry */

struct word {
	char *name;
	long value;
};

struct enumeration {
	char *name;
	struct word word[MAX_WORDS];
	int words;
};

struct type {
	const char *name; /* in events.def */
	const char *c;	  /* as an argument */
	const char *ctf;  /* in the trace */
	const char *id;	  /* EV_TYPE_ */
	bool array;
};

static const struct type types[] = {
	{ "u8", "uint8_t", "uint8_t", "U8", false },
	{ "u16", "uint16_t", "uint16_t", "U16", false },
	{ "u32", "uint32_t", "uint32_t", "U32", false },
	{ "u64", "uint64_t", "uint64_t", "U64", false },
	{ "i16", "int16_t", "int16_t", "I16", false },
	{ "i32", "int32_t", "int32_t", "I32", false },
	{ "bool", "bool", "uint8_t", "BOOL", false },
	{ "string", "const char *", "", "STRING", false },
	{ "u8[]", "uint8_t", "uint8_t", "U8", true },
	{ "u32[]", "uint32_t", "uint32_t", "U32", true },
	{ "i16[]", "int16_t", "int16_t", "I16", true },
};
/* Guests send rubbish: an enum is wide enough for what it should not be. */
static const struct type enum_type = { "enum", "int", "int32_t", "ENUM",
				       false };

struct field {
	const struct type *type;
	const struct enumeration *of; /* NULL unless an enum */
	char *name, *unit, *doc;      /* unit is "" where there is none */
};

struct event {
	char *name, *layer, *clause, *doc, *section;
	int level;
	struct field field[MAX_FIELDS];
	int fields;
};

static const char *const levels[] = { "control", "protocol", "full" };
/* A level enables itself and everything more important. */
static const char *const loglevels[] = { "NOTICE", "INFO", "DEBUG" };

static struct enumeration enums[MAX_ENUMS];
static int enums_n;
static struct event events[MAX_EVENTS];
static int events_n;

/* ---- the parser --------------------------------------------------------- */

static const char *def_path;
static int def_line;

static void fail(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", def_path, def_line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static char *copy(const char *s)
{
	char *c = strdup(s);

	if (!c) {
		perror("trace-gen");
		exit(1);
	}
	return c;
}

/* The next word of *p, or NULL at the end of the line. */
static char *next(char **p)
{
	char *start;

	*p += strspn(*p, " \t");
	if (!**p)
		return NULL;
	start = *p;
	*p += strcspn(*p, " \t");
	if (**p)
		*(*p)++ = '\0';
	return start;
}

static char *need(char **p, const char *what)
{
	char *w = next(p);

	if (!w)
		fail("%s is missing", what);
	return w;
}

/* "text" up to the end of the line; it lands in C strings and comments. */
static char *quoted(char *p)
{
	size_t len;

	p += strspn(p, " \t");
	len = strlen(p);
	if (*p != '"' || len < 3 || p[len - 1] != '"')
		fail("a text in double quotes belongs at the end of the line");
	p[len - 1] = '\0';
	p++;
	if (strpbrk(p, "\"\\|") || strstr(p, "*/"))
		fail("a text may not hold \" \\ | or */");
	return copy(p);
}

/* Names become C identifiers, and some of those are taken. */
static char *identifier(const char *what, const char *s)
{
	static const char *const taken[] = {
		"auto",
		"bool",
		"break",
		"case",
		"char",
		"const",
		"continue",
		"default",
		"do",
		"double",
		"else",
		"enum",
		"extern",
		"false",
		"float",
		"for",
		"goto",
		"if",
		"inline",
		"int",
		"long",
		"o",
		"register",
		"restrict",
		"return",
		"short",
		"signed",
		"sizeof",
		"static",
		"struct",
		"switch",
		"true",
		"typedef",
		"union",
		"unsigned",
		"void",
		"volatile",
		"while",
		"asm",
		"typeof",
		/* fields that every event has */
		"actor",
		"domid",
		"devid",
		"queue",
		/* enum ev_kind and its like in desc.h */
		"kind",
		"level",
		"type",
	};
	size_t i;

	if (!islower((unsigned char)*s) ||
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")])
		fail("%s \"%s\": use a-z, 0-9 and _, a letter first", what, s);
	for (i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!strcmp(s, taken[i]) && strcmp(what, "word") &&
		    !(!strcmp(what, "enum") && !strcmp(s, "actor")))
			fail("%s \"%s\": the name is taken", what, s);
	return copy(s);
}

static void parse_enum(char *p)
{
	struct enumeration *e = &enums[enums_n];
	char *name = need(&p, "the enum's name"), *w, *end;
	size_t len = strlen(name);
	int i;

	if (enums_n == MAX_ENUMS)
		fail("more than %d enums", MAX_ENUMS);
	if (name[len - 1] != ':')
		fail("a colon belongs behind the enum's name \"%s\"", name);
	name[len - 1] = '\0';
	e->name = identifier("enum", name);
	for (i = 0; i < enums_n; i++)
		if (!strcmp(enums[i].name, e->name))
			fail("enum \"%s\" is there twice", e->name);
	while ((w = next(&p))) {
		char *eq = strchr(w, '=');
		struct word *new = &e->word[e->words];

		if (!eq || !eq[1])
			fail("\"%s\": a word is written word=value", w);
		*eq = '\0';
		if (e->words == MAX_WORDS)
			fail("more than %d words", MAX_WORDS);
		new->name = identifier("word", w);
		errno = 0;
		new->value = strtol(eq + 1, &end, 10);
		if (errno || *end || new->value < INT32_MIN ||
		    new->value > INT32_MAX)
			fail("\"%s\": not a 32-bit number", eq + 1);
		for (i = 0; i < e->words; i++)
			if (!strcmp(e->word[i].name, new->name) ||
			    e->word[i].value == new->value)
				fail("\"%s=%ld\": word or value is there twice",
				     new->name, new->value);
		e->words++;
	}
	if (!e->words)
		fail("enum \"%s\" has no words", e->name);
	enums_n++;
}

/* Whether the event before the current line is whole. */
static void event_end(void)
{
	const struct event *e;
	int args = 1, i; /* the origin, packed */

	if (!events_n)
		return;
	e = &events[events_n - 1];
	if (!e->doc)
		fail("event \"%s\" says nowhere what has happened", e->name);
	if (!e->fields)
		fail("event \"%s\" has no fields", e->name);
	for (i = 0; i < e->fields; i++)
		args += e->field[i].type->array ? 2 : 1;
	if (args > USDT_ARGS)
		fail("event \"%s\" needs %d arguments; a USDT probe carries %d",
		     e->name, args, USDT_ARGS);
}

static void parse_event(char *p, char *section)
{
	struct event *e = &events[events_n];
	const char *level;
	int i;

	event_end();
	if (events_n == MAX_EVENTS)
		fail("more than %d events", MAX_EVENTS);
	e->name = identifier("event", need(&p, "the event's name"));
	for (i = 0; i < events_n; i++)
		if (!strcmp(events[i].name, e->name))
			fail("event \"%s\" is there twice", e->name);
	level = need(&p, "the level");
	for (e->level = 0; e->level < 3; e->level++)
		if (!strcmp(level, levels[e->level]))
			break;
	if (e->level == 3)
		fail("level \"%s\": use control, protocol or full", level);
	e->layer = identifier("layer", need(&p, "the layer"));
	e->clause = copy(need(&p, "the clause, or -"));
	if (strpbrk(e->clause, "\"\\|"))
		fail("clause \"%s\" is no rule identifier", e->clause);
	if (!strcmp(e->clause, "-"))
		*e->clause = '\0';
	if (next(&p))
		fail("nothing belongs behind the clause");
	e->section = section;
	events_n++;
}

static void parse_field(char *p)
{
	struct event *e;
	struct field *f;
	const char *type;
	int i;

	if (!events_n)
		fail("a field before the first event");
	e = &events[events_n - 1];
	f = &e->field[e->fields];
	p += strspn(p, " \t");
	if (*p == '"') {
		if (e->doc)
			fail("event \"%s\" has a second text", e->name);
		e->doc = quoted(p);
		return;
	}
	if (!e->doc)
		fail("what has happened is said before the fields");
	if (e->fields == MAX_FIELDS)
		fail("more than %d fields", MAX_FIELDS);
	type = need(&p, "the type");
	if (!strncmp(type, "enum:", 5)) {
		for (i = 0; i < enums_n; i++)
			if (!strcmp(enums[i].name, type + 5))
				f->of = &enums[i];
		if (!f->of)
			fail("enum \"%s\" is not declared above", type + 5);
		f->type = &enum_type;
	}
	for (i = 0; i < (int)(sizeof(types) / sizeof(*types)); i++)
		if (!strcmp(types[i].name, type))
			f->type = &types[i];
	if (!f->type)
		fail("type \"%s\" is unknown", type);
	f->name = identifier("field", need(&p, "the field's name"));
	for (i = 0; i < e->fields; i++)
		if (!strcmp(e->field[i].name, f->name))
			fail("field \"%s\" is there twice", f->name);
	f->unit = copy(need(&p, "the unit, or -"));
	if (!strcmp(f->unit, "-"))
		*f->unit = '\0';
	else
		free(identifier("unit", f->unit));
	f->doc = quoted(p);
	e->fields++;
}

static void parse(const char *path)
{
	char *line = NULL, *section = copy("");
	size_t size = 0;
	ssize_t len;
	FILE *in = fopen(path, "r");

	def_path = path;
	if (!in) {
		fprintf(stderr, "trace-gen: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	while ((len = getline(&line, &size, in)) >= 0) {
		char *p = line;

		def_line++;
		if (strlen(line) != (size_t)len)
			fail("a NUL byte");
		while (len && isspace((unsigned char)line[len - 1]))
			line[--len] = '\0';
		if (!strncmp(p, "# ---- ", 7)) {
			while (len > 7 && strchr("- ", p[len - 1]))
				p[--len] = '\0';
			section = copy(p + 7); /* events keep the pointer */
		} else if (!len || *p == '#') {
			continue;
		} else if (isspace((unsigned char)*p)) {
			parse_field(p);
		} else {
			char *what = next(&p);

			if (!strcmp(what, "enum"))
				parse_enum(p);
			else if (!strcmp(what, "event"))
				parse_event(p, section);
			else
				fail("\"%s\": a line begins with enum, event "
				     "or, for a field, with blanks",
				     what);
		}
	}
	if (ferror(in)) {
		fprintf(stderr, "trace-gen: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	event_end();
	if (!events_n)
		fail("no events");
	if (!enums_n || strcmp(enums[0].name, "actor"))
		fail("the first enum must be actor");
	free(line);
	fclose(in);
}

/* ---- writing ------------------------------------------------------------ */

static FILE *out;

static void put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void put(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
}

static void put_upper(const char *s)
{
	for (; *s; s++)
		fputc(toupper((unsigned char)*s), out);
}

#define EACH_EVENT(e)                                                          \
	for (const struct event *e = events; e < events + events_n; e++)
#define EACH_ENUM(n)                                                           \
	for (const struct enumeration *n = enums; n < enums + enums_n; n++)
#define EACH_WORD(w, n)                                                        \
	for (const struct word *w = (n)->word; w < (n)->word + (n)->words; w++)
#define EACH_FIELD(f, e)                                                       \
	for (const struct field *f = (e)->field; f < (e)->field + (e)->fields; \
	     f++)

static void write_enums_h(void)
{
	put("#ifndef TRACE_ENUMS_H\n#define TRACE_ENUMS_H\n");
	EACH_ENUM(n)
	{
		put("\nenum ev_%s {\n", n->name);
		EACH_WORD(w, n)
		{
			put("\tEV_");
			put_upper(n->name);
			put("_");
			put_upper(w->name);
			put(" = %ld,\n", w->value);
		}
		put("};\n");
	}
	put("\n#endif\n");
}

/* The parameters of an emitting function, after the origin. */
static void put_params(const struct event *e)
{
	EACH_FIELD(f, e)
	{
		const char *gap = strchr(f->type->c, '*') ? "" : " ";

		if (f->type->array)
			put(",\n\t\tconst %s *%s, size_t %s_n", f->type->c,
			    f->name, f->name);
		else
			put(",\n\t\t%s%s%s", f->type->c, gap, f->name);
	}
}

static void write_events_h(void)
{
	put("/*\n"
	    " * Included by trace/emit.h, which says how to use it.  A "
	    "pointer\n"
	    " * passed in is read once or twice during the call and not kept;\n"
	    " * it must not point into memory that a guest can change.\n"
	    " */\n"
	    "#ifndef TRACE_EVENTS_H\n#define TRACE_EVENTS_H\n\n"
	    "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n"
	    "#include <lttng/tracepoint-types.h>\n\n"
	    "#include \"trace/enums.h\"\n\n"
	    "struct ev_origin;\n\n"
	    "#pragma GCC visibility push(hidden)\n\n"
	    "/* On for a recording session, or for a probe on the USDT mark: "
	    "two loads,\n * one branch. */\n"
	    "#define EV_ON(name) \\\n"
	    "\t(__atomic_load_n(&lttng_ust_tracepoint_ringside___##name.state,"
	    " \\\n\t\t\t __ATOMIC_RELAXED) | \\\n"
	    "\t __atomic_load_n(&ringside_##name##_semaphore, "
	    "__ATOMIC_RELAXED))\n");
	EACH_EVENT(e)
	{
		put("\n/* %s. (%s) */\n", e->doc, levels[e->level]);
		put("extern struct lttng_ust_tracepoint\n"
		    "\tlttng_ust_tracepoint_ringside___%s;\n"
		    "extern unsigned short ringside_%s_semaphore;\n",
		    e->name, e->name);
		put("void ev_%s_emit(const struct ev_origin *o", e->name);
		put_params(e);
		put(")\n\t__attribute__((cold, noinline));\n"
		    "static inline bool ev_%s_on(void)\n{\n"
		    "\treturn EV_ON(%s) != 0;\n}\n",
		    e->name, e->name);
		put("static inline void ev_%s(const struct ev_origin *o",
		    e->name);
		put_params(e);
		put(")\n{\n\tif (__builtin_expect(ev_%s_on(), 0))\n"
		    "\t\tev_%s_emit(o",
		    e->name, e->name);
		EACH_FIELD(f, e)
		{
			put(", %s", f->name);
			if (f->type->array)
				put(", %s_n", f->name);
		}
		put(");\n}\n");
	}
	put("\n#pragma GCC visibility pop\n\n#endif\n");
}

static void put_ctf_field(const struct field *f)
{
	if (f->of)
		put("\t\tlttng_ust_field_enum(ringside, %s, %s, %s, a->%s)\n",
		    f->of->name, f->type->ctf, f->name, f->name);
	else if (f->type->array)
		/* Bytes read best in base 16. */
		put("\t\tlttng_ust_field_sequence%s(%s, %s, a->%s, uint32_t, "
		    "a->%s_n)\n",
		    strcmp(f->type->id, "U8") ? "" : "_hex", f->type->ctf,
		    f->name, f->name, f->name);
	else if (!strcmp(f->type->id, "STRING"))
		put("\t\tlttng_ust_field_string(%s, a->%s)\n", f->name,
		    f->name);
	else
		put("\t\tlttng_ust_field_integer(%s, %s, a->%s)\n",
		    f->type->ctf, f->name, f->name);
}

static void write_provider_h(void)
{
	put("/* Only provider.c and LTTng's headers, again and again, read "
	    "this. */\n"
	    "#undef LTTNG_UST_TRACEPOINT_PROVIDER\n"
	    "#define LTTNG_UST_TRACEPOINT_PROVIDER ringside\n"
	    "#undef LTTNG_UST_TRACEPOINT_INCLUDE\n"
	    "#define LTTNG_UST_TRACEPOINT_INCLUDE \"trace/provider.h\"\n\n"
	    "#ifndef TRACE_PROVIDER_ARGS\n#define TRACE_PROVIDER_ARGS\n\n"
	    "#include \"trace/emit.h\"\n\n"
	    "/* A tracepoint has ten arguments at most, hence one struct. "
	    "*/\n");
	EACH_EVENT(e)
	{
		put("struct ev_%s_args {\n", e->name);
		EACH_FIELD(f, e)
		{
			if (f->type->array)
				put("\tconst %s *%s;\n\tuint32_t %s_n;\n",
				    f->type->c, f->name, f->name);
			else
				put("\t%s%s%s;\n", f->type->c,
				    strchr(f->type->c, '*') ? "" : " ",
				    f->name);
		}
		put("};\n");
	}
	put("#endif\n\n"
	    "#if !defined(TRACE_PROVIDER_H) || \\\n"
	    "\tdefined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)\n"
	    "#define TRACE_PROVIDER_H\n\n#include <lttng/tracepoint.h>\n");
	EACH_ENUM(n)
	{
		put("\nLTTNG_UST_TRACEPOINT_ENUM(ringside, %s,\n"
		    "\tLTTNG_UST_TP_ENUM_VALUES(\n",
		    n->name);
		EACH_WORD(w, n)
		put("\t\tlttng_ust_field_enum_value(\"%s\", %ld)\n", w->name,
		    w->value);
		put("\t)\n)\n");
	}
	EACH_EVENT(e)
	{
		put("\nLTTNG_UST_TRACEPOINT_EVENT(ringside, %s,\n"
		    "\tLTTNG_UST_TP_ARGS(const struct ev_origin *, o,\n"
		    "\t\tconst struct ev_%s_args *, a),\n"
		    "\tLTTNG_UST_TP_FIELDS(\n"
		    "\t\tlttng_ust_field_enum(ringside, actor, int8_t, actor, "
		    "(int8_t)o->actor)\n"
		    "\t\tlttng_ust_field_integer(uint16_t, domid, o->domid)\n"
		    "\t\tlttng_ust_field_integer(uint32_t, devid, o->devid)\n"
		    "\t\tlttng_ust_field_integer(uint16_t, queue, o->queue)\n",
		    e->name, e->name);
		EACH_FIELD(f, e)
		put_ctf_field(f);
		put("\t)\n)\n"
		    "LTTNG_UST_TRACEPOINT_LOGLEVEL(ringside, %s,\n"
		    "\tLTTNG_UST_TRACEPOINT_LOGLEVEL_%s)\n",
		    e->name, loglevels[e->level]);
	}
	put("\n#endif\n\n#include <lttng/tracepoint-event.h>\n");
}

static void write_provider_c(void)
{
	put("/*\n"
	    " * The LTTng-UST provider `ringside` and a USDT probe beside "
	    "each\n"
	    " * tracepoint: LTTng as Debian builds it makes none of its own.\n"
	    " * Hidden symbols: a program and a plugin each have their own.\n"
	    " */\n"
	    "#define LTTNG_UST_TRACEPOINT_HIDDEN_DEFINITION\n"
	    "#define LTTNG_UST_TRACEPOINT_PROVIDER_HIDDEN_DEFINITION\n"
	    "#define LTTNG_UST_TRACEPOINT_CREATE_PROBES\n"
	    "#define LTTNG_UST_TRACEPOINT_DEFINE\n"
	    "#include \"trace/provider.h\"\n\n"
	    "#define _SDT_HAS_SEMAPHORES 1\n#include <sys/sdt.h>\n\n"
	    "/* The first argument of every USDT probe. */\n"
	    "static uint64_t origin_pack(const struct ev_origin *o)\n{\n"
	    "\treturn (uint64_t)o->devid << 32 | (uint64_t)o->domid << 16 |\n"
	    "\t       (uint64_t)(o->queue & 0xfffu) << 4 | (o->actor & 0xfu);"
	    "\n}\n");
	EACH_EVENT(e)
	{
		int args = 1;

		put("\nunsigned short ringside_%s_semaphore\n"
		    "\t__attribute__((section(\".probes\")));\n"
		    "void ev_%s_emit(const struct ev_origin *o",
		    e->name, e->name);
		put_params(e);
		put(")\n{\n\tconst struct ev_%s_args a = {\n", e->name);
		EACH_FIELD(f, e)
		{
			bool text = !strcmp(f->type->id, "STRING");

			put("\t\t.%s = %s%s%s%s,\n", f->name, f->name,
			    text ? " ? " : "", text ? f->name : "",
			    text ? " : \"\"" : "");
			if (f->type->array)
				put("\t\t.%s_n = (uint32_t)%s_n,\n", f->name,
				    f->name);
			args += f->type->array ? 2 : 1;
		}
		put("\t};\n\n"
		    "\tif (lttng_ust_tracepoint_enabled(ringside, %s))\n"
		    "\t\tlttng_ust_do_tracepoint(ringside, %s, o, &a);\n"
		    "\tDTRACE_PROBE%d(ringside, %s, origin_pack(o)",
		    e->name, e->name, args, e->name);
		EACH_FIELD(f, e)
		{
			put(", a.%s", f->name);
			if (f->type->array)
				put(", a.%s_n", f->name);
		}
		put(");\n}\n");
	}
}

static void write_desc_h(void)
{
	put("/* The catalogue as tables, for who reads a trace; no LTTng. */\n"
	    "#ifndef TRACE_DESC_H\n#define TRACE_DESC_H\n\n"
	    "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n"
	    "#include \"trace/enums.h\"\n\n"
	    "enum ev_kind {\n");
	EACH_EVENT(e)
	put("\tEV_KIND_%s,\n", e->name);
	put("\tEV_KIND_COUNT\n};\n\n"
	    "enum ev_level { EV_LEVEL_CONTROL, EV_LEVEL_PROTOCOL, "
	    "EV_LEVEL_FULL };\n\n"
	    "/* In a trace BOOL is an unsigned 0 or 1, ENUM a signed number.\n"
	    " * An array is a sequence of them. */\n"
	    "enum ev_type {\n"
	    "\tEV_TYPE_U8,\n\tEV_TYPE_U16,\n\tEV_TYPE_U32,\n\tEV_TYPE_U64,\n"
	    "\tEV_TYPE_I16,\n\tEV_TYPE_I32,\n\tEV_TYPE_BOOL,\n"
	    "\tEV_TYPE_STRING,\n\tEV_TYPE_ENUM\n};\n\n"
	    "struct ev_word {\n\tint64_t value;\n\tconst char *word;\n};\n\n"
	    "struct ev_words {\n\tconst char *name;\n"
	    "\tconst struct ev_word *word;\n\tsize_t count;\n};\n\n"
	    "struct ev_field {\n\tconst char *name;\n\tenum ev_type type;\n"
	    "\tbool array;\n"
	    "\tconst char *unit; /* empty where there is none */\n"
	    "\tconst char *doc;\n"
	    "\tconst struct ev_words *words; /* of an ENUM, else NULL */\n"
	    "};\n\n"
	    "struct ev_desc {\n\tenum ev_kind kind;\n"
	    "\tconst char *name; /* in the trace it is ringside:NAME */\n"
	    "\tenum ev_level level;\n\tconst char *layer;\n"
	    "\tconst char *clause; /* empty where there is none */\n"
	    "\tconst char *section;\n\tconst char *doc;\n"
	    "\tconst struct ev_field *field; /* without actor, domid, devid, "
	    "queue */\n\tsize_t fields;\n};\n\n"
	    "/* One for each kind, at its own index. */\n"
	    "extern const struct ev_desc ev_descs[EV_KIND_COUNT];\n\n");
	EACH_ENUM(n)
	put("extern const struct ev_words ev_words_%s;\n", n->name);
	put("\n/* The kind of an event, named with or without \"ringside:\", "
	    "or -ENOENT. */\n"
	    "int ev_kind_find(const char *name);\n\n"
	    "/* The position of a field in its event, or -ENOENT. */\n"
	    "int ev_field_find(const struct ev_desc *desc, const char *name);\n"
	    "\n/* The word for a value, or NULL where the enum has none. */\n"
	    "const char *ev_word_find(const struct ev_words *words, "
	    "int64_t value);\n\n"
	    "/* The value of a word: 0, or -ENOENT and *value as it was. */\n"
	    "int ev_word_value(const struct ev_words *words, const char "
	    "*word,\n"
	    "\t\t  int64_t *value);\n\n"
	    "/* \"control\", \"protocol\", \"full\". */\n"
	    "const char *ev_level_name(enum ev_level level);\n\n#endif\n");
}

static void write_desc_c(void)
{
	put("#include \"trace/desc.h\"\n\n"
	    "#include <errno.h>\n#include <string.h>\n");
	EACH_ENUM(n)
	{
		put("\nstatic const struct ev_word words_%s[] = {\n", n->name);
		EACH_WORD(w, n)
		put("\t{ %ld, \"%s\" },\n", w->value, w->name);
		put("};\nconst struct ev_words ev_words_%s = {\n"
		    "\t\"%s\", words_%s, %d\n};\n",
		    n->name, n->name, n->name, n->words);
	}
	EACH_EVENT(e)
	{
		put("\nstatic const struct ev_field fields_%s[] = {\n",
		    e->name);
		EACH_FIELD(f, e)
		put("\t{ \"%s\", EV_TYPE_%s, %s, \"%s\",\n"
		    "\t  \"%s\", %s%s },\n",
		    f->name, f->type->id, f->type->array ? "true" : "false",
		    f->unit, f->doc, f->of ? "&ev_words_" : "NULL",
		    f->of ? f->of->name : "");
		put("};\n");
	}
	put("\nconst struct ev_desc ev_descs[EV_KIND_COUNT] = {\n");
	EACH_EVENT(e)
	{
		put("\t{ EV_KIND_%s, \"%s\", EV_LEVEL_", e->name, e->name);
		put_upper(levels[e->level]);
		put(",\n\t  \"%s\", \"%s\", \"%s\",\n\t  \"%s\",\n"
		    "\t  fields_%s, %d },\n",
		    e->layer, e->clause, e->section, e->doc, e->name,
		    e->fields);
	}
	put("};\n\n"
	    "int ev_kind_find(const char *name)\n{\n\tint i;\n\n"
	    "\tif (!strncmp(name, \"ringside:\", 9))\n\t\tname += 9;\n"
	    "\tfor (i = 0; i < EV_KIND_COUNT; i++)\n"
	    "\t\tif (!strcmp(name, ev_descs[i].name))\n\t\t\treturn i;\n"
	    "\treturn -ENOENT;\n}\n\n"
	    "int ev_field_find(const struct ev_desc *desc, const char *name)\n"
	    "{\n\tsize_t i;\n\n"
	    "\tfor (i = 0; i < desc->fields; i++)\n"
	    "\t\tif (!strcmp(name, desc->field[i].name))\n"
	    "\t\t\treturn (int)i;\n"
	    "\treturn -ENOENT;\n}\n\n"
	    "const char *ev_word_find(const struct ev_words *words, "
	    "int64_t value)\n{\n\tsize_t i;\n\n"
	    "\tfor (i = 0; i < words->count; i++)\n"
	    "\t\tif (words->word[i].value == value)\n"
	    "\t\t\treturn words->word[i].word;\n"
	    "\treturn NULL;\n}\n\n"
	    "int ev_word_value(const struct ev_words *words, const char "
	    "*word,\n"
	    "\t\t  int64_t *value)\n{\n\tsize_t i;\n\n"
	    "\tfor (i = 0; i < words->count; i++)\n"
	    "\t\tif (!strcmp(words->word[i].word, word)) {\n"
	    "\t\t\t*value = words->word[i].value;\n"
	    "\t\t\treturn 0;\n\t\t}\n"
	    "\treturn -ENOENT;\n}\n\n"
	    "const char *ev_level_name(enum ev_level level)\n{\n"
	    "\tstatic const char *const name[] = { \"control\", \"protocol\", "
	    "\"full\" };\n\n"
	    "\treturn name[level];\n}\n");
}

/* Kinds by number: a BPF program includes no header of libc's. */
static void write_probes_inc(void)
{
	put("/* Included by trace/probe/event.bpf.c. */\n");
	EACH_EVENT(e)
	{
		int arg = 1;

		put("\nSEC(\"usdt\")\nint on_%s(struct pt_regs *ctx)\n{\n"
		    "\tstruct scratch *s = begin(ctx, %d);\n\n"
		    "\tif (!s)\n\t\treturn 0;\n",
		    e->name, (int)(e - events));
		EACH_FIELD(f, e)
		{
			if (f->type->array)
				put("\tarray(s, argument(ctx, %d), "
				    "argument(ctx, %d), sizeof(__%c%s));\n",
				    arg, arg + 1,
				    f->type->c[0] == 'u' ? 'u' : 's',
				    f->type->id + 1);
			else
				put("\t%s(s, argument(ctx, %d));\n",
				    strcmp(f->type->id, "STRING") ? "number"
								  : "string",
				    arg);
			arg += f->type->array ? 2 : 1;
		}
		put("\treturn end(s);\n}\n");
	}
}

static void write_markdown(void)
{
	const char *section = "";

	put("# Events\n\n"
	    "Every event that Ringside emits. Made from `trace/events.def`: "
	    "change that and run\n`make docs/events.md`.\n\n"
	    "An event is the LTTng-UST tracepoint `ringside:NAME` and the USDT "
	    "probe of the same\nname. It is emitted after the step that it "
	    "names. Its time is CLOCK_MONOTONIC in ns.\nA new field is added "
	    "at the end of an event; a meaning never changes.\n\n"
	    "Every event begins with\n\n"
	    "| field | type | meaning |\n|---|---|---|\n"
	    "| actor | enum actor | who speaks |\n"
	    "| domid | u16 | the frontend's domain |\n"
	    "| devid | u32 | virtual device number; 51712 is xvda |\n"
	    "| queue | u16 | ring of the device; 65535: the device as a whole "
	    "|\n\n"
	    "The level of an event is `control` (handshake, life cycle), "
	    "`protocol` (what\n`ringside record` takes unless told otherwise) "
	    "or `full` (also raw slots and\nindices). A level takes itself and "
	    "those before it; LTTng knows them as the log\nlevels NOTICE, INFO "
	    "and DEBUG. A clause names a rule of the protocol.\n\n"
	    "A USDT probe has the fields as its arguments, an array as two: "
	    "address and count.\nThe first argument is "
	    "`devid << 32 | domid << 16 | (queue & 0xfff) << 4 | actor`.\n\n"
	    "## Enumerations\n\n"
	    "A number outside its enumeration is possible: guests send "
	    "anything.\n\n"
	    "| enum | words |\n|---|---|\n");
	EACH_ENUM(n)
	{
		put("| %s |", n->name);
		EACH_WORD(w, n)
		put("%s %s %ld", w == n->word ? "" : ",", w->name, w->value);
		put(" |\n");
	}
	EACH_EVENT(e)
	{
		if (strcmp(section, e->section)) {
			section = e->section;
			put("\n## %c%s\n", toupper((unsigned char)*section),
			    section + 1);
		}
		put("\n### %s\n\n%s.\nLevel %s, layer %s", e->name, e->doc,
		    levels[e->level], e->layer);
		if (*e->clause)
			put(", clause %s", e->clause);
		put(".\n\n| field | type | unit | meaning |\n|---|---|---|---|"
		    "\n");
		EACH_FIELD(f, e)
		put("| %s | %s%s%s | %s | %s |\n", f->name, f->type->name,
		    f->of ? " " : "", f->of ? f->of->name : "", f->unit,
		    f->doc);
	}
}

/* By a new name first: another make may be reading the old file. */
static void write_file(const char *dir, const char *name, void (*write)(void))
{
	char path[4096], tmp[4096 + 8];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	out = fopen(tmp, "w");
	if (!out) {
		fprintf(stderr, "trace-gen: %s: %s\n", tmp, strerror(errno));
		exit(1);
	}
	put("/* SPDX-License-Identifier: MIT */\n"
	    "/* Made by trace-gen from %s. */\n",
	    def_path);
	write();
	if (ferror(out) | fclose(out) || rename(tmp, path)) {
		fprintf(stderr, "trace-gen: %s: %s\n", path, strerror(errno));
		remove(tmp);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: trace-gen FILE OUTDIR\n"
				"       trace-gen --markdown FILE\n");
		return 2;
	}
	if (!strcmp(argv[1], "--markdown")) {
		parse(argv[2]);
		out = stdout;
		write_markdown();
		if (ferror(stdout) | fflush(stdout)) {
			perror("trace-gen: stdout");
			return 1;
		}
		return 0;
	}
	parse(argv[1]);
	write_file(argv[2], "enums.h", write_enums_h);
	write_file(argv[2], "events.h", write_events_h);
	write_file(argv[2], "provider.h", write_provider_h);
	write_file(argv[2], "provider.c", write_provider_c);
	write_file(argv[2], "desc.h", write_desc_h);
	write_file(argv[2], "desc.c", write_desc_c);
	write_file(argv[2], "probes.inc", write_probes_inc);
	return 0;
}
