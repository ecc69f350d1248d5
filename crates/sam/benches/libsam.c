/* The same program over corosync's libsam, for comparison. Built by the bench where the library is. */
#include <corosync/sam.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Arguments: interval in ms, megabytes touched before register, after register, ignore SIGTERM. */
int main(int argc, char **argv)
{
	unsigned instance;
	size_t before = (size_t)atoi(argv[2]) << 20, after = (size_t)atoi(argv[3]) << 20, i;
	volatile char *memory;

	memory = malloc(before + 1);
	for (i = 0; i < before; i += 4096)
		memory[i] = 1;
	if (atoi(argv[4]))
		signal(SIGTERM, SIG_IGN);
	if (sam_initialize(atoi(argv[1]), SAM_RECOVERY_POLICY_RESTART) != CS_OK)
		return 1;
	if (sam_register(&instance) != CS_OK)
		return 2;
	long long registered = now();
	memory = malloc(after + 1);
	for (i = 0; i < after; i += 4096)
		memory[i] = 1;
	if (sam_start() != CS_OK)
		return 3;
	printf("%lld %lld %d %u\n", registered, now(), getpid(), instance);
	fflush(stdout);
	for (;;)
		pause();
}
