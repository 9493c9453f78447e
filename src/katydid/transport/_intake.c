/* transport/intake.py in C; that module is the specification. Each read does one recvmsg, takes the kernel's timestamp,
 * and counts the content events, creating no Python object except their time. For non-blocking sockets only, so the
 * GIL is not released and all readers share one buffer.
 */

#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#define _GNU_SOURCE
#include <Python.h>
#include <structmember.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "../protocol/skim.h"

#define READ_SIZE (256 * 1024)
#define ANCILLARY_SIZE 64
#define STAMPS 37 /* SO_TIMESTAMPING, as the ancillary data are called too */
#define OLDEST_NS (60 * 1000000000LL)
#define MOST_EVENTS 4096
#define SLACK_NS 50000000LL
#define SAME_TURN_NS 50000
#define COALESCE_NS 1000000LL
#define FEWEST 2000
#define MERGE_RATE_LIMIT 0.05
#define BACKOFF_NS 5000000000LL
#define WINDOW_NS 100000000LL

static char buffer[READ_SIZE];
static long long alone, merged, window_began, awake_until; /* see transport/intake.py */
static long long turned_at, looked_at, stamped_reads, unstamped_reads;
static double usual;
static int resting;

typedef struct {
    PyObject_HEAD
    int fd;
    char armed, stamped; /* plain events are noted; the latest read had a timestamp */
    PyObject *rule_bytes; /* the bytes that `rule` points into */
    Rule rule;
    PyObject *reads;
    Py_ssize_t events, first, size;
    long long lag_ns;
    double last_at;
} Intake;

static long long
nanoseconds(const struct timespec *time)
{
    return time->tv_sec * 1000000000LL + time->tv_nsec;
}

static long long
now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return nanoseconds(&time);
}

/* The age of a message's bytes in nanoseconds; -1 without a usable timestamp. */
static long long
age_ns(struct msghdr *message, long long real_ns)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == STAMPS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
            long long age = real_ns - nanoseconds(&stamp);
            return age >= 0 && age < OLDEST_NS ? age : -1;
        }
    }
    return -1;
}

