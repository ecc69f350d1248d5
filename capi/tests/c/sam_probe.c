/*
 * A program that does what it is told, a line at a time, and says what came of it: the C side of
 * the tests that the Rust library is tested with, too. Its orders and answers are those of
 * crates/sam/probe.
 *
 * It has one thread, since it is forked, and reads its orders byte by byte, since every instance
 * goes on reading where the one before it stopped.
 */
#include <corosync/sam.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST 4096
#define WORDS 16

static int asked, handled;

/* Says a line in one piece. */
static void say(const char *format, ...)
{
    char line[LONGEST];
    va_list rest;
    int length;
    va_start(rest, format);
    length = vsnprintf(line, sizeof line - 1, format, rest);
    va_end(rest);
    if (length < 0 || length >= (int)sizeof line - 1)
        length = (int)sizeof line - 2;
    line[length] = '\n';
    if (write(1, line, (size_t)length + 1) < 0)
        _exit(99);
}

/* The next line, and not a byte more; 0 at the end. */
static int order(char *line)
{
    size_t length = 0;
    for (;;) {
        ssize_t count = read(0, line + length, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return 0;
        if (line[length] == '\n') {
            line[length] = '\0';
            return 1;
        }
        if (++length == LONGEST)
            return 0;
    }
}

/* Whether the next order is there before so many milliseconds are over. */
static int ordered_within(int milliseconds)
{
    struct pollfd fd = {0, POLLIN, 0};
    return poll(&fd, 1, milliseconds) > 0;
}

static int store(const void *bytes, size_t size)
{
    return (int)sam_data_store(bytes, size);
}

static void restore(size_t size)
{
    char *bytes = malloc(size + 1);
    int code;
    memset(bytes, '.', size);
    bytes[size] = '\0';
    code = (int)sam_data_restore(bytes, size);
    if (code == CS_OK)
        say("1 %s", bytes);
    else
        say("%d", code);
    free(bytes);
}

static void getsize(void)
{
    size_t size = (size_t)-1;
    int code = (int)sam_data_getsize(&size);
    if (code == CS_OK)
        say("1 %zu", size);
    else
        say("%d", code);
}

static int store_much(size_t size)
{
    char *bytes = malloc(size + 1);
    int code;
    memset(bytes, 'x', size);
    code = store(bytes, size);
    free(bytes);
    return code;
}

static void register_it(void)
{
    unsigned instance = 0;
    int code = (int)sam_register(&instance);
    say("registered %d instance %u pid %d parent %d", code, instance, (int)getpid(),
        (int)getppid());
}

static int well(void)
{
    __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
    return 0;
}

/* Well ten times, and each time stored. */
static int well_ten_times(void)
{
    char text[16];
    int times = __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
    snprintf(text, sizeof text, "%d", times);
    store(text, strlen(text));
    say("asked %d", times);
    return times > 10;
}

static int sick(void)
{
    say("asked");
    return 1;
}

static int stuck(void)
{
    say("asked");
    for (;;)
        pause();
    return 0;
}

/* Needs half of what the thread has for a stack. */
static int deep(void)
{
    volatile char bytes[16 << 10];
    int i, sum = 0;
    for (i = 0; i < (int)sizeof bytes; i++)
        bytes[i] = 1;
    for (i = 0; i < (int)sizeof bytes; i++)
        sum += bytes[i];
    say("deep %d", sum);
    return 0;
}

/* A thread that does nothing. */
static void *idle(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

static const char *start_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, idle, NULL) == 0 ? "done" : "no thread";
}

static sam_hc_callback_t callback(const char *which)
{
    if (strcmp(which, "well") == 0)
        return well;
    if (strcmp(which, "ten") == 0)
        return well_ten_times;
    if (strcmp(which, "sick") == 0)
        return sick;
    if (strcmp(which, "deep") == 0)
        return deep;
    return strcmp(which, "stuck") == 0 ? stuck : NULL;
}

/* Says that it came. Only what a handler may. */
static void report(int number)
{
    char line[] = {'s', 'i', 'g', 'n', 'a', 'l', ' ', (char)('0' + number / 10 % 10),
                   (char)('0' + number % 10), '\n'};
    if (write(1, line, sizeof line) < 0)
        _exit(99);
}

/* Counts, and stores the count: SAM may be called from a handler. */
static void count(int number)
{
    char text = (char)('0' + __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST) % 10);
    store(&text, 1);
    report(number);
}

static const char *handler(int number, void (*it)(int))
{
    return signal(number, it) == SIG_ERR ? "no such signal" : "done";
}

static void at_exit(void)
{
    say("at exit of %d", (int)getpid());
}

/* Says that all is well until the next order comes. */
static void beat(int every)
{
    char line[LONGEST];
    int sent = 0, code;
    for (;;) {
        code = (int)sam_hc_send();
        if (code != CS_OK) {
            say("%d after %d", code, sent);
            return;
        }
        sent++;
        if (ordered_within(every)) {
            /* Whatever it is, it means: enough. */
            order(line);
            say("beaten");
            return;
        }
    }
}

static int limit(int what, rlim_t most)
{
    struct rlimit it = {most, most};
    return setrlimit((__rlimit_resource_t)what, &it);
}

