/* The bare loop that lbcheck's engine is held against: explicit source ports, blocking connects, nothing checked but success.
 *
 *     connect CONNECTIONS PROCESSES AT_ONCE    from 127.1.0.1, ports 1024 and up, to 127.0.0.1:80
 *
 * Prints the connections and the seconds that they took, then holds them until its standard input ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static int open_all(int from, int to) {
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(80)};
    there.sin_addr.s_addr = htonl(0x7f000001);
    int one = 1, port;
    for (port = from; port < to; port++) {
        struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
        here.sin_addr.s_addr = htonl(0x7f010001);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, (void *)&here, sizeof here) || connect(fd, (void *)&there, sizeof there)) {
            perror("connect");
            break;
        }
    }
    return port - from;
}

int main(int count, char **words) {
    if (count != 4) return 2;
    long total = atol(words[1]), processes = atol(words[2]), at_once = atol(words[3]), opened = 0, started = 0, running = 0;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int done[2], pids[1024], n;
    if (pipe(done) || processes > 1024) return 1;
    double start = now();
    while (started < processes || running) {
        for (; running < at_once && started < processes; running++, started++) {
            if (!(pids[started] = fork())) {
                n = open_all(1024 + total * started / processes, 1024 + total * (started + 1) / processes);
                if (write(done[1], &n, sizeof n) < 0) return 1;
                pause();
            }
        }
        if (read(done[0], &n, sizeof n) < 0) return 1;
        opened += n;
        running--;
    }
    printf("%ld %.4f\n", opened, now() - start);
    fflush(stdout);
    while (getchar() != EOF) {}
    for (int i = 0; i < started; i++) kill(pids[i], SIGKILL);
    while (wait(NULL) > 0) {}
    return 0;
}
