/*
 * A program that supervises itself: it works off ten pieces of work, crashes now and then, and is
 * followed by its next instance, which goes on where the last one stopped.
 *
 *     cc supervised.c $(pkg-config --cflags --libs libsam) -o supervised
 *     ./supervised
 */
#include <sam.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char *what, cs_error_t error)
{
    if (error == CS_OK)
        return 0;
    fprintf(stderr, "%s failed: %d\n", what, error);
    return 1;
}

int main(void)
{
    unsigned instance = 0;
    int done = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (failed("sam_initialize", sam_initialize(2000, SAM_RECOVERY_POLICY_RESTART)) ||
        failed("sam_data_store", sam_data_store(&done, sizeof done)) ||
        failed("sam_register", sam_register(&instance)))
        return EXIT_FAILURE;

    /* From here on there is a supervisor, and this is one of its children. */
    if (failed("sam_data_restore", sam_data_restore(&done, sizeof done)) ||
        failed("sam_start", sam_start()))
        return EXIT_FAILURE;
    printf("instance %u goes on at %d\n", instance, done);
    while (done < 10) {
        done++;
        printf("work %d\n", done);
        if (failed("sam_data_store", sam_data_store(&done, sizeof done)) ||
            failed("sam_hc_send", sam_hc_send()))
            return EXIT_FAILURE;
        if (done == 3 || done == 7)
            raise(SIGKILL); /* it happens */
    }
    /* Without this the end would count as a failure. */
    if (failed("sam_stop", sam_stop()))
        return EXIT_FAILURE;
    puts("all done");
    return EXIT_SUCCESS;
}
