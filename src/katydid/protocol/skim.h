/* protocol/skim.py in C: count the content events of a chunked body in place, without creating a Python object for
 * each. That module is the specification; the tests compare both. The code only reads memory, and only inside the
 * given bytes. Include Python.h first, with _GNU_SOURCE.
 */

#ifndef KATYDID_SKIM_H
#define KATYDID_SKIM_H

#include <string.h>

typedef struct {
    const char *start;
    Py_ssize_t size;
} Span;

#define MOST_HOLES 24
#define MOST_DIGITS 18

/* A piece of a rule: a literal, and the kind of hole after it; 0 at the end of the rule. */
typedef struct {
    Span literal;
    char hole;
} Piece;

enum { STRING_HOLE = 1, NUMBER_HOLE = 2, TEXT_HOLE = 3 };

/* The form of a plain content event; see protocol/counting.py. Points into the bytes that it was parsed from. */
typedef struct {
    Piece pieces[MOST_HOLES + 1];
    int count;
} Rule;

/* The span of a bytes object; for anything else set an exception and return -1. */
static int
span_of(PyObject *object, Span *span)
{
    char *start;
    if (PyBytes_AsStringAndSize(object, &start, &span->size) < 0)
        return -1;
    span->start = start;
    return 0;
}

static Span
span_from(Span data, Py_ssize_t position)
{
    Span rest = {data.start + position, data.size - position};
    return rest;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Find the body of the chunk at the start of `data`; return 0 unless it is complete and has no extensions. */
static int
plain_chunk(Span data, Span *body)
{
    Py_ssize_t size = 0, digits = 0;
    int digit;
    while (digits < data.size && digits <= 8 && (digit = hex_digit(data.start[digits])) >= 0) {
        size = size * 16 + digit;
        digits++;
    }
    if (digits == 0 || digits > 8 || size == 0 || size > data.size - digits - 4)
        return 0;
    const char *line_end = data.start + digits, *end = line_end + 2 + size;
    if (memcmp(line_end, "\r\n", 2) != 0 || memcmp(end, "\r\n", 2) != 0)
        return 0;
    body->start = line_end + 2;
    body->size = size;
    return 1;
}

/* Split a rule into pieces; if there are too many, set an exception and return -1. */
static int
rule_of(Span bytes, Rule *rule)
{
    const char *at = bytes.start, *end = bytes.start + bytes.size;
    Piece *piece = rule->pieces;
    rule->count = 0;
    for (;;) {
        const char *begin = at;
        while (at < end && !(*at >= STRING_HOLE && *at <= TEXT_HOLE))
            at++;
        if (rule->count > MOST_HOLES) {
            PyErr_SetString(PyExc_ValueError, "a rule with too many holes");
            return -1;
        }
        piece = &rule->pieces[rule->count++];
        piece->literal.start = begin;
        piece->literal.size = at - begin;
        piece->hole = at < end ? *at : 0;
        if (at == end)
            return 0;
        at++;
    }
}

static int
is_plain(char c)
{
    return c != '"' && c != '\\' && (unsigned char)c >= 0x20;
}

static const char *
behind_string(const char *at, const char *end)
{
    while (at < end && is_plain(*at))
        at++;
    return at;
}

/* The functions behind_… return the position after what they match at `at`, or NULL if there is none. */

/* A JSON integer. */
static const char *
behind_number(const char *at, const char *end)
{
    if (at < end && *at == '-')
        at++;
    if (at < end && *at == '0')
        return at + 1;
    const char *begin = at;
    while (at < end && at - begin < MOST_DIGITS && *at >= '0' && *at <= '9')
        at++;
    return at > begin ? at : NULL;
}

/* A JSON escape. */
static const char *
behind_escape(const char *at, const char *end)
{
    if (end - at < 2)
        return NULL;
    if (at[1] != 'u')
        return memchr("\"\\/bfnrt", at[1], 8) ? at + 2 : NULL;
    if (end - at < 6)
        return NULL;
    for (int i = 2; i < 6; i++)
        if (hex_digit(at[i]) < 0)
            return NULL;
    return at + 6;
}

/* The content of a JSON string that is not empty. */
static const char *
behind_text(const char *at, const char *end)
{
    const char *begin = at;
    for (;;) {
        at = behind_string(at, end);
        if (at == end || *at != '\\')
            break;
        const char *next = behind_escape(at, end);
        if (next == NULL)
            break;
        at = next;
    }
    return at > begin ? at : NULL;
}

/* An event at the start of `data`. Sets `last` to where its last hole begins. */
static const char *
behind_event(Span data, const Rule *rule, const char **last)
{
    const char *at = data.start, *end = data.start + data.size;
    for (const Piece *piece = rule->pieces;; piece++) {
        if (end - at < piece->literal.size || memcmp(at, piece->literal.start, piece->literal.size) != 0)
            return NULL;
        at += piece->literal.size;
        if (piece->hole == 0)
            return at;
        *last = at;
        if (piece->hole == STRING_HOLE)
            at = behind_string(at, end);
        else if ((at = piece->hole == NUMBER_HOLE ? behind_number(at, end) : behind_text(at, end)) == NULL)
            return NULL;
    }
}

/* Fast check: return 1 if a body equals an earlier content event except for its text, and the text has no escapes.
 * `front` is everything before the earlier event's text.
 */
static int
is_alike(Span body, Span front, Span ending)
{
    const char *text = body.start + front.size, *end = body.start + body.size - ending.size;
    return front.size > 0 && text < end && memcmp(body.start, front.start, front.size) == 0 &&
           memcmp(end, ending.start, ending.size) == 0 && behind_string(text, end) == end;
}

/* Skip the chunks at `*position` that are one matching event each: move `*position` past them, add the bytes of their
 * bodies to `*size`, return their number.
 */
static Py_ssize_t
skim_chunks(Span data, Py_ssize_t *position, const Rule *rule, Py_ssize_t *size)
{
    Py_ssize_t events = 0;
    int serves = rule->count > 1 && rule->pieces[rule->count - 2].hole == TEXT_HOLE;
    Span body, front = {NULL, 0}, ending = rule->pieces[rule->count - 1].literal;
    while (plain_chunk(span_from(data, *position), &body)) {
        if (!is_alike(body, front, ending)) {
            const char *text = NULL;
            if (behind_event(body, rule, &text) != body.start + body.size)
                break;
            front.start = body.start;
            front.size = serves ? text - body.start : 0;
        }
        *position = body.start + body.size + 2 - data.start;
        *size += body.size;
        events++;
    }
    return events;
}

/* The same without chunk framing: skip consecutive events. */
static Py_ssize_t
skim_run(Span data, Py_ssize_t *position, const Rule *rule)
{
    Py_ssize_t events = 0;
    const char *end, *text;
    while ((end = behind_event(span_from(data, *position), rule, &text)) != NULL) {
        *position = end - data.start;
        events++;
    }
    return events;
}

#endif
