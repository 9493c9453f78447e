/* `skim` of core/skimming.py, for Python. */

#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#define _GNU_SOURCE /* memmem */
#include <Python.h>

#include "skim.h"

PyDoc_STRVAR(skim_doc, "skim(data, position, head, marker, ending, line_ends) -> (position, events, size)");

static PyObject *
skim(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    Span data;
    Rule rule;
    (void)module;
    if (nargs != 6) {
        PyErr_SetString(PyExc_TypeError, "skim takes 6 arguments");
        return NULL;
    }
    Py_ssize_t position = PyLong_AsSsize_t(args[1]);
    rule.line_ends = PyLong_AsSsize_t(args[5]);
    if (PyErr_Occurred() || span_of(args[0], &data) < 0 || span_of(args[2], &rule.head) < 0 ||
        span_of(args[3], &rule.marker) < 0 || span_of(args[4], &rule.ending) < 0)
        return NULL;
    if (position < 0 || position > data.size) {
        PyErr_SetString(PyExc_ValueError, "the position lies outside the data");
        return NULL;
    }
    Py_ssize_t size = 0;
    Py_ssize_t events = skim_chunks(data, &position, &rule, &size);
    return Py_BuildValue("nnn", position, events, size);
}

static PyMethodDef methods[] = {
    {"skim", (PyCFunction)(void (*)(void))skim, METH_FASTCALL, skim_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "_skim", .m_doc = "See core/skimming.py.", .m_size = 0, .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__skim(void)
{
    return PyModuleDef_Init(&module);
}
