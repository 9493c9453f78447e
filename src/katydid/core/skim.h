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

/* Whether a chunk's body is one content event and nothing else. */
static int
is_content(Span body, const Rule *rule)
{
    const char *end = body.start + body.size;
    if (body.size < rule->head.size + rule->ending.size ||
        memcmp(body.start, rule->head.start, rule->head.size) != 0 ||
        memcmp(end - rule->ending.size, rule->ending.start, rule->ending.size) != 0)
        return 0;
    const char *marker = memmem(body.start, body.size, rule->marker.start, rule->marker.size);
    if (marker == NULL)
        return 0;
    const char *text = marker + rule->marker.size;
    return text < end && *text != '"' && memmem(text, end - text, rule->marker.start, rule->marker.size) == NULL &&
           memchr(body.start, '\r', body.size) == NULL && count_line_ends(body) == rule->line_ends;
}

/* Passes over the chunks at `*position` that are one such event each: moves it behind them, adds their bodies'
 * bytes to `*size`, and says how many they were.
 */
static Py_ssize_t
skim_chunks(Span data, Py_ssize_t *position, const Rule *rule, Py_ssize_t *size)
{
    Py_ssize_t events = 0;
    Span body;
    for (;;) {
        Span rest = {data.start + *position, data.size - *position};
        if (!plain_chunk(rest, &body) || !is_content(body, rule))
            return events;
        *position = body.start + body.size + 2 - data.start;
        *size += body.size;
        events++;
    }
}

#endif