/* Read once into `buffer` and set the time of arrival; on error return -1 with errno set. */
static ssize_t
receive(Intake *self)
{
    char ancillary[ANCILLARY_SIZE];
    struct iovec into = {buffer, READ_SIZE};
    struct msghdr message = {
        .msg_iov = &into, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary};
    ssize_t size;
    do {
        size = recvmsg(self->fd, &message, MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size < 0)
        return size;
    long long read_ns = now(CLOCK_MONOTONIC);
    long long age = age_ns(&message, now(CLOCK_REALTIME));
    if (looked_at && age > read_ns - looked_at + SLACK_NS)
        age = -1; /* a step of the wall clock */
    self->stamped = age >= 0;
    if (size > 0 && age >= 0)
        stamped_reads++;
    else if (size > 0)
        unstamped_reads++;
    if (age > self->lag_ns)
        self->lag_ns = age;
    self->last_at = (read_ns - (age > 0 ? age : 0)) / 1e9;
    return size;
}

/* Note events at the time of the latest read; on error set an exception and return -1. */
static int
note(Intake *self, Py_ssize_t events)
{
    if (events == 0)
        return 0;
    if (self->stamped && events == 1)
        alone++;
    else if (self->stamped)
        merged++;
    PyObject *at = PyFloat_FromDouble(self->last_at);
    if (at == NULL || PyList_Append(self->reads, at) < 0) {
        Py_XDECREF(at);
        return -1;
    }
    Py_DECREF(at);
    if (self->events == 0)
        self->first = events;
    self->events += events;
    return 0;
}

/* Read once; return 1 if there were bytes, 0 if not; on error set an exception and return -1. */
static int
read_once(Intake *self, PyObject *listener)
{
    PyObject *done;
    Py_ssize_t position = 0;
    ssize_t size = receive(self);
    if (size < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return 0;
        PyErr_SetFromErrno(PyExc_OSError);
        PyObject *type, *error, *trace;
        PyErr_Fetch(&type, &error, &trace);
        PyErr_NormalizeException(&type, &error, &trace);
        done = PyObject_CallMethod(listener, "on_error", "O", error);
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(trace);
        Py_XDECREF(done);
        return done == NULL ? -1 : 0;
    }
    if (self->armed && self->events < MOST_EVENTS) {
        Span data = {buffer, size};
        Py_ssize_t events = skim_chunks(data, &position, &self->rule, &self->size);
        if (note(self, events) < 0)
            return -1;
        if (events && position == size)
            return 1;
    }
    done = PyObject_CallMethod(
        listener, "on_read", "y#d", buffer + position, (Py_ssize_t)size - position, self->last_at);
    Py_XDECREF(done);
    return done == NULL ? -1 : size > 0;
}

static PyObject *
intake_on_readable(PyObject *self, PyObject *listener)
{
    if (read_once((Intake *)self, listener) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
intake_read(PyObject *self, PyObject *listener)
{
    int brought = read_once((Intake *)self, listener);
    return brought < 0 ? NULL : PyBool_FromLong(brought);
}

static PyObject *
intake_arm(PyObject *object, PyObject *rule_bytes)
{
    Intake *self = (Intake *)object;
    Span bytes;
    if (rule_bytes != self->rule_bytes) { /* nearly always the same */
        Rule rule;
        if (span_of(rule_bytes, &bytes) < 0 || rule_of(bytes, &rule) < 0)
            return NULL;
        PyObject *old = self->rule_bytes;
        Py_INCREF(rule_bytes);
        self->rule_bytes = rule_bytes;
        Py_XDECREF(old);
        self->rule = rule;
    }
    self->armed = 1;
    Py_RETURN_NONE;
}

static PyObject *
intake_disarm(PyObject *object, PyObject *none)
{
    Intake *self = (Intake *)object;
    (void)none;
    PyObject *reads = PyList_New(0);
    if (reads == NULL)
        return NULL;
    self->armed = 0;
    PyObject *taken = Py_BuildValue("Nnnn", self->reads, self->events, self->first, self->size); /* takes the list */
    self->reads = reads;
    self->events = self->first = self->size = 0;
    return taken;
}

static PyObject *
intake_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    (void)keywords;
    int fd;
    if (!PyArg_ParseTuple(args, "i", &fd))
        return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Intake *self = (Intake *)alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->fd = fd;
    self->reads = PyList_New(0);
    if (self->reads == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void
intake_dealloc(PyObject *object)
{
    Intake *self = (Intake *)object;
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(self->rule_bytes);
    Py_XDECREF(self->reads);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyMethodDef intake_methods[] = {
    {"on_readable", intake_on_readable, METH_O, "on_readable(listener)"},
    {"read", intake_read, METH_O, "read(listener) -> bool"},
    {"arm", intake_arm, METH_O, "arm(rule)"},
    {"disarm", intake_disarm, METH_NOARGS, "disarm() -> (reads, events, first, size)"},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef intake_members[] = {
    {"last_at", T_DOUBLE, offsetof(Intake, last_at), READONLY, NULL},
    {"lag_ns", T_LONGLONG, offsetof(Intake, lag_ns), 0, NULL},
    {"armed", T_BOOL, offsetof(Intake, armed), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot intake_slots[] = {
    {Py_tp_doc, "See transport/intake.py."},
    {Py_tp_new, intake_new},
    {Py_tp_dealloc, intake_dealloc},
    {Py_tp_methods, intake_methods},
    {Py_tp_members, intake_members},
    {0, NULL},
};

static PyType_Spec intake_spec = {
    .name = "katydid.transport._intake.Intake",
    .basicsize = sizeof(Intake),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = intake_slots,
};

/* `ReadCoalescer.tick` of transport/intake.py. */
static PyObject *
turn(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    long long at = now(CLOCK_MONOTONIC), passed = at - window_began;
    if (at - turned_at >= SAME_TURN_NS) {
        looked_at = turned_at;
        turned_at = at;
    }
    if (passed >= WINDOW_NS) {
        double share = (double)merged / (alone > 1 ? alone : 1);
        if (!resting)
            usual = share;
        else if (share > usual + MERGE_RATE_LIMIT)
            awake_until = at + BACKOFF_NS;
        resting = alone >= passed / 1e9 * FEWEST && at >= awake_until;
        alone = merged = 0;
        window_began = at;
    }
    if (resting) {
        struct timespec rest = {0, COALESCE_NS};
        Py_BEGIN_ALLOW_THREADS
        nanosleep(&rest, NULL);
        Py_END_ALLOW_THREADS
    }
    return PyBool_FromLong(resting);
}

static PyObject *
stamps(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    return Py_BuildValue("LL", stamped_reads, unstamped_reads);
}

static PyMethodDef functions[] = {
    {"turn", turn, METH_NOARGS, "turn() -> bool"},
    {"stamps", stamps, METH_NOARGS, "stamps() -> (stamped, unstamped)"},
    {NULL, NULL, 0, NULL},
};

static int
fill(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&intake_spec);
    int failed = type == NULL || PyModule_AddObjectRef(module, "Intake", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "_intake", .m_doc = "See transport/intake.py.", .m_size = 0, .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__intake(void)
{
    return PyModuleDef_Init(&module);
}
