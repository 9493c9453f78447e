/* What core/skimming.py says, in C: the content events of a chunked body are found and counted where they lie,
 * without a Python object for any of them. That module is the specification; the tests hold both against each
 * other. Memory is only read, and only inside the given bytes. Include Python.h first, with _GNU_SOURCE.
 */

#ifndef KATYDID_SKIM_H
#define KATYDID_SKIM_H

#include <string.h>

typedef struct {
    const char *start;
    Py_ssize_t size;
} Span;

/* What a plain content event looks like; see core/counting.py. */
typedef struct {
    Span head, marker, ending;
    Py_ssize_t line_ends;
} Rule;

/* The span of a bytes object; -1 and an exception for anything else. */
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

/* The body of the chunk that lies whole and plain at `data`; 0 where none does. */
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

static Py_ssize_t
count_line_ends(Span text)
{
    Py_ssize_t count = 0;
    const char *at = text.start, *end = text.start + text.size;
    while ((at = memchr(at, '\n', end - at)) != NULL) {
        count++;
        at++;
    }
    return count;
}

/* Where the text of a chunk's body begins, if that is one content event and nothing else; NULL if not. */
static const char *
text_of(Span body, const Rule *rule)
{
    const char *end = body.start + body.size;
    if (body.size < rule->head.size + rule->ending.size ||
        memcmp(body.start, rule->head.start, rule->head.size) != 0 ||
        memcmp(end - rule->ending.size, rule->ending.start, rule->ending.size) != 0)
        return NULL;
    const char *marker = memmem(body.start, body.size, rule->marker.start, rule->marker.size);
    if (marker == NULL)
        return NULL;
    const char *text = marker + rule->marker.size;
    if (text < end && *text != '"' && memmem(text, end - text, rule->marker.start, rule->marker.size) == NULL &&
        memchr(body.start, '\r', body.size) == NULL && count_line_ends(body) == rule->line_ends)
        return text;
    return NULL;
}

/* Whether a text is there, with neither a quote nor a line's end in it. */
static int
is_simple(Span text)
{
    for (Py_ssize_t i = 0; i < text.size; i++)
        if (text.start[i] == '"' || text.start[i] == '\n' || text.start[i] == '\r')
            return 0;
    return text.size > 0;
}

static Span
between(const char *text, Span body, const Rule *rule)
{
    Span inside = {text, body.start + body.size - rule->ending.size - text};
    return inside;
}

/* Whether a body is a content event because it is one that was, but for its simple text: `front` is all that stood
 * in front of that other one's simple text. No second marker can hide in such a text or begin in it, since a marker
 * that begins with a quote does not; and what else is_simple leaves out makes the line ends the same.
 */
static int
is_alike(Span body, Span front, const Rule *rule)
{
    return front.size > 0 && body.size > front.size + rule->ending.size &&
           memcmp(body.start, front.start, front.size) == 0 &&
           memcmp(body.start + body.size - rule->ending.size, rule->ending.start, rule->ending.size) == 0 &&
           is_simple(between(body.start + front.size, body, rule));
}

/* Passes over the chunks at `*position` that are one such event each: moves it behind them, adds their bodies'
 * bytes to `*size`, and says how many they were.
 */
static Py_ssize_t
skim_chunks(Span data, Py_ssize_t *position, const Rule *rule, Py_ssize_t *size)
{
    Py_ssize_t events = 0;
    Span body, front = {NULL, 0};
    for (;;) {
        if (!plain_chunk(span_from(data, *position), &body))
            return events;
        if (!is_alike(body, front, rule)) {
            const char *text = text_of(body, rule);
            if (text == NULL)
                return events;
            int serves = rule->marker.size > 0 && *rule->marker.start == '"' && is_simple(between(text, body, rule));
            front.start = body.start;
            front.size = serves ? text - body.start : 0;
        }
        *position = body.start + body.size + 2 - data.start;
        *size += body.size;
        events++;
    }
}

#endif
