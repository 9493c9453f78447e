/* Python bindings of `skim` and `run` (protocol/skim.py) and `unwrap` (protocol/chunked.py). */

#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#define _GNU_SOURCE /* memmem */
#include <Python.h>

#include "skim.h"

/* Parse the arguments of `skim` and `run`: data, a position in it, and a rule. On error set an exception, return -1. */
static int
arguments(PyObject *const *args, Py_ssize_t nargs, Span *data, Py_ssize_t *position, Rule *rule)
{
    Span bytes;
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "data, a position and a rule are the 3 arguments");
        return -1;
    }
    *position = PyLong_AsSsize_t(args[1]);
    if (PyErr_Occurred() || span_of(args[0], data) < 0 || span_of(args[2], &bytes) < 0 || rule_of(bytes, rule) < 0)
        return -1;
    if (bytes.size == 0 || *position < 0 || *position > data->size) {
        PyErr_SetString(PyExc_ValueError, "the position lies outside the data, or the rule is empty");
        return -1;
    }
    return 0;
}

PyDoc_STRVAR(skim_doc, "skim(data, position, rule) -> (position, events, size)");

static PyObject *
skim(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    Span data;
    Rule rule;
    Py_ssize_t position, size = 0;
    (void)module;
    if (arguments(args, nargs, &data, &position, &rule) < 0)
        return NULL;
    Py_ssize_t events = skim_chunks(data, &position, &rule, &size);
    return Py_BuildValue("nnn", position, events, size);
}

PyDoc_STRVAR(run_doc, "run(data, position, rule) -> (position, events)");

static PyObject *
run(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    Span data;
    Rule rule;
    Py_ssize_t position;
    (void)module;
    if (arguments(args, nargs, &data, &position, &rule) < 0)
        return NULL;
    Py_ssize_t events = skim_run(data, &position, &rule);
    return Py_BuildValue("nn", position, events);
}

PyDoc_STRVAR(unwrap_doc, "unwrap(data, position, most) -> (position, body, ended)");

static PyObject *
unwrap(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    Span data, body;
    (void)module;
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "unwrap takes 3 arguments");
        return NULL;
    }
    Py_ssize_t position = PyLong_AsSsize_t(args[1]), most = PyLong_AsSsize_t(args[2]);
    if (PyErr_Occurred() || span_of(args[0], &data) < 0)
        return NULL;
    if (position < 0 || position > data.size) {
        PyErr_SetString(PyExc_ValueError, "the position lies outside the data");
        return NULL;
    }
    Py_ssize_t size = 0, chunks = 0, end = position;
    for (; chunks < most && plain_chunk(span_from(data, end), &body); chunks++) {
        size += body.size;
        end = body.start + body.size + 2 - data.start;
    }
    PyObject *bodies = PyBytes_FromStringAndSize(NULL, size);
    if (bodies == NULL)
        return NULL;
    char *into = PyBytes_AsString(bodies);
    while (position < end) {
        plain_chunk(span_from(data, position), &body);
        memcpy(into, body.start, body.size);
        into += body.size;
        position = body.start + body.size + 2 - data.start;
    }
    int ended = chunks < most && data.size - end >= 5 && memcmp(data.start + end, "0\r\n\r\n", 5) == 0;
    return Py_BuildValue("nNN", end + 5 * ended, bodies, PyBool_FromLong(ended));
}

static PyMethodDef methods[] = {
    {"skim", (PyCFunction)(void (*)(void))skim, METH_FASTCALL, skim_doc},
    {"run", (PyCFunction)(void (*)(void))run, METH_FASTCALL, run_doc},
    {"unwrap", (PyCFunction)(void (*)(void))unwrap, METH_FASTCALL, unwrap_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "_skim", .m_doc = "See protocol/skim.py and protocol/chunked.py.", .m_size = 0, .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__skim(void)
{
    return PyModuleDef_Init(&module);
}
