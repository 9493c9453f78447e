/* The least that a client can do on this machine: epoll, one recvmsg a wake-up, the kernel's stamps, nothing else.
 * No parsing but for the first content and the answer's end, no statistics, no schedule. What Katydid needs beyond it
 * is the price of being a load tester; what both need is the kernel's, and the machine's mood of the day.
 *
 *     floor PORT STREAMS SECONDS STREAM(0|1) FILE
 *
 * Writes "id ttft_ms" a line to FILE, as the other drivers.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE (256 * 1024)
#define MOST_EVENTS 1024

typedef struct {
    int fd;
    long number;
    double began, first_at;
    long left; /* bytes of an answer in one piece; -1 while its head has not come */
} Stream;

static char buffer[READ_SIZE + 1];
static long numbers;
static int count, streamed;
static FILE *out;

static double
now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

static void
ask(Stream *stream)
{
    char request[512], body[160];
    stream->number = ++numbers;
    stream->first_at = 0;
    stream->left = -1;
    int size = snprintf(body, sizeof body,
                        "{\"model\":\"katydid-small\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"How "
                        "are you?\"}]}",
                        streamed ? "true" : "false");
    int length = snprintf(request, sizeof request,
                          "POST /v1/chat/completions HTTP/1.1\r\nHost: target\r\nContent-Type: application/json\r\n"
                          "X-Request-Id: floor-%ld\r\nContent-Length: %d\r\n\r\n%s",
                          stream->number, size, body);
    stream->began = now(CLOCK_MONOTONIC);
    if (send(stream->fd, request, length, 0) != length)
        fail("send");
}

static ssize_t
receive(Stream *stream, double *at)
{
    char ancillary[64];
    struct iovec into = {buffer, READ_SIZE};
    struct msghdr message = {
        .msg_iov = &into, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary};
    ssize_t size = recvmsg(stream->fd, &message, MSG_DONTWAIT);
    if (size < 0)
        return size;
    double read_at = now(CLOCK_MONOTONIC), real = now(CLOCK_REALTIME);
    *at = read_at;
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    if (part != NULL && part->cmsg_type == SO_TIMESTAMPING) {
        struct timespec stamp;
        memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
        *at = read_at - (real - stamp.tv_sec - stamp.tv_nsec / 1e9);
    }
    return size;
}

static int
is_over(Stream *stream, ssize_t size)
{
    if (streamed)
        return size >= 5 && memcmp(buffer + size - 5, "0\r\n\r\n", 5) == 0;
    if (stream->left < 0) {
        buffer[size] = 0;
        char *body = strstr(buffer, "\r\n\r\n"), *length = strcasestr(buffer, "content-length:");
        if (body == NULL || length == NULL)
            return 0;
        stream->left = atol(length + 15) + (body + 4 - buffer);
    }
    stream->left -= size;
    return stream->left == 0;
}

static void
on_readable(Stream *stream)
{
    double at = 0;
    ssize_t size = receive(stream, &at);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0)
        fail("the target closed");
    if (streamed && stream->first_at == 0 && memmem(buffer, size, "\"content\":\"", 11) != NULL) {
        stream->first_at = at;
        if (stream->number > count) /* nobody reads the first answers while the other streams are being dialled */
            fprintf(out, "floor-%ld %.4f\n", stream->number, (at - stream->began) * 1000);
    }
    if (is_over(stream, size))
        ask(stream);
}

static int
dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    int stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);
    return fd;
}

int
main(int argc, char **argv)
{
    if (argc != 6)
        return fprintf(stderr, "usage: floor PORT STREAMS SECONDS STREAM FILE\n"), 2;
    int port = atoi(argv[1]), poll = epoll_create1(0);
    double until = now(CLOCK_MONOTONIC) + atof(argv[3]);
    count = atoi(argv[2]);
    streamed = atoi(argv[4]);
    out = fopen(argv[5], "w");
    Stream *streams = calloc(count, sizeof *streams);
    if (out == NULL || streams == NULL || poll < 0)
        fail("floor");
    for (int i = 0; i < count; i++) {
        streams[i].fd = dial(port);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &streams[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, streams[i].fd, &event);
        ask(&streams[i]);
        usleep(streamed ? 2000 : 0); /* so that the streams are out of step, as users are */
    }
    while (now(CLOCK_MONOTONIC) < until) {
        struct epoll_event events[MOST_EVENTS];
        int ready = epoll_wait(poll, events, MOST_EVENTS, 100);
        for (int i = 0; i < ready; i++)
            on_readable(events[i].data.ptr);
    }
    return fclose(out);
}