/* So many numbers of descriptors are free from now on. */
static int files_to_spare(int wanted)
{
    int fd = 0;
    for (;; fd++)
        if (fcntl(fd, F_GETFD) < 0 && wanted-- == 0)
            return limit(RLIMIT_NOFILE, (rlim_t)fd);
}

static int open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int files = -3; /* the two dots, and the folder itself */
    while (readdir(folder) != NULL)
        files++;
    closedir(folder);
    return files;
}

/* A descendant that holds all descriptors until its ancestor's test ends. */
static int descend(void)
{
    pid_t child = fork();
    if (child == 0) {
        struct pollfd fd = {2, 0, 0};
        poll(&fd, 1, -1);
        _exit(0);
    }
    return (int)child;
}

/* What has a number for an answer. */
static int numbered(char **word, int *answer)
{
    const char *verb = word[0], *what = word[1];
    size_t size = strtoull(what, NULL, 10);
    int number = (int)strtol(what, NULL, 10);
    if (strcmp(verb, "initialize") == 0)
        *answer = (int)sam_initialize(number, (sam_recovery_policy_t)atoi(word[2]));
    else if (strcmp(verb, "start") == 0)
        *answer = (int)sam_start();
    else if (strcmp(verb, "stop") == 0)
        *answer = (int)sam_stop();
    else if (strcmp(verb, "finalize") == 0)
        *answer = (int)sam_finalize();
    else if (strcmp(verb, "hc") == 0)
        *answer = (int)sam_hc_send();
    else if (strcmp(verb, "mark-failed") == 0)
        *answer = (int)sam_mark_failed();
    else if (strcmp(verb, "callback") == 0)
        *answer = (int)sam_hc_callback_register(callback(what));
    else if (strcmp(verb, "warn") == 0)
        *answer = (int)sam_warn_signal_set(number);
    else if (strcmp(verb, "getsize-null") == 0)
        *answer = (int)sam_data_getsize(NULL);
    else if (strcmp(verb, "store") == 0)
        *answer = store(what, strlen(what));
    else if (strcmp(verb, "store-much") == 0)
        *answer = store_much(size);
    else if (strcmp(verb, "store-null") == 0)
        *answer = store(NULL, size);
    else if (strcmp(verb, "restore-null") == 0)
        *answer = (int)sam_data_restore(NULL, size);
    else if (strcmp(verb, "asked") == 0)
        *answer = __atomic_load_n(&asked, __ATOMIC_SEQ_CST);
    else if (strcmp(verb, "handled") == 0)
        *answer = __atomic_load_n(&handled, __ATOMIC_SEQ_CST);
    else if (strcmp(verb, "pid") == 0)
        *answer = (int)getpid();
    else if (strcmp(verb, "close-all") == 0)
        *answer = (int)syscall(SYS_close_range, 3, ~0U, 0);
    else if (strcmp(verb, "files-to-spare") == 0)
        *answer = files_to_spare(number);
    else if (strcmp(verb, "open-files") == 0)
        *answer = open_files();
    else if (strcmp(verb, "processes") == 0)
        *answer = limit(RLIMIT_NPROC, (rlim_t)size);
    else if (strcmp(verb, "user") == 0)
        *answer = setuid((uid_t)number);
    else if (strcmp(verb, "descend") == 0)
        *answer = descend();
    else
        return 0;
    return 1;
}

static void act(char **word)
{
    const char *verb = word[0];
    int number = atoi(word[1]), answer = 0;
    if (numbered(word, &answer)) {
        say("%d", answer);
    } else if (strcmp(verb, "register") == 0) {
        register_it();
    } else if (strcmp(verb, "register-null") == 0) {
        say("%d", (int)sam_register(NULL));
    } else if (strcmp(verb, "thread") == 0) {
        say(start_thread());
    } else if (strcmp(verb, "hc-and-stay") == 0) {
        sam_hc_send();
        idle(NULL);
    } else if (strcmp(verb, "getsize") == 0) {
        getsize();
    } else if (strcmp(verb, "restore") == 0) {
        restore(strtoull(word[1], NULL, 10));
    } else if (strcmp(verb, "exit") == 0) {
        exit(number);
    } else if (strcmp(verb, "raise") == 0) {
        raise(number);
        say("survived");
    } else if (strcmp(verb, "crash") == 0) {
        raise(SIGSEGV);
        say("survived");
    } else if (strcmp(verb, "beat") == 0) {
        beat(number);
    } else if (strcmp(verb, "ignore") == 0) {
        say(handler(number, SIG_IGN));
    } else if (strcmp(verb, "default") == 0) {
        say(handler(number, SIG_DFL));
    } else if (strcmp(verb, "report") == 0) {
        say(handler(number, report));
    } else if (strcmp(verb, "count") == 0) {
        say(handler(number, count));
    } else if (strcmp(verb, "at-exit") == 0) {
        say(atexit(at_exit) == 0 ? "done" : "no room");
    } else {
        say("what is %s?", verb);
    }
}

int main(void)
{
    char line[LONGEST];
    /* As programs in Rust do, so that both are told the same. */
    signal(SIGPIPE, SIG_IGN);
    while (order(line)) {
        char *word[WORDS], *rest = NULL, *next = strtok_r(line, " ", &rest);
        int i;
        for (i = 0; i < WORDS; i++) {
            word[i] = next == NULL ? "" : next;
            next = next == NULL ? NULL : strtok_r(NULL, " ", &rest);
        }
        act(word);
    }
    return 0;
}
