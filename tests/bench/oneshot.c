/* A client that makes a new connection for each request: `oneshot PORT SECONDS AT_ONCE HEAD [STATUS]`.

   It keeps AT_ONCE connections under way from one thread. Each is opened, sends the bytes of the file HEAD, reads until the
   head of an answer is whole, and is reset, so that no port is held back afterwards. Prints how many answers had the STATUS
   (301 without one), how many had another or failed, and the median and the 99th percentile of the time from the start of
   a connection to its answer, in microseconds. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FILES = 65536, MAX_TIMES = 4000000, EVENTS = 128 };

static struct sockaddr_in server;
static char request[65536], status[4] = "301";
static ssize_t request_size;
static int poller;
static long right, wrong, timed;
static double begun[MAX_FILES];
static float times[MAX_TIMES];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static void begin(void) {
  struct linger reset = {1, 0};
  struct epoll_event event = {.events = EPOLLOUT};
  int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (file < 0 || file >= MAX_FILES) exit(1);
  setsockopt(file, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  begun[file] = now();
  if (connect(file, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) exit(2);
  event.data.fd = file;
  epoll_ctl(poller, EPOLL_CTL_ADD, file, &event);
}

static void finish(int file, int is_right) {
  if (is_right) {
    right++;
    if (timed < MAX_TIMES) times[timed++] = (now() - begun[file]) * 1e6;
  } else {
    wrong++;
  }
  close(file);
  begin();
}

static void go_on(int file, unsigned events) {
  static char answer[65536];
  struct epoll_event event = {.events = EPOLLIN, .data.fd = file};
  if (events & EPOLLOUT) {
    if (write(file, request, request_size) == request_size) epoll_ctl(poller, EPOLL_CTL_MOD, file, &event);
    else finish(file, 0);
    return;
  }
  /* An answer comes in one piece here: it is smaller than a segment of the loopback interface. */
  ssize_t size = read(file, answer, sizeof answer);
  int is_whole = size > 12 && memmem(answer, size, "\r\n\r\n", 4) != NULL;
  finish(file, is_whole && memcmp(answer + 9, status, 3) == 0);
}

static int by_size(const void *left, const void *right_one) {
  float a = *(const float *)left, b = *(const float *)right_one;
  return (a > b) - (a < b);
}

int main(int count, char **words) {
  struct epoll_event events[EVENTS];
  if (count < 5) return 3;
  FILE *head = fopen(words[4], "rb");
  if (head == NULL) return 4;
  request_size = fread(request, 1, sizeof request, head);
  fclose(head);
  if (count > 5) memcpy(status, words[5], 3);
  server.sin_family = AF_INET;
  server.sin_port = htons(atoi(words[1]));
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  poller = epoll_create1(0);
  for (int number = atoi(words[3]); number > 0; number--) begin();
  double end = now() + atof(words[2]);
  while (now() < end) {
    int ready = epoll_wait(poller, events, EVENTS, 100);
    for (int number = 0; number < ready; number++) go_on(events[number].data.fd, events[number].events);
  }
  qsort(times, timed, sizeof times[0], by_size);
  printf("%ld %ld %.0f %.0f\n", right, wrong, timed ? times[timed / 2] : 0, timed ? times[timed * 99 / 100] : 0);
  return 0;
}
